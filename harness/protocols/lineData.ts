import { prefixTest } from './prefix.ts'

/** What follows a line: bytes that the line announces; plain data. */
export type LineData =
  /** A line that begins so has its length in one of its words, counted from 1, or from the end below 0. */
  | { readonly after: string; readonly word: number; readonly plus: number }
  /** A text with a line of this name, as headers are written, has its length there. */
  | { readonly header: string; readonly plus: number }

/**
 * The bytes that the line `bytes[from, lineEnd)`, without its delimiter, announces behind its delimiter: none for -1, and
 * `unreadable` where the number is none.
 */
export type DataReader = (bytes: Uint8Array, from: number, lineEnd: number) => number

/** There is no data behind this line. */
export const noData = -1
/** There is data behind this line, and its length is no number. */
export const unreadable = -2

const blank = 0x20
const zero = 0x30
const lineFeed = 0x0a
const colon = 0x3a
/** More digits than any length that is accepted has. */
const digitsMax = 10

/** Reads what a line announces by the first of these rules that it fits, and how many of those bytes are no data. */
export function dataReader(rules: readonly LineData[]): { readonly read: DataReader; readonly behind: DataReader } {
  const readers = rules.map(rule => ('header' in rule ? headerReader(rule) : wordReader(rule)))
  const [last = none, ...earlier] = readers.toReversed()
  return {
    read: earlier.reduce((others, reader) => firstOf(reader, others), last),
    behind(bytes, from, lineEnd) {
      const index = readers.findIndex(reader => reader(bytes, from, lineEnd) !== noData)
      return index < 0 ? 0 : Math.max(0, rules[index]!.plus)
    },
  }
}

const none: DataReader = () => noData

/** Two readers in turn: they are called by name, as a compiler puts that in place, and not what stands in a list. */
function firstOf(reader: DataReader, others: DataReader): DataReader {
  return (bytes, from, lineEnd) => {
    const found = reader(bytes, from, lineEnd)
    return found === noData ? others(bytes, from, lineEnd) : found
  }
}

function wordReader({ after, word, plus }: Extract<LineData, { word: number }>): DataReader {
  const start = new TextEncoder().encode(after)
  const { length } = start
  const isThere = prefixTest(start)
  // Words of the text itself need not be counted again.
  const known = start.reduce((blanks, byte) => blanks + (byte === blank ? 1 : 0), 0)
  const knownBytes = start.lastIndexOf(blank) + 1
  const skipsKnown = word > known
  const left = skipsKnown ? word - known : word
  const skipped = skipsKnown ? knownBytes : 0
  return (bytes, from, lineEnd) => {
    if (lineEnd - from < length || !isThere(bytes, from)) return noData
    const at = word > 0 ? wordFromStart(bytes, from + skipped, lineEnd, left) : wordFromEnd(bytes, from, lineEnd, -word)
    const value = numberAt(bytes, at, lineEnd)
    return value < 0 ? unreadable : value + plus
  }
}

function headerReader({ header, plus }: Extract<LineData, { header: string }>): DataReader {
  const name = new TextEncoder().encode(header.toLowerCase())
  return (bytes, from, lineEnd) => {
    for (let at = from; at < lineEnd; at++) {
      if (at > from && bytes[at - 1] !== lineFeed) continue
      if (!isName(bytes, at, lineEnd, name)) continue
      let place = at + name.length + 1
      while (place < lineEnd && bytes[place] === blank) place++
      const value = numberAt(bytes, place, lineEnd)
      return value < 0 ? unreadable : value + plus
    }
    return noData
  }
}

/** Whether a header of this name, in small letters, begins at a place. */
function isName(bytes: Uint8Array, at: number, lineEnd: number, name: Uint8Array): boolean {
  if (at + name.length >= lineEnd || bytes[at + name.length] !== colon) return false
  for (let index = 0; index < name.length; index++) {
    const byte = bytes[at + index]!
    const small = byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte
    if (small !== name[index]) return false
  }
  return true
}

function wordFromStart(bytes: Uint8Array, from: number, end: number, word: number): number {
  let at = from
  for (let left = word - 1; left > 0; left--) {
    while (at < end && bytes[at] !== blank) at++
    at++
  }
  return at
}

function wordFromEnd(bytes: Uint8Array, from: number, end: number, word: number): number {
  let at = end
  for (let left = word; left > 0; left--) {
    if (left < word) at--
    while (at > from && bytes[at - 1] !== blank) at--
  }
  return at
}

/** The decimal number up to the next blank or line end; below 0 where there is none. */
function numberAt(bytes: Uint8Array, from: number, end: number): number {
  let value = 0
  let at = from
  for (; at < end && bytes[at]! > blank; at++) {
    const digit = bytes[at]! - zero
    if (digit < 0 || digit > 9 || at - from === digitsMax) return -1
    value = value * 10 + digit
  }
  return at === from ? -1 : value
}
