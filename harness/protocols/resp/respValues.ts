import { incomplete, malformed, tooLarge } from '../protocol.ts'
import { isWord } from './respWords.ts'

/** How deep arrays, maps, sets and attributes may be nested. */
export const depthMax = 32
/** The shortest element of an array, `+` CR LF: it bounds the number of elements that fit. */
export const elementBytesMin = 3
/** A verbatim string begins with three characters for its format, and a colon. */
export const formatBytes = 4
/** The longest simple string, error or number, with its type byte and its CR LF. */
export const lineBytesMax = 64 * 1024
/** The most characters of a 64-bit number, with its sign. */
const numberCharactersMax = 20

const carriageReturn = 0x0d
const lineFeed = 0x0a
const zero = 0x30
const nine = 0x39
const plus = 0x2b
const minus = 0x2d
const question = 0x3f
/** Types that a line is all of. */
const simpleType = plus
export const errorType = minus
const integerType = 0x3a
const nullType = 0x5f
const booleanType = 0x23
const doubleType = 0x2c
const bigNumberType = 0x28
/** Types that begin with their length. */
export const bulkType = 0x24
export const bulkErrorType = 0x21
export const verbatimType = 0x3d
/** A piece of a string whose length is not known when it begins. */
const chunkType = 0x3b
/** Types that begin with the number of their elements; those of maps and attributes are pairs. */
const arrayType = 0x2a
const setType = 0x7e
const mapType = 0x25
const attributeType = 0x7c
export const pushType = 0x3e
/** The end of an array, set or map whose length is not known when it begins. */
const endType = 0x2e

const nilLength = -1
const noLength = -2
/** In place of the end of a value without elements: it has some, or is none. */
const notScalar = -9
/** In place of the number of elements: they go on until the end is said. */
const untilEnd = 0xffff_ffff

/** What a level of nesting is besides the elements left in it. */
const plainLevel = 0
const attributeLevel = 1
/** A map whose end is said: at a key, or at the value behind one. */
const mapKeyLevel = 2
const mapValueLevel = 3

/**
 * The elements left in each of the nested values that `aggregateEnd` has entered, and what they are. Each call starts over
 * and no two overlap, so all instances share it: a nested reply costs no allocation, and a flat one does not use it.
 */
const elementsLeft = new Uint32Array(depthMax)
const levels = new Uint8Array(depthMax)
let depth = 0

/** By type: 1 where a value has elements. */
const hasElements = new Uint8Array(256)
for (const type of [arrayType, setType, mapType, attributeType, pushType]) hasElements[type] = 1

/** Whether values of a type have elements: an array, map, set, push or attribute. */
export function isAggregate(type: number): boolean {
  return hasElements[type] === 1
}

/**
 * The end of the value at `at`, with the attributes before it; or `incomplete`, `malformed` or `tooLarge`. Nothing at or
 * behind `to` is read, and a value that reaches beyond `endMax` is too large as soon as it says so.
 */
export function valueEnd(bytes: Uint8Array, at: number, to: number, endMax: number): number {
  const end = scalarEnd(bytes, at, to, endMax)
  return end === notScalar ? aggregateEnd(bytes, at, to, endMax) : end
}

/** The same where a push would be of no use: it is malformed. */
export function replyEnd(bytes: Uint8Array, at: number, to: number, endMax: number): number {
  const end = scalarEnd(bytes, at, to, endMax)
  if (end !== notScalar) return end
  const whole = aggregateEnd(bytes, at, to, endMax)
  return whole > 0 && isPush(bytes, at, whole) ? malformed : whole
}

/** Whether a whole value is a push. */
export function isPush(bytes: Uint8Array, from: number, end: number): boolean {
  return bytes[behindAttributes(bytes, from, end)] === pushType
}

/** The place of a whole value behind the attributes that belong to it. */
export function behindAttributes(bytes: Uint8Array, from: number, end: number): number {
  return bytes[from] === attributeType ? behindAttribute(bytes, from, end) : from
}

