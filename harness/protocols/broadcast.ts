import { findText } from './jsonText.ts'
import { createLine } from './line.ts'
import { malformed, type Protocol } from './protocol.ts'

/** What the message of an acknowledgement ends with: "the information has been received". */
const acknowledgedText = '已经收到信息'
/** What stands before the sender's own text in what the others get: "the address has sent a request message". */
const deliveredText = '地址发送了请求消息：'
/** What a server may put before a sender's text: its address, twice, and what is said of it. */
const additionBytesMax = 512
const openBrace = 0x7b
const backslash = 0x5c
const firstNotAscii = 0x80
/** In ASCII the bit by which small letters differ from capitals. */
const smallLetterBit = 0x20

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()
const acknowledged = markOf(acknowledgedText)
const delivered = markOf(deliveredText)

/**
 * One JSON object a line, `{"client_ip": "...", "message": "..."}`. `maxFrame` bounds a request, in bytes, its line feed included; what
 * the server makes of it may be a little longer. The body is the text of `message` as it stands in the JSON, escapes and all.
 */
export function createBroadcast({ maxFrame }: { readonly maxFrame: number }): Protocol {
  const line = createLine({ delimiter: '\n', maxFrame: maxFrame + additionBytesMax })

  return {
    name: 'broadcast',
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
    delivery: (bytes, from, end) => find(bytes, from, end, delivered),
  }
}

/** The line by which a server tells the sender at `address` that its message is there. */
export function encodeAcknowledgement(address: string): Uint8Array {
  return encodeLine(address, `${address}: ${acknowledgedText}`)
}

/** The line by which a server hands `text`, which the sender at `address` has sent, to everybody else. */
export function encodeDelivery(address: string, text: string): Uint8Array {
  return encodeLine(address, `${address} ${deliveredText}${text}`)
}

/** The text in the whole frame `bytes[from, end)`; undefined where that is no such object in JSON. */
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
    throw new RangeError('a broadcast message is text in UTF-8, and this is none')
  }
}

/** A fixed text as servers write it: in UTF-8, or escaped, as many a JSON library does with all that is not ASCII. */
interface Mark {
  readonly utf8: Uint8Array
  /** With every letter small. */
  readonly escaped: Uint8Array
}

function markOf(text: string): Mark {
  const escapes = Array.from(text, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
  const escaped = Uint8Array.from(encoder.encode(escapes.join('')), byte => byte | smallLetterBit)
  return { utf8: encoder.encode(text), escaped }
}

/**
 * Where the sender's text would begin: behind the first of the two fixed texts in the frame, if that is `wanted`, else -1. A server
 * puts nothing but addresses before them, and what a user has written behind, so that no user's text is taken for one: JSON need
 * not be read, nor more than some sixty bytes.
 */
function find(bytes: Uint8Array, from: number, end: number, wanted: Mark): number {
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

/** Where a mark ends that begins at `at`; 0 where none does. */
function endOf({ utf8, escaped }: Mark, bytes: Uint8Array, at: number, end: number): number {
  if (bytes[at] !== backslash) {
    if (at + utf8.length > end) return 0
    for (let index = 0; index < utf8.length; index++) {
      if (bytes[at + index] !== utf8[index]) return 0
    }
    return at + utf8.length
  }
  if (at + escaped.length > end) return 0
  for (let index = 0; index < escaped.length; index++) {
    if ((bytes[at + index]! | smallLetterBit) !== escaped[index]) return 0
  }
  return at + escaped.length
}
