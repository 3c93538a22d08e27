import {
  acknowledgedWords,
  deliveredAt,
  deliveredWords,
  isAcknowledgement,
  resemblesText,
  textEnd,
} from './bareText.ts'
import { additionBytesMax, encodeWithin, objectsWithin, objectText, textOf } from './broadcastObjects.ts'
import { endsTooLate, shownByte } from './explanation.ts'
import { objectEnd } from './jsonObjects.ts'
import { openBrace, skipBlanks } from './jsonText.ts'
import { createLine } from './line.ts'
import { malformed, type Protocol, tooLarge } from './protocol.ts'
import type { BroadcastFraming } from './protocolSpec.ts'
import { frameType, webSocketFrame } from './webSocket.ts'
import { webSocketBroadcast } from './webSocketBroadcast.ts'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

/** `maxFrame` bounds a request in bytes, with its line feed; a server's frame may be a little longer. */
interface BroadcastSettings {
  readonly framing?: BroadcastFraming
  readonly maxFrame: number
}

/**
 * Messages to all other clients: JSON objects `{"client_ip": "...", "message": "..."}`, one on a line, in a message of
 * WebSocket or with nothing between them, or such objects to the server and bare texts from it.
 */
export function createBroadcast({ framing = 'line', maxFrame }: BroadcastSettings): Protocol {
  switch (framing) {
    case 'line':
      return lines(maxFrame)
    case 'json':
      return objects(maxFrame)
    case 'text':
      return bareTexts(maxFrame)
    case 'websocket':
      return webSocketBroadcast(maxFrame)
  }
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
  const object = encoder.encode(`${objectText(address, text)}${framing === 'line' ? '\n' : ''}`)
  return framing === 'websocket' ? webSocketFrame(frameType.text, object) : object
}
