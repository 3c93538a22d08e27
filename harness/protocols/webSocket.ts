import { createHash } from 'node:crypto'
import type { Picture } from './picture/elements.ts'
import { lengthKind } from './picture/lengths.ts'
import type { ReplyRules } from './replies/replies.ts'

/** Kinds of frames (RFC 6455, section 5.2): the opcode, with the bit of the last fragment where a frame is a whole message. */
export const frameType = {
  continuation: 0x00,
  textStart: 0x01,
  binaryStart: 0x02,
  lastContinuation: 0x80,
  text: 0x81,
  binary: 0x82,
  close: 0x88,
  ping: 0x89,
  pong: 0x8a,
} as const

/** Statuses with which a side closes (section 7.4.1). */
export const closeStatus = {
  normal: 1000,
  goingAway: 1001,
  protocolError: 1002,
  unacceptable: 1003,
  invalidPayload: 1007,
  tooBig: 1009,
} as const

/** What control frames have at most (section 5.5). */
export const controlBytesMax = 125
export const maskBytes = 4

/** The key that clients send here: that of the RFC, so that what answers it is known. */
export const upgradeKey = 'dGhlIHNhbXBsZSBub25jZQ=='
const acceptSuffix = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** What a server answers a key with (section 4.2.2). */
export function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}${acceptSuffix}`).digest('base64')
}

/** The request for an upgrade. */
export function upgradeRequest(host: string): string {
  return `GET / HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${upgradeKey}\r\nSec-WebSocket-Version: 13\r\n\r\n`
}

/** What the answer to `upgradeRequest` begins with and has, in Sec-WebSocket-Accept. */
export const upgradeReply = { begins: 'HTTP/1.1 101 ', contains: acceptOf(upgradeKey) } as const

/** What ends the head of an HTTP message. */
export const headEnd = '\r\n\r\n'

const types: readonly number[] = [
  frameType.text,
  frameType.binary,
  frameType.textStart,
  frameType.binaryStart,
  frameType.continuation,
  frameType.lastContinuation,
  frameType.close,
  frameType.ping,
  frameType.pong,
]

/**
 * Frames as the description `protocols/websocket.yaml` draws them. A mask of zeros leaves texts as they are, so that what
 * differs in each can be written in its place.
 */
export const webSocketPictures: { readonly request: Picture; readonly reply: Picture } = {
  request: [
    { kind: 'field', name: 'type', type: 'u8', value: frameType.text },
    { kind: 'length', form: 'ws', counts: 'body', plus: 0, flag: 0x80 },
    { kind: 'skip', bytes: maskBytes },
    { kind: 'body' },
  ],
  reply: [
    { kind: 'field', name: 'type', type: 'u8', value: frameType.text, only: types },
    { kind: 'length', form: 'ws', counts: 'body', plus: 0, flag: 0 },
    { kind: 'body' },
  ],
}

const tests = (...values: number[]) => [{ kind: 'fields' as const, values: { type: values } }]

/** How frames make a message, and which ones want an answer: rule 0 is a ping, rule 1 a close. */
export const webSocketRules = {
  more: tests(frameType.textStart, frameType.binaryStart, frameType.continuation),
  joined: true,
  answer: [
    { to: tests(frameType.ping), send: { type: frameType.pong, body: '{{rest}}' } },
    { to: tests(frameType.close), send: { type: frameType.close, body: '{{rest}}' } },
  ],
} as const satisfies ReplyRules

const length = lengthKind('ws')

/** A frame as a server sends it, without a mask. */
export function webSocketFrame(type: number, payload: Uint8Array): Uint8Array {
  const head = length.encode(payload.length)
  const frame = new Uint8Array(1 + head.length + payload.length)
  frame[0] = type
  frame.set(head, 1)
  frame.set(payload, 1 + head.length)
  return frame
}

/** A close with its status. */
export function closeFrame(status: number): Uint8Array {
  return webSocketFrame(frameType.close, Uint8Array.of(status >> 8, status & 0xff))
}
