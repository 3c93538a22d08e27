import { acknowledgedWords, deliveredWords } from './bareText.ts'
import { findText } from './jsonText.ts'
import type { Protocol } from './protocol.ts'

/** The most that a server may add before a sender's text: the sender's address, twice, and one of the fixed texts. */
export const additionBytesMax = 512
const backslash = 0x5c
const firstNotAscii = 0x80
/** In ASCII, the bit in which lower-case letters differ from capitals. */
const lowerCaseBit = 0x20

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()
const acknowledged = fixedText(acknowledgedWords)
const delivered = fixedText(deliveredWords)

/** What frames have in common that are JSON objects. The body is the text of `message` with the escapes it has in JSON. */
export function objectsWithin(maxFrame: number, end: string, what: string): Omit<Protocol, 'frameEnd'> {
  return {
    name: 'broadcast',
    broadcasts: true,
    frameBytesMax: maxFrame + additionBytesMax,
    encode: ({ body, clientIp = '' }) => encodeWithin(maxFrame, `${objectText(clientIp, textOf(body))}${end}`, what),
    decode: (bytes, from, end) => {
      const text = findText(bytes, from, end, 'message')
      return { body: bytes.subarray(text.from, text.end) }
    },
    bodyStart: (bytes, from, end) => findText(bytes, from, end, 'message').from,
    bodyEnd: (bytes, from, end) => findText(bytes, from, end, 'message').end,
    isRefusal: (bytes, from, end) => !isAcknowledged(bytes, from, end),
    delivery: (bytes, from, end) => deliveredTextAt(bytes, from, end),
  }
}

/** Whether the object in `bytes[from, end)` has the text of an acknowledgement. */
export function isAcknowledged(bytes: Uint8Array, from: number, end: number): boolean {
  return find(bytes, from, end, acknowledged) >= 0
}

/** Where the text of another client begins in the object in `bytes[from, end)`; -1 where it is no delivery. */
export function deliveredTextAt(bytes: Uint8Array, from: number, end: number): number {
  return find(bytes, from, end, delivered)
}

/** The object that carries a text. */
export function objectText(address: string, text: string): string {
  return JSON.stringify({ client_ip: address, message: text })
}

/** A message in UTF-8; throws a RangeError where it has more than `maxFrame` bytes. */
export function encodeWithin(maxFrame: number, text: string, what: string): Uint8Array {
  const frame = encoder.encode(text)
  if (frame.length <= maxFrame) return frame
  throw new RangeError(`a broadcast message has at most ${maxFrame} bytes ${what}, not ${frame.length}`)
}

/** A body as text; throws a RangeError where it is not UTF-8. */
export function textOf(body: Uint8Array): string {
  try {
    return decoder.decode(body)
  } catch {
    throw new RangeError('a broadcast message must be text in UTF-8')
  }
}

/**
 * A fixed text as servers write it: in UTF-8, or escaped, as many JSON libraries write everything that is not ASCII.
 */
interface FixedText {
  readonly utf8: Uint8Array
  /** With all letters in lower case. */
  readonly escaped: Uint8Array
}

function fixedText(text: string): FixedText {
  const escapes = Array.from(text, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
  const escaped = Uint8Array.from(encoder.encode(escapes.join('')), byte => byte | lowerCaseBit)
  return { utf8: encoder.encode(text), escaped }
}

/**
 * The end of the first of the two fixed texts in the frame, if that is `wanted`; else -1. A server writes only
 * addresses before a fixed text and the user's text after it, so a user's text is never mistaken for one. The JSON need
 * not be read, and no more than about sixty bytes are searched.
 */
function find(bytes: Uint8Array, from: number, end: number, wanted: FixedText): number {
  const other = wanted === delivered ? acknowledged : delivered
  for (let at = from; at < end; at++) {
    const byte = bytes[at]!
    if (byte < firstNotAscii && byte !== backslash) continue
    const found = endOf(wanted, bytes, at, end)
    if (found > 0) return found
    if (endOf(other, bytes, at, end) > 0) return -1
  }
  return -1
}

/** The end of the fixed text if it begins at `at`; else 0. */
function endOf({ utf8, escaped }: FixedText, bytes: Uint8Array, at: number, end: number): number {
  if (bytes[at] !== backslash) {
    if (at + utf8.length > end) return 0
    for (let index = 0; index < utf8.length; index++) {
      if (bytes[at + index] !== utf8[index]) return 0
    }
    return at + utf8.length
  }
  if (at + escaped.length > end) return 0
  for (let index = 0; index < escaped.length; index++) {
    if ((bytes[at + index]! | lowerCaseBit) !== escaped[index]) return 0
  }
  return at + escaped.length
}
