import {
  additionBytesMax,
  deliveredTextAt,
  encodeWithin,
  isAcknowledged,
  objectText,
  textOf,
} from './broadcastObjects.ts'
import { findText } from './jsonText.ts'
import { createPicture } from './picture/picture.ts'
import type { Message, Protocol } from './protocol.ts'
import { withReplies } from './replies/replies.ts'
import { frameType, webSocketPictures, webSocketRules } from './webSocket.ts'

const finalBit = 0x80
const opcodeBits = 0x0f

/**
 * Broadcast messages over WebSocket: each object is a message, of one frame or of several. What a server asks, such as a
 * ping, is answered with a message that has a type.
 */
export function webSocketBroadcast(maxFrame: number): Protocol {
  const plain = createPicture({ ...webSocketPictures, maxFrame: maxFrame + additionBytesMax })
  const framed = withReplies(plain, webSocketRules)
  const { sent } = plain
  return {
    name: 'broadcast',
    broadcasts: true,
    isUpgraded: true,
    frameBytesMax: maxFrame + additionBytesMax,
    frameEnd: framed.frameEnd,
    singleFrameEnd: framed.singleFrameEnd!,
    answerTo: framed.answerTo!,
    explain: framed.explain!,
    ...textParts(framed),
    // What asks for an answer is no object.
    decode(bytes, from, end) {
      const { body } = framed.decode(bytes, from, end)
      return isControl(bytes[from]!) ? { body } : { body: textIn(body) }
    },
    joinedBody(bytes, from, end) {
      const joined = framed.joinedBody!(bytes, from, end)
      return joined && textIn(joined)
    },
    isRefusal: (bytes, from, end) => !whole(framed, bytes, from, end, isAcknowledged),
    delivery(bytes, from, end) {
      if (!isMessage(framed, bytes, from, end)) return -1
      const at = deliveredTextAt(bytes, framed.bodyStart(bytes, from, end), end)
      if (at >= 0 || !isInPieces(framed, bytes, from, end)) return at
      const isDelivered = whole(framed, bytes, from, end, (body, start, to) => deliveredTextAt(body, start, to) >= 0)
      return isDelivered ? framed.bodyStart(bytes, from, end) : -1
    },
    sent: {
      frameEnd: sent!.frameEnd,
      ...textParts(sent!),
      decode: (bytes, from, end) => ({ body: textIn(sent!.decode(bytes, from, end).body) }),
    },
    encode({ body, clientIp = '', fields = {} }: Message) {
      if (fields['type'] !== undefined) return plain.encode({ body, fields })
      return plain.encode({ body: encodeWithin(maxFrame, objectText(clientIp, textOf(body)), 'as JSON') })
    },
  }
}

type Parts = Pick<Protocol, 'bodyStart' | 'bodyEnd'>

/** Where the text of a message is within the frame that has its object. */
function textParts({ bodyStart, bodyEnd }: Parts): Parts {
  const rangeIn = (bytes: Uint8Array, from: number, end: number) =>
    findText(bytes, bodyStart(bytes, from, end), bodyEnd(bytes, from, end), 'message')
  return {
    bodyStart: (bytes, from, end) => rangeIn(bytes, from, end).from,
    bodyEnd: (bytes, from, end) => rangeIn(bytes, from, end).end,
  }
}

/** The text of the object that fills these bytes. */
function textIn(body: Uint8Array): Uint8Array {
  const { from, end } = findText(body, 0, body.length, 'message')
  return body.subarray(from, end)
}

function isControl(type: number): boolean {
  return type === frameType.close || type === frameType.ping || type === frameType.pong
}

/** Whether a whole message is of several frames. */
function isInPieces({ singleFrameEnd }: Protocol, bytes: Uint8Array, from: number, end: number): boolean {
  return singleFrameEnd!(bytes, from, end, 0) !== end
}

/** Whether the bytes are a whole message: neither a fragment by itself nor a control frame. */
function isMessage(framed: Protocol, bytes: Uint8Array, from: number, end: number): boolean {
  const type = bytes[from]!
  if (isControl(type) || (type & opcodeBits) === frameType.continuation) return false
  return isInPieces(framed, bytes, from, end) === ((type & finalBit) === 0)
}

/** Asks the object of a whole message; only of one in several frames is it put together. */
function whole(
  framed: Protocol,
  bytes: Uint8Array,
  from: number,
  end: number,
  ask: (bytes: Uint8Array, from: number, end: number) => boolean,
): boolean {
  if (!isInPieces(framed, bytes, from, end)) return ask(bytes, framed.bodyStart(bytes, from, end), end)
  const body = framed.joinedBody!(bytes, from, end)!
  return ask(body, 0, body.length)
}
