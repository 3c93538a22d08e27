import { incomplete, malformed, tooLarge } from '../protocol.ts'

const tab = 0x09
const lineFeed = 0x0a
const carriageReturn = 0x0d
const space = 0x20
const semicolon = 0x3b
const noDigit = -1

/**
 * The end of the chunked body that begins at `at`, past its trailers; `endMax` is where it must end at the latest. The
 * data of a chunk is passed over unseen, so that a body in large chunks costs little however many pieces it comes in.
 */
export function chunkedEnd(bytes: Uint8Array, at: number, to: number, endMax: number): number {
  const limit = Math.min(to, endMax)
  const unfinished = to < endMax ? incomplete : tooLarge
  for (;;) {
    let size = 0
    const digitsAt = at
    for (; at < limit; at++) {
      const digit = hexDigit(bytes[at]!)
      if (digit === noDigit) break
      size = size * 16 + digit
      if (size > endMax - at) return tooLarge
    }
    if (at === limit) return unfinished
    if (at === digitsAt || !endsSize(bytes[at]!)) return malformed
    at = lineEnd(bytes, at, limit)
    if (at === incomplete) return unfinished
    if (size === 0) {
      const end = trailersEnd(bytes, at, limit)
      return end === incomplete ? unfinished : end
    }
    at += size
    if (at > endMax) return tooLarge
    if (bytes[at] === carriageReturn && at < limit) at++
    if (at >= limit) return unfinished
    if (bytes[at] !== lineFeed) return malformed
    at++
  }
}

/** The data in the whole chunked body `bytes[from, end)`: a copy, without sizes, extensions and trailers. */
export function dechunk(bytes: Uint8Array, from: number, end: number): Uint8Array {
  const body = new Uint8Array(end - from)
  let length = 0
  let at = from
  while (at < end) {
    let size = 0
    for (let digit = hexDigit(bytes[at]!); digit !== noDigit; digit = hexDigit(bytes[++at]!)) size = size * 16 + digit
    if (size === 0) break
    at = lineEnd(bytes, at, end)
    body.set(bytes.subarray(at, at + size), length)
    length += size
    at = lineEnd(bytes, at + size, end)
  }
  return body.subarray(0, length)
}

/** Just past the empty line that ends the trailers; `incomplete` while it is not there. */
function trailersEnd(bytes: Uint8Array, at: number, to: number): number {
  for (;;) {
    const end = lineEnd(bytes, at, to)
    if (end === incomplete) return incomplete
    if (end - at === 1 || (end - at === 2 && bytes[at] === carriageReturn)) return end
    at = end
  }
}

/** Just past the next line feed; `incomplete` while it is not there. */
function lineEnd(bytes: Uint8Array, at: number, to: number): number {
  for (; at < to; at++) {
    if (bytes[at] === lineFeed) return at + 1
  }
  return incomplete
}

/** A size is followed by an extension, by blanks that some servers pad it with, or by the end of its line. */
function endsSize(byte: number): boolean {
  return byte === carriageReturn || byte === lineFeed || byte === semicolon || byte === space || byte === tab
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : noDigit
}
