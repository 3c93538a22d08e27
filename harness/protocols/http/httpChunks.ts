import { incomplete, malformed, tooLarge } from '../protocol.ts'

const tab = 0x09
const lineFeed = 0x0a
const carriageReturn = 0x0d
const space = 0x20
const semicolon = 0x3b
const noDigit = -1

/**
 * The end of the chunked body that begins at `at`, past its trailers; `endMax` bounds it. The data of a chunk is
 * skipped, not read, so a body in large chunks costs little however many pieces it arrives in.
 */
export function chunkedEnd(bytes: Uint8Array, at: number, to: number, endMax: number): number {
  const end = chunksEnd(bytes, at, Math.min(to, endMax), endMax)
  return end === incomplete && to >= endMax ? tooLarge : end
}

/** The same within `bytes[at, limit)`, where `incomplete` may also mean that the body continues past `endMax`. */
function chunksEnd(bytes: Uint8Array, at: number, limit: number, endMax: number): number {
  for (;;) {
    // Read in place: a function would return either the size or its end, and to read it twice costs 10 ns a chunk.
    const digitsAt = at
    let size = 0
    for (; at < limit; at++) {
      const digit = hexDigit(bytes[at]!)
      if (digit === noDigit) break
      size = size * 16 + digit
      if (size > endMax - at) return tooLarge
    }
    const dataAt = sizeLineEnd(bytes, digitsAt, at, limit)
    if (dataAt <= 0) return dataAt
    if (size === 0) return trailersEnd(bytes, dataAt, limit)
    at = dataLineEnd(bytes, dataAt + size, limit, endMax)
    if (at <= 0) return at
  }
}

/** The data of the whole chunked body `bytes[from, end)`: a copy without sizes, extensions and trailers. */
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

/** Just past the line of a chunk's size, whose digits are `bytes[at, digitsEnd)`. */
function sizeLineEnd(bytes: Uint8Array, at: number, digitsEnd: number, limit: number): number {
  if (digitsEnd === limit) return incomplete
  if (digitsEnd === at || !endsSize(bytes[digitsEnd]!)) return malformed
  return lineEnd(bytes, digitsEnd, limit)
}

/** Just past the line end at `at` that follows the data of a chunk. */
function dataLineEnd(bytes: Uint8Array, at: number, limit: number, endMax: number): number {
  if (at > endMax) return tooLarge
  if (at < limit && bytes[at] === carriageReturn) at++
  if (at >= limit) return incomplete
  return bytes[at] === lineFeed ? at + 1 : malformed
}

/** Just past the empty line that ends the trailers; `incomplete` until it is in. */
function trailersEnd(bytes: Uint8Array, at: number, to: number): number {
  for (;;) {
    const end = lineEnd(bytes, at, to)
    if (end === incomplete) return incomplete
    if (end - at === 1 || (end - at === 2 && bytes[at] === carriageReturn)) return end
    at = end
  }
}

/** Just past the next line feed; `incomplete` until it is in. */
function lineEnd(bytes: Uint8Array, at: number, to: number): number {
  for (; at < to; at++) {
    if (bytes[at] === lineFeed) return at + 1
  }
  return incomplete
}

/** Whether a byte may follow a size: it begins an extension, the blanks that some servers pad with, or the line end. */
function endsSize(byte: number): boolean {
  return byte === carriageReturn || byte === lineFeed || byte === semicolon || byte === space || byte === tab
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : noDigit
}
