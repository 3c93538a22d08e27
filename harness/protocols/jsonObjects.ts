import { closeBrace, closingQuote, openBrace, quote, skipBlanks } from './jsonText.ts'
import { incomplete, malformed, tooLarge } from './protocol.ts'

/**
 * The end of the first JSON object in `bytes[from, to)` with the blanks around it, by matching its braces outside of
 * strings: objects need nothing between them. `incomplete`, `malformed` where something else than an object begins, or
 * `tooLarge` where it has not ended within `bytesMax`. What is within the braces need not be JSON.
 */
export function objectEnd(bytes: Uint8Array, from: number, to: number, bytesMax: number): number {
  const last = Math.min(to, from + bytesMax)
  const unfinished = to - from >= bytesMax ? tooLarge : incomplete
  let at = skipBlanks(bytes, from, last)
  if (at === last) return unfinished
  if (bytes[at] !== openBrace) return malformed
  let depth = 0
  for (; at < last; at++) {
    const byte = bytes[at]!
    if (byte === quote) at = closingQuote(bytes, at + 1, last)
    else if (byte === openBrace) depth++
    else if (byte === closeBrace && --depth === 0) return skipBlanks(bytes, at + 1, last)
  }
  return unfinished
}
