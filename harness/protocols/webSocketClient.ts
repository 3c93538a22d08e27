import { createLine } from './line.ts'
import type { Protocol } from './protocol.ts'
import { headEnd, upgradeReply, upgradeRequest, webSocketRules } from './webSocket.ts'

/** The longest head of an answer to an upgrade. */
export const upgradeReplyBytesMax = 64 * 1024

/** How a connection becomes one of WebSocket. */
export interface WebSocketUpgrade {
  readonly request: Uint8Array
  /** The format of the server's answer. */
  readonly format: Protocol
  /** Whether the whole answer `bytes[from, end)` takes the upgrade. */
  isTaken(bytes: Uint8Array, from: number, end: number): boolean
}

/** The upgrade of a connection to a server that is called `host`. */
export function webSocketUpgrade(host: string): WebSocketUpgrade {
  return {
    request: Buffer.from(upgradeRequest(host)),
    format: createLine({ delimiter: headEnd, maxFrame: upgradeReplyBytesMax }),
    isTaken(bytes, from, end) {
      const head = Buffer.from(bytes.subarray(from, end)).toString('latin1')
      return head.startsWith(upgradeReply.begins) && head.includes(upgradeReply.contains)
    },
  }
}

/** What answers the whole frame `bytes[from, end)`; undefined where the server asks for nothing. */
export function answerTo(protocol: Protocol, bytes: Uint8Array, from: number, end: number): Uint8Array | undefined {
  const rule = webSocketRules.answer[protocol.answerTo?.(bytes, from, end) ?? -1]
  if (rule === undefined || !protocol.isUpgraded) return undefined
  return protocol.encode({ body: protocol.decode(bytes, from, end).body, fields: { type: rule.send.type } })
}
