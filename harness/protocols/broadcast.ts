import { shownByte } from './explanation.ts'
import { findText } from './jsonText.ts'
import { createLine } from './line.ts'
import { malformed, type Protocol } from './protocol.ts'

/** The end of the message of an acknowledgement: "the information has been received". */
const acknowledgedText = '已经收到信息'
/** The text before the sender's own in a delivery to the others: "the address has sent a request message". */
const deliveredText = '地址发送了请求消息：'
/** The most that a server may add before a sender's text: the sender's address, twice, and one of the fixed texts. */
const additionBytesMax = 512
const openBrace = 0x7b
const backslash = 0x5c
const firstNotAscii = 0x80
/** In ASCII, the bit in which lower-case letters differ from capitals. */
const lowerCaseBit = 0x20

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()
const acknowledged = fixedText(acknowledgedText)
const delivered = fixedText(deliveredText)

/**
 * One JSON object a line, `{"client_ip": "...", "message": "..."}`. `maxFrame` bounds a request with its line feed, in
 * bytes; a server's frame may be a little longer. The body is the text of `message` with the escapes it has in JSON.
 */
export function createBroadcast({ maxFrame }: { readonly maxFrame: number }): Protocol {
  const line = createLine({ delimiter: '\n', maxFrame: maxFrame + additionBytesMax })

  return {
    name: 'broadcast',
    broadcasts: true,
    frameBytesMax: maxFrame + additionBytesMax,
    frameEnd(bytes, from, to) {
      if (from < to && bytes[from] !== openBrace) return malformed
      return line.frameEnd(bytes, from, to, 0)
    },
    encode({ body }) {
      const frame = encodeLine('', textOf(body))
      if (frame.length > maxFrame) {
        throw new RangeError(`a broadcast message has at most ${maxFrame} bytes as a line of JSON, not ${frame.length}`)
      }
      return frame
    },
    decode: (bytes, from, end) => {
      const text = findText(bytes, from, end, 'message')
      return { body: bytes.subarray(text.from, text.end) }
    },
    bodyStart: (bytes, from, end) => findText(bytes, from, end, 'message').from,
    bodyEnd: (bytes, from, end) => findText(bytes, from, end, 'message').end,
    isRefusal: (bytes, from, end) => find(bytes, from, end, acknowledged) < 0,
    explain(bytes, from, to) {
      if (from < to && bytes[from] !== openBrace) return `a line that begins with ${shownByte(bytes[from]!)}, not "{"`
      return line.explain!(bytes, from, to)
    },
    delivery: (bytes, from, end) => find(bytes, from, end, delivered),
  }
}

/** The line that acknowledges a message to its sender at `address`. */
export function encodeAcknowledgement(address: string): Uint8Array {
  return encodeLine(address, `${address}: ${acknowledgedText}`)
}

/** The line that delivers `text` of the sender at `address` to all other clients. */
export function encodeDelivery(address: string, text: string): Uint8Array {
  return encodeLine(address, `${address} ${deliveredText}${text}`)
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

function encodeLine(address: string, text: string): Uint8Array {
  return encoder.encode(`${JSON.stringify({ client_ip: address, message: text })}\n`)
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
