import { createProtocol } from '../../harness/protocols/catalog.ts'
import { incomplete, malformed, type Protocol, tooLarge } from '../../harness/protocols/protocol.ts'
import { protocolSpec } from '../../harness/protocols/spec.ts'

/** A format and a frame of it. */
export interface BenchFormat {
  readonly frameEnd: Protocol['frameEnd']
  readonly frame: Uint8Array
}

const frameBytesMax = 1024 * 1024
const bodyBytes = 32
const keyCount = 3

/** The formats by name, each made only in the process that measures it. */
export const benchFormats = {
  'u32, drawn': () => drawn([{ length: 'u32' }, 'body'], u32Frame()),
  'u32, by hand': () => ({ frameEnd: u32End, frame: u32Frame() }),
  'u32, by its place': () => ({ ...createProtocol(protocolSpec('frame')), frame: u32Frame() }),
  'Modbus, drawn': () =>
    drawn([{ id: 'u16' }, { skip: 2 }, { length: 'u16' }, { unit: 'u8' }, { function: 'u8' }, 'body'], modbusFrame()),
  'Modbus, by hand': () => ({ frameEnd: modbusEnd, frame: modbusFrame() }),
  'WebSocket, drawn': () => drawn([{ type: 'u8' }, { length: 'ws', counts: 'body' }, 'body'], webSocketFrame()),
  'WebSocket, by hand': () => ({ frameEnd: webSocketEnd, frame: webSocketFrame() }),
  'memcached, 3 keys': () => ({ ...createProtocol(protocolSpec(memcached)), frame: memcachedReply() }),
} as const satisfies Record<string, () => BenchFormat>

export type BenchFormatName = keyof typeof benchFormats

function drawn(frame: readonly unknown[], bytes: Uint8Array): BenchFormat {
  return { ...createProtocol(protocolSpec({ frame })), frame: bytes }
}

/** As in `protocols/memcached.yaml`. */
const memcached = {
  line: {
    delimiter: '\r\n',
    data: [
      { after: 'VALUE ', word: 4, plus: 2 },
      { after: 'VA ', word: 2, plus: 2 },
    ],
  },
  replies: { more: ['VALUE ', 'STAT '], refuse: ['ERROR', 'CLIENT_ERROR', 'SERVER_ERROR'] },
}

function memcachedReply(): Uint8Array {
  const value = (key: number) => `VALUE k${key} 0 ${bodyBytes}\r\n${'x'.repeat(bodyBytes)}\r\n`
  return Buffer.from(`${Array.from({ length: keyCount }, (_, key) => value(key)).join('')}END\r\n`)
}

function u32Frame(): Uint8Array {
  const frame = new Uint8Array(4 + bodyBytes)
  frame[3] = bodyBytes
  return frame
}

function modbusFrame(): Uint8Array {
  const frame = new Uint8Array(8 + bodyBytes)
  frame[5] = 2 + bodyBytes
  return frame
}

function webSocketFrame(): Uint8Array {
  const frame = new Uint8Array(2 + bodyBytes)
  frame[0] = 0x81
  frame[1] = bodyBytes
  return frame
}

/** What somebody would write for this format alone, and so are the two below. */
function u32End(bytes: Uint8Array, from: number, to: number): number {
  if (to - from < 4) return incomplete
  const length = ((bytes[from]! << 24) | (bytes[from + 1]! << 16) | (bytes[from + 2]! << 8) | bytes[from + 3]!) >>> 0
  const end = from + 4 + length
  if (4 + length > frameBytesMax) return tooLarge
  return end > to ? incomplete : end
}

function modbusEnd(bytes: Uint8Array, from: number, to: number): number {
  if (to - from < 6) return incomplete
  const length = (bytes[from + 4]! << 8) | bytes[from + 5]!
  if (length < 2) return malformed
  const end = from + 6 + length
  if (6 + length > frameBytesMax) return tooLarge
  return end > to ? incomplete : end
}

function webSocketEnd(bytes: Uint8Array, from: number, to: number): number {
  if (to - from < 2) return incomplete
  const first = bytes[from + 1]! & 0x7f
  let length = first
  let header = 2
  if (first === 126) {
    if (to - from < 4) return incomplete
    length = (bytes[from + 2]! << 8) | bytes[from + 3]!
    header = 4
  } else if (first === 127) {
    if (to - from < 10) return incomplete
    length = 0
    for (let at = from + 2; at < from + 10; at++) length = length * 256 + bytes[at]!
    header = 10
  }
  if (header + length > frameBytesMax) return tooLarge
  const end = from + header + length
  return end > to ? incomplete : end
}