/** The same where there is an attribute; apart from it, so that all other values cost one look at their first byte. */
function behindAttribute(bytes: Uint8Array, from: number, end: number): number {
  let at = from
  while (bytes[at] === attributeType) {
    let left = 2 * readLength(bytes, at)
    for (at = headerEnd(bytes, at); left > 0; left--) at = valueEnd(bytes, at, end, end)
  }
  return at
}

/** The place behind the first line end at or behind `at`, which must be there. */
export function headerEnd(bytes: Uint8Array, at: number): number {
  let index = at
  while (bytes[index] !== lineFeed) index++
  return index + 1
}

/** Whether the whole value at `at` is nil, as RESP2 has it: a length or a count of -1. */
export function isNil(bytes: Uint8Array, at: number): boolean {
  return (bytes[at] === bulkType || bytes[at] === arrayType) && bytes[at + 1] === minus
}

/** Whether the length of the value at `at` is not known when it begins. */
export function isStreamed(bytes: Uint8Array, at: number): boolean {
  return bytes[at + 1] === question
}

/** The end of the value with elements at `from`. */
function aggregateEnd(bytes: Uint8Array, from: number, to: number, endMax: number): number {
  depth = 0
  let at = from
  /** So many elements of the innermost value may come before one that ends it: they need not be counted in `elementsLeft`. */
  let spare = 0
  /** Behind an attribute there must be the value that it belongs to. */
  let isAwaited = false
  for (;;) {
    let end = scalarEnd(bytes, at, to, endMax)
    if (end > 0 && spare > 0) {
      spare--
      isAwaited = false
      at = end
      continue
    }
    setSpare(spare)
    if (end === notScalar) {
      end = headerOrEnd(bytes, at, to, endMax)
      if (end <= 0) return end
      const count = elementsOf(bytes, at, endMax - end)
      if (count < 0) return count
      const type = bytes[at]!
      if (!isInPlace(type, count, isAwaited)) return malformed
      isAwaited = type === attributeType && count === 0
      if (count === 0 && !isAwaited) isAwaited = !isCounted()
    } else if (end <= 0) return end
    else isAwaited = !isCounted()
    if (depth === 0 && !isAwaited) return end
    spare = spareNow()
    at = end
  }
}

/** Goes into a value that has elements, or leaves one whose end is said; false where that may not be there. */
function isInPlace(type: number, count: number, isAwaited: boolean): boolean {
  if (type === endType) return !isAwaited && leave()
  return count === 0 || enter(type, count)
}

/** Elements of the innermost value before the last; 0 where it has no count. */
function spareNow(): number {
  const left = depth === 0 ? untilEnd : elementsLeft[depth - 1]!
  return left === untilEnd ? 0 : left - 1
}

function setSpare(spare: number): void {
  if (depth > 0 && elementsLeft[depth - 1] !== untilEnd) elementsLeft[depth - 1] = spare + 1
}

/** Goes into a value that has elements; false where it is nested too deep. */
function enter(type: number, count: number): boolean {
  if (depth === depthMax) return false
  elementsLeft[depth] = count
  levels[depth++] =
    type === attributeType ? attributeLevel : type === mapType && count === untilEnd ? mapKeyLevel : plainLevel
  return true
}

/** Ends the innermost value, whose end is said; false where it has none to be said, or a key without its value. */
function leave(): boolean {
  if (depth === 0 || elementsLeft[depth - 1] !== untilEnd || levels[depth - 1] === mapValueLevel) return false
  depth--
  return true
}

/** Counts a whole value, and those that end with it; false where the last of them is an attribute. */
function isCounted(): boolean {
  while (depth > 0) {
    const level = depth - 1
    if (elementsLeft[level] === untilEnd) {
      if (levels[level] !== plainLevel) levels[level] = levels[level] === mapKeyLevel ? mapValueLevel : mapKeyLevel
      return true
    }
    if (--elementsLeft[level]! > 0) return true
    depth--
    if (levels[level] === attributeLevel) return false
  }
  return true
}

