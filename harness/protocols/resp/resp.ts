import { incomplete, malformed, type Protocol, tooLarge } from '../protocol.ts'
import { encodeCommand } from './respCommand.ts'
import { arrayDepthMax, elementBytesMin, explainResp } from './respExplain.ts'

/** The longest simple string or error, with its type byte and its CR LF. */
const lineBytesMax = 64 * 1024
/** The most characters of a 64-bit number, with its sign. */
const numberCharactersMax = 20

const carriageReturn = 0x0d
const lineFeed = 0x0a
const zero = 0x30
const nine = 0x39
const plus = 0x2b
const minus = 0x2d
const simpleType = plus
const errorType = minus
const integerType = 0x3a
const bulkType = 0x24
const arrayType = 0x2a

const nilLength = -1
const noLength = -2

/**
 * The elements left in each of the nested arrays that `arrayEnd` has entered. Each call starts over and no two
 * overlap, so all instances share it: a nested reply costs no allocation, and a flat one does not use it.
 */
const elementsLeft = new Uint32Array(arrayDepthMax)

/**
 * Redis RESP2. A request is a command line, sent as an array of bulk strings; a reply is of any type, and the types of
 * RESP3 are malformed. `maxFrame` bounds a whole reply, in bytes: a length or a count that cannot fit is tooLarge as
 * soon as it is announced. An array that arrives in many pieces is read from its start with each of them.
 */
export function createResp({ maxFrame }: { readonly maxFrame: number }): Protocol {
  function frameEnd(bytes: Uint8Array, from: number, to: number): number {
    const endMax = from + maxFrame
    return bytes[from] === arrayType ? arrayEnd(bytes, from, to, endMax) : scalarEnd(bytes, from, to, endMax)
  }

  return {
    name: 'resp',
    frameBytesMax: maxFrame,
    frameEnd,
    explain: (bytes, from, to) => explainResp(bytes, from, to, maxFrame, frameEnd(bytes, from, to)),
    encode({ body }) {
      const frame = encodeCommand(body)
      if (frame.length > maxFrame) throw new RangeError(`a command has at most ${maxFrame} bytes, not ${frame.length}`)
      return frame
    },
    decode: (bytes, from, end) => ({ body: bytes.subarray(bodyStart(bytes, from, end), bodyEnd(bytes, from, end)) }),
    bodyStart,
    bodyEnd,
    isRefusal: (bytes, from) => bytes[from] === errorType,
  }
}

/**
 * Where the body of a value begins: after the type byte of a simple string, error or integer, or after the header of a
 * bulk string or array.
 */
function bodyStart(bytes: Uint8Array, from: number, end: number): number {
  const type = bytes[from]
  if (type !== bulkType && type !== arrayType) return from + 1
  if (bytes[from + 1] === minus) return end
  let at = from + 1
  while (bytes[at] !== lineFeed) at++
  return at + 1
}

/** The end of an array's elements, or of the text before the CR LF of other values. */
function bodyEnd(bytes: Uint8Array, from: number, end: number): number {
  const type = bytes[from]
  const toItsEnd = type === arrayType || (type === bulkType && bytes[from + 1] === minus)
  return toItsEnd ? end : end - 2
}

/** The end of the array at `at` with all its elements. */
function arrayEnd(bytes: Uint8Array, at: number, to: number, endMax: number): number {
  let depth = 0
  for (;;) {
    const isArray = at < to && bytes[at] === arrayType
    const end = isArray ? numberEnd(bytes, at, to, endMax) : scalarEnd(bytes, at, to, endMax)
    if (end <= 0) return end
    const count = isArray ? countElements(bytes, at, endMax - end) : 0
    if (count < 0) return count
    if (count > 0) {
      if (depth === arrayDepthMax) return malformed
      elementsLeft[depth++] = count
    } else {
      while (depth > 0 && --elementsLeft[depth - 1]! === 0) depth--
      if (depth === 0) return end
    }
    at = end
  }
}

/**
 * The number of elements announced by the array header at `at`, 0 for nil; tooLarge when `room` bytes cannot hold them.
 */
function countElements(bytes: Uint8Array, at: number, room: number): number {
  const count = readLength(bytes, at)
  if (count === noLength) return malformed
  if (count === nilLength) return 0
  return count * elementBytesMin > room ? tooLarge : count
}

/** The end of the value at `at`, which is not an array. */
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
    default:
      return malformed
  }
}

/** The end of the bulk string at `at`. */
function bulkEnd(bytes: Uint8Array, at: number, to: number, endMax: number): number {
  const headerEnd = numberEnd(bytes, at, to, endMax)
  if (headerEnd <= 0) return headerEnd
  const length = readLength(bytes, at)
  if (length === noLength) return malformed
  if (length === nilLength) return headerEnd
  const end = headerEnd + length + 2
  if (end > endMax) return tooLarge
  if (end > to) return incomplete
  return bytes[end - 2] === carriageReturn && bytes[end - 1] === lineFeed ? end : malformed
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
