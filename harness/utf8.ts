import { isUtf8 } from 'node:buffer'

const lineFeed = 0x0a

/** Where a text is not UTF-8: the line, counted from 1, and the byte there. */
export interface Utf8Fault {
  readonly line: number
  readonly byte: number
}

/** The first byte that is no UTF-8; undefined where all are. */
export function utf8Fault(bytes: Uint8Array): Utf8Fault | undefined {
  if (isUtf8(bytes)) return undefined
  let line = 1
  let from = 0
  // No character of several bytes has a line feed in it, so each line can be checked alone.
  for (;;) {
    const found = bytes.indexOf(lineFeed, from)
    const to = found < 0 ? bytes.length : found
    if (!isUtf8(bytes.subarray(from, to))) return { line, byte: bytes[faultIn(bytes, from, to)]! }
    from = to + 1
    line++
  }
}

/** A fault as messages name it: `byte 0xe9 in line 2`. */
export function showUtf8Fault({ line, byte }: Utf8Fault): string {
  return `byte 0x${byte.toString(16).padStart(2, '0')} in line ${line}`
}

/** The offset of the first character in a faulty line that is none. */
function faultIn(bytes: Uint8Array, from: number, to: number): number {
  let at = from
  while (at < to) {
    const length = lengthAfter(bytes[at]!)
    if (length > to - at || !isUtf8(bytes.subarray(at, at + length))) return at
    at += length
  }
  return at
}

/** How many bytes a character has that begins with this one. */
function lengthAfter(first: number): number {
  if (first < 0xc0) return 1
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
}