/** The end of the header of a value that has elements, or of what ends one. */
function headerOrEnd(bytes: Uint8Array, at: number, to: number, endMax: number): number {
  const type = bytes[at]!
  if (type === endType) return fixedEnd(bytes, at, to, endMax, 1)
  // A push is never part of another value.
  if (hasElements[type] !== 1 || (type === pushType && depth > 0)) return malformed
  const mayStream = type === arrayType || type === setType || type === mapType
  return mayStream && at + 1 < to && isStreamed(bytes, at)
    ? fixedEnd(bytes, at, to, endMax, 2)
    : numberEnd(bytes, at, to, endMax)
}

/**
 * The number of elements announced by the whole header at `at`, 0 for nil and for values without; tooLarge when `room` bytes
 * cannot hold them.
 */
function elementsOf(bytes: Uint8Array, at: number, room: number): number {
  if (hasElements[bytes[at]!] !== 1) return 0
  if (isStreamed(bytes, at)) return untilEnd
  const count = readLength(bytes, at)
  if (count === noLength) return malformed
  const type = bytes[at]!
  if (count === nilLength) return type === arrayType ? 0 : malformed
  const elements = type === mapType || type === attributeType ? 2 * count : count
  return elements * elementBytesMin > room ? tooLarge : elements
}

/** The end of the value at `at` if it has no elements, or `notScalar`. */
function scalarEnd(bytes: Uint8Array, at: number, to: number, endMax: number): number {
  if (at >= to) return unfinished(to, endMax)
  switch (bytes[at]) {
    case bulkType:
      return bulkEnd(bytes, at, to, endMax)
    case simpleType:
    case errorType:
      return textEnd(bytes, at, to, endMax)
    case integerType:
      return numberEnd(bytes, at, to, endMax)
    case arrayType:
      return notScalar
    default:
      return rareEnd(bytes, at, to, endMax)
  }
}

/** The same of types that only RESP3 has. */
function rareEnd(bytes: Uint8Array, at: number, to: number, endMax: number): number {
  switch (bytes[at]) {
    case bulkErrorType:
      return blobEnd(bytes, at, to, endMax, false)
    case verbatimType:
      return verbatimEnd(bytes, at, to, endMax)
    case nullType:
    case booleanType:
    case doubleType:
    case bigNumberType:
      return wordEnd(bytes, at, to, endMax)
    default:
      return notScalar
  }
}

/** The end of the bulk string at `at`. */
function bulkEnd(bytes: Uint8Array, at: number, to: number, endMax: number): number {
  const end = blobEnd(bytes, at, to, endMax, true)
  // No length is a question mark, and hardly any string has one in its place.
  return end === malformed && at + 1 < to && isStreamed(bytes, at) ? streamedEnd(bytes, at, to, endMax) : end
}

/** The end of the bulk string or error at `at`; `mayBeNil` is that of RESP2. */
function blobEnd(bytes: Uint8Array, at: number, to: number, endMax: number, mayBeNil: boolean): number {
  const dataAt = numberEnd(bytes, at, to, endMax)
  if (dataAt <= 0) return dataAt
  const length = readLength(bytes, at)
  if (length === noLength) return malformed
  if (length === nilLength) return mayBeNil ? dataAt : malformed
  const end = dataAt + length + 2
  if (end > endMax) return tooLarge
  if (end > to) return incomplete
  return bytes[end - 2] === carriageReturn && bytes[end - 1] === lineFeed ? end : malformed
}

/** The end of the verbatim string at `at`. */
function verbatimEnd(bytes: Uint8Array, at: number, to: number, endMax: number): number {
  const end = blobEnd(bytes, at, to, endMax, false)
  if (end <= 0) return end
  const dataAt = headerEnd(bytes, at)
  return end - 2 - dataAt >= formatBytes && bytes[dataAt + formatBytes - 1] === integerType ? end : malformed
}

