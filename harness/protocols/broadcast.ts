import {
  acknowledgedWords,
  deliveredAt,
  deliveredWords,
  isAcknowledgement,
  resemblesText,
  textEnd,
} from './bareText.ts'
import { endsTooLate, shownByte } from './explanation.ts'
import { objectEnd } from './jsonObjects.ts'
import { findText, openBrace, skipBlanks } from './jsonText.ts'
import { createLine } from './line.ts'
import { malformed, type Protocol, tooLarge } from './protocol.ts'
import type { BroadcastFraming } from './protocolSpec.ts'

/** The most that a server may add before a sender's text: the sender's address, twice, and one of the fixed texts. */
const additionBytesMax = 512
const backslash = 0x5c
const firstNotAscii = 0x80
/** In ASCII, the bit in which lower-case letters differ from capitals. */
const lowerCaseBit = 0x20

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()
const acknowledged = fixedText(acknowledgedWords)
const delivered = fixedText(deliveredWords)

/** `maxFrame` bounds a request in bytes, with its line feed; a server's frame may be a little longer. */
interface BroadcastSettings {
  readonly framing?: BroadcastFraming
  readonly maxFrame: number
}

/**
 * Messages to all other clients: JSON objects `{"client_ip": "...", "message": "..."}`, one on a line or with nothing
 * between them, or such objects to the server and bare texts from it.
 */
export function createBroadcast({ framing = 'line', maxFrame }: BroadcastSettings): Protocol {
  if (framing === 'text') return bareTexts(maxFrame)
  return framing === 'json' ? objects(maxFrame) : lines(maxFrame)
}

function lines(maxFrame: number): Protocol {
  const line = createLine({ delimiter: '\n', maxFrame: maxFrame + additionBytesMax })
  return {
    ...objectsWithin(maxFrame, '\n', 'as a line of JSON'),
    frameEnd(bytes, from, to) {
      if (from < to && bytes[from] !== openBrace) return malformed
      return line.frameEnd(bytes, from, to, 0)
    },
    explain(bytes, from, to) {
      if (from < to && bytes[from] !== openBrace) return `a line that begins with ${shownByte(bytes[from]!)}, not "{"`
      return line.explain!(bytes, from, to)
    },
  }
}

function objects(maxFrame: number): Protocol {
  const bytesMax = maxFrame + additionBytesMax
  return {
    ...objectsWithin(maxFrame, '', 'as JSON'),
    frameEnd: (bytes, from, to) => objectEnd(bytes, from, to, bytesMax),
    explain(bytes, from, to) {
      const end = objectEnd(bytes, from, to, bytesMax)
      if (end === tooLarge) return endsTooLate('no end of a JSON object', bytesMax)
      if (end !== malformed) return undefined
      return `a JSON object that begins with ${shownByte(bytes[skipBlanks(bytes, from, to)]!)}, not "{"`
    },
  }
}

/** What frames have in common that are JSON objects. The body is the text of `message` with the escapes it has in JSON. */
function objectsWithin(maxFrame: number, end: string, what: string): Omit<Protocol, 'frameEnd'> {
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
    isRefusal: (bytes, from, end) => find(bytes, from, end, acknowledged) < 0,
    delivery: (bytes, from, end) => find(bytes, from, end, delivered),
  }
}

/** The client's side: what it sends are JSON objects, which a server reads by `json`. The body of a text is all of it. */
function bareTexts(maxFrame: number): Protocol {
  return {
    name: 'broadcast',
    broadcasts: true,
    frameBytesMax: maxFrame + additionBytesMax,
    needsLocalAddress: true,
    frameEnd: textEnd,
    encode({ body, clientIp = '' }) {
      const message = textOf(body)
      if (resemblesText(message)) {
        throw new RangeError(
          `a message must not contain "${acknowledgedWords}" or "${deliveredWords}" after a blank: without framing these words tell one text from the next`,
        )
      }
      return encodeWithin(maxFrame, objectText(clientIp, message), 'as JSON')
    },
    decode: (bytes, from, end) => ({ body: bytes.subarray(from, end) }),
    bodyStart: (_bytes, from) => from,
    bodyEnd: (_bytes, _from, end) => end,
    isRefusal: (bytes, from, end) => !isAcknowledgement(bytes, from, end),
    delivery(bytes, from, end) {
      const at = deliveredAt(bytes, from, end)
      return at >= 0 || isAcknowledgement(bytes, from, end) ? at : from
    },
    continues: (bytes, from, end) => deliveredAt(bytes, from, end) < 0 && !isAcknowledgement(bytes, from, end),
  }
}

/** The frame that acknowledges a message to its sender at `address`. */
export function encodeAcknowledgement(address: string, framing: BroadcastFraming = 'line'): Uint8Array {
  return encodeReply(address, `${address}: ${acknowledgedWords}`, framing)
}

/**
 * The frame that delivers `text` to other clients. `address` is the sender's; in a bare text it is that of the client
 * that gets it.
 */
export function encodeDelivery(address: string, text: string, framing: BroadcastFraming = 'line'): Uint8Array {
  return encodeReply(address, `${address} ${deliveredWords}${text}`, framing)
}

/** The text in the whole frame `bytes[from, end)`; undefined unless that is a JSON object with a message. */
export function readMessage(bytes: Uint8Array, from: number, end: number): string | undefined {
  try {
    const object: unknown = JSON.parse(decoder.decode(bytes.subarray(from, end)))
    if (typeof object !== 'object' || object === null || !('message' in object)) return undefined
    return typeof object.message === 'string' ? object.message : undefined
  } catch {
    return undefined
  }
}

function encodeReply(address: string, text: string, framing: BroadcastFraming): Uint8Array {
  if (framing === 'text') return encoder.encode(text)
  return encoder.encode(`${objectText(address, text)}${framing === 'line' ? '\n' : ''}`)
}

function objectText(address: string, text: string): string {
  return JSON.stringify({ client_ip: address, message: text })
}

function encodeWithin(maxFrame: number, text: string, what: string): Uint8Array {
  const frame = encoder.encode(text)
  if (frame.length <= maxFrame) return frame
  throw new RangeError(`a broadcast message has at most ${maxFrame} bytes ${what}, not ${frame.length}`)
}

function textOf(body: Uint8Array): string {
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
