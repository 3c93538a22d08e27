export const quote = 0x22
const backslash = 0x5c
const colon = 0x3a
export const openBrace = 0x7b
export const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d

/** The range `[from, end)` of some bytes. */
export interface ByteRange {
  readonly from: number
  readonly end: number
}

/**
 * The text of `key` in the JSON object that fills `bytes[from, end)`: the bytes between its quotes, with their escapes.
 * An empty range where the object has no such text. The range lies within the bytes, whatever they are.
 */
export function findText(bytes: Uint8Array, from: number, end: number, key: string): ByteRange {
  let depth = 0
  /** Whether the value of the key comes next. */
  let isWanted = false
  for (let at = from; at < end; at++) {
    const byte = bytes[at]!
    if (byte === quote) {
      const close = closingQuote(bytes, at + 1, end)
      if (close === end) break
      if (isWanted) return { from: at + 1, end: close }
      const next = skipBlanks(bytes, close + 1, end)
      isWanted = depth === 1 && next < end && bytes[next] === colon && isText(bytes, at + 1, close, key)
      at = isWanted ? skipBlanks(bytes, next + 1, end) - 1 : close
      continue
    }
    isWanted = false
    if (byte === openBrace || byte === openBracket) depth++
    else if (byte === closeBrace || byte === closeBracket) depth--
  }
  return { from: end, end }
}

/** The place of the quote that ends a string whose text begins at `from`; `end` where there is none. */
export function closingQuote(bytes: Uint8Array, from: number, end: number): number {
  for (let at = from; at < end; at++) {
    if (bytes[at] === quote) return at
    if (bytes[at] === backslash) at++
  }
  return end
}

/** The place of the first byte from `from` on that is no blank of JSON, or `end`. */
export function skipBlanks(bytes: Uint8Array, from: number, end: number): number {
  let at = from
  while (at < end && isBlank(bytes[at]!)) at++
  return at
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d
}

/** Whether `bytes[from, end)` is `key`, which must be ASCII. */
function isText(bytes: Uint8Array, from: number, end: number, key: string): boolean {
  if (end - from !== key.length) return false
  for (let index = 0; index < key.length; index++) {
    if (bytes[from + index] !== key.charCodeAt(index)) return false
  }
  return true
}