/** The end of the string at `at` whose length is not known when it begins: chunks, of which the last is empty. */
function streamedEnd(bytes: Uint8Array, from: number, to: number, endMax: number): number {
  let at = fixedEnd(bytes, from, to, endMax, 2)
  while (at > 0) {
    if (at >= to) return unfinished(to, endMax)
    if (bytes[at] !== chunkType) return malformed
    const dataAt = numberEnd(bytes, at, to, endMax)
    if (dataAt > 0 && readLength(bytes, at) === 0) return dataAt
    at = blobEnd(bytes, at, to, endMax, false)
  }
  return at
}

/** The chunks of the whole streamed string at `at`. */
export function chunksOf(bytes: Uint8Array, at: number): Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let chunkAt = headerEnd(bytes, at); ; ) {
    const length = readLength(bytes, chunkAt)
    if (length <= 0) return chunks
    const dataAt = headerEnd(bytes, chunkAt)
    chunks.push(bytes.subarray(dataAt, dataAt + length))
    chunkAt = dataAt + length + 2
  }
}

/** The end of the `count` bytes at `at` that CR LF follows. */
function fixedEnd(bytes: Uint8Array, at: number, to: number, endMax: number, count: number): number {
  const lineEnd = at + count
  if (lineEnd < Math.min(to, endMax) && bytes[lineEnd] !== carriageReturn) return malformed
  if (lineEnd + 1 >= Math.min(to, endMax)) return unfinished(to, endMax)
  return bytes[lineEnd + 1] === lineFeed ? lineEnd + 2 : malformed
}

/** The end of the simple string or error at `at`; there is no CR and no LF inside it. */
function textEnd(bytes: Uint8Array, at: number, to: number, endMax: number): number {
  const limit = Math.min(to, endMax, at + lineBytesMax)
  for (let index = at + 1; index < limit; index++) {
    const byte = bytes[index]
    if (byte === lineFeed) return malformed
    if (byte === carriageReturn && index + 1 < limit) return bytes[index + 1] === lineFeed ? index + 2 : malformed
  }
  return unfinished(to, Math.min(endMax, at + lineBytesMax))
}

/** The end of the line at `at`: a type byte, an optional sign and digits. */
function numberEnd(bytes: Uint8Array, at: number, to: number, endMax: number): number {
  const limit = Math.min(to, endMax)
  const signed = at + 1 < limit && (bytes[at + 1] === minus || bytes[at + 1] === plus)
  const digitsAt = signed ? at + 2 : at + 1
  let index = digitsAt
  while (index < limit && bytes[index]! >= zero && bytes[index]! <= nine) index++
  if (index - at - 1 > numberCharactersMax) return malformed
  if (index >= limit) return unfinished(to, endMax)
  if (index === digitsAt || bytes[index] !== carriageReturn) return malformed
  if (index + 1 >= limit) return unfinished(to, endMax)
  return bytes[index + 1] === lineFeed ? index + 2 : malformed
}

/** The end of the line at `at`: a null, a truth value, a double or a big number. */
function wordEnd(bytes: Uint8Array, at: number, to: number, endMax: number): number {
  const end = textEnd(bytes, at, to, endMax)
  return end <= 0 || isWord(bytes, at, end - 2) ? end : malformed
}

/** The length or count in the whole line at `at`: `nilLength` for -1, `noLength` where it is invalid. */
function readLength(bytes: Uint8Array, at: number): number {
  if (bytes[at + 1] === minus) {
    return bytes[at + 2] === zero + 1 && bytes[at + 3] === carriageReturn ? nilLength : noLength
  }
  if (bytes[at + 1] === plus) return noLength
  let length = 0
  for (let index = at + 1; bytes[index] !== carriageReturn; index++) length = length * 10 + bytes[index]! - zero
  return length
}

function unfinished(to: number, endMax: number): number {
  return to >= endMax ? tooLarge : incomplete
}
