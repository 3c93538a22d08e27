import { incomplete, malformed, type Protocol, tooLarge } from '../../harness/protocols/protocol.ts'
import { controlBytesMax, frameType, headEnd, maskBytes } from '../../harness/protocols/webSocket.ts'

/** The longest head of a request for an upgrade. */
const headBytesMax = 8 * 1024
/** The most frames of a message, with those that stand between its fragments: each is looked at again whenever more of the message comes. */
const fragmentsMax = 1024
/** `GET` begins with a byte that no frame begins with. */
const upgradeStart = 0x47
const finalBit = 0x80
const maskBit = 0x80

const isType = new Uint8Array(256)
for (const type of Object.values(frameType)) isType[type] = 1

const headEndBytes = Buffer.from(headEnd)

/** Whether what begins at `from` is a request for an upgrade, and not a message. */
export function isUpgrade(bytes: Uint8Array, from: number): boolean {
  return bytes[from] === upgradeStart
}

export function isControl(type: number): boolean {
  return (type & 0x0f) >= 8
}

/**
 * What clients of a WebSocket send: the request for its upgrade, and messages, which may be of several frames with control
 * frames between them. A control frame by itself is a message too.
 */
export function webSocketRequests(maxFrame: number): Protocol {
  return {
    name: 'broadcast',
    frameBytesMax: maxFrame,
    frameEnd: (bytes, from, to) =>
      from < to && isUpgrade(bytes, from) ? upgradeEnd(bytes, from, to) : messageEnd(bytes, from, to, maxFrame),
    // What a server sends is not made from messages.
    encode: ({ body }) => body,
    decode: (bytes, from, end) => ({ body: bytes.subarray(from, end) }),
    bodyStart: (_bytes, from) => from,
    bodyEnd: (_bytes, _from, end) => end,
  }
}

function upgradeEnd(bytes: Uint8Array, from: number, to: number): number {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset + from, Math.min(to - from, headBytesMax))
  const at = head.indexOf(headEndBytes)
  if (at >= 0) return from + at + headEndBytes.length
  return to - from < headBytesMax ? incomplete : tooLarge
}

/** The end of a message and of the control frames within it. */
function messageEnd(bytes: Uint8Array, from: number, to: number, maxFrame: number): number {
  let isOpen = false
  let payloadBytes = 0
  let fragments = 0
  for (let at = from; ; ) {
    const end = frameEnd(bytes, at, to, maxFrame)
    if (end <= 0) return end
    const type = bytes[at]!
    if (isControl(type)) {
      if (!isOpen) return end
      if (++fragments > fragmentsMax) return tooLarge
    } else {
      // A message begins with its kind, and goes on with frames that have none.
      if (isOpen !== ((type & 0x0f) === frameType.continuation)) return malformed
      payloadBytes += end - payloadStart(bytes, at)
      if (payloadBytes > maxFrame || ++fragments > fragmentsMax) return tooLarge
      if ((type & finalBit) !== 0) return end
      isOpen = true
    }
    at = end
  }
}

/** The end of the frame at `from`. */
export function frameEnd(bytes: Uint8Array, from: number, to: number, maxFrame: number): number {
  if (from === to) return incomplete
  const type = bytes[from]!
  if (isType[type] === 0) return malformed
  if (to - from < 2) return incomplete
  if ((bytes[from + 1]! & maskBit) === 0) return malformed
  const short = bytes[from + 1]! & 127
  if (isControl(type) && short > controlBytesMax) return malformed
  const start = payloadStart(bytes, from)
  if (start > to) return incomplete
  const length = short < 126 ? short : longLength(bytes, from + 2, short === 126 ? 2 : 8)
  // Only the shortest way to write a length is allowed.
  if (short >= 126 && length < (short === 126 ? 126 : 0x1_0000)) return malformed
  if (length > maxFrame) return tooLarge
  return start + length > to ? incomplete : start + length
}

/** Where the payload of the frame at `from` begins: behind its mask. */
function payloadStart(bytes: Uint8Array, from: number): number {
  const short = bytes[from + 1]! & 127
  return from + 2 + (short < 126 ? 0 : short === 126 ? 2 : 8) + maskBytes
}

function longLength(bytes: Uint8Array, at: number, width: number): number {
  let length = 0
  for (let index = 0; index < width; index++) length = length * 256 + bytes[at + index]!
  return length
}

/** Writes the payload of the whole frame `bytes[from, end)`, without its mask, to `into[at...]`; returns its end there. */
export function unmask(bytes: Uint8Array, from: number, end: number, into: Uint8Array, at: number): number {
  const start = payloadStart(bytes, from)
  for (let index = 0; start + index < end; index++) {
    into[at + index] = bytes[start + index]! ^ bytes[start - maskBytes + (index & 3)]!
  }
  return at + end - start
}
