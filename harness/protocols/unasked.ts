import type { Protocol } from './protocol.ts'

/** Whether the whole frame `bytes[from, end)` answers no request. */
export function isUnasked(protocol: Protocol, bytes: Uint8Array, from: number, end: number): boolean {
  if (protocol.ignores?.(bytes, from, end)) return true
  if (protocol.answerTo !== undefined && protocol.answerTo(bytes, from, end) >= 0) return true
  return protocol.delivery !== undefined && protocol.delivery(bytes, from, end) >= 0
}
