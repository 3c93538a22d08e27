import { shortestFrame } from '../protocols/frame.ts'
import { writeBig, writeLittle, writeUint32 } from '../protocols/integers.ts'
import type { BroadcastFraming, FrameSettings } from '../protocols/protocolSpec.ts'
import { rpcLayout } from '../protocols/rpc.ts'
import { tlvHeaderBytes } from '../protocols/tlv.ts'
import { webSocketPictures } from '../protocols/webSocket.ts'
import { withFraming } from './httpFraming.ts'
import { hugeLength, hugeSentBytes, type LengthKind, type MalformedMessage } from './malformedMessage.ts'
import { pictureMessages } from './malformedPictures.ts'
import type { Subject } from './subject.ts'

const uint32Bytes = 4

const textEncoder = new TextEncoder()
const noLength = {
  raw: 'raw has no length: name the framing with --protocol',
  line: 'a line has no length',
  object: 'a JSON object has no length',
} as const

/** Messages with such a length, made from the valid request; or the reason why the protocol has none. */
export function malformedMessages(kind: LengthKind, { spec, request }: Subject): readonly MalformedMessage[] | string {
  switch (spec.name) {
    case 'raw':
      return noLength.raw
    case 'line':
      return kind === 'zero' ? [emptyLine(spec.delimiter)] : noLength.line
    case 'broadcast':
      return spec.framing === 'websocket'
        ? pictureMessages(kind, webSocketPictures.request, request)
        : broadcastMessages(kind, spec.framing)
    case 'frame':
      return 'request' in spec ? pictureMessages(kind, spec.request, request) : frameMessages(kind, spec, request)
    case 'tlv':
      return frameMessages(kind, { ...tlvFrame, maxFrame: spec.maxFrame }, request)
    case 'rpc':
      return rpcMessages(kind, spec.lengthPrefix, request)
    case 'http':
      return httpMessages(kind, request)
    case 'resp':
      return respMessages(kind)
  }
}

function broadcastMessages(
  kind: LengthKind,
  framing: BroadcastFraming | undefined,
): readonly MalformedMessage[] | string {
  const hasLines = framing === undefined || framing === 'line'
  if (kind !== 'zero') return hasLines ? noLength.line : noLength.object
  return hasLines ? [emptyLine('\n')] : [{ what: 'an empty object', bytes: textEncoder.encode('{}') }]
}

function emptyLine(delimiter: string): MalformedMessage {
  return { what: 'an empty line', bytes: textEncoder.encode(delimiter) }
}

/** TLV as settings of `frame`: the length of the value, then the type. */
const tlvFrame = {
  lengthOffset: 0,
  lengthBytes: 4,
  endian: 'big',
  lengthAdjustment: tlvHeaderBytes - uint32Bytes,
  strip: tlvHeaderBytes,
} as const

function frameMessages(
  kind: LengthKind,
  settings: FrameSettings,
  request: Uint8Array,
): readonly MalformedMessage[] | string {
  const { lengthOffset, lengthBytes, endian, lengthAdjustment } = settings
  const header = shortestFrame(settings)
  const write = endian === 'big' ? writeBig : writeLittle
  const lengthMax = 2 ** Math.min(53, 8 * lengthBytes) - 1
  const withLength = (length: number, bytes: Uint8Array) => {
    const frame = bytes.slice()
    write(frame, lengthOffset, lengthBytes, length)
    return frame
  }
  switch (kind) {
    case 'zero': {
      const bare = request.subarray(0, header)
      const empty = header - lengthOffset - lengthBytes - lengthAdjustment
      const messages = [{ what: 'length 0', bytes: withLength(0, bare) }]
      if (empty > 0 && empty <= lengthMax) {
        messages.push({ what: `length ${empty}, no body`, bytes: withLength(empty, bare) })
      }
      return messages
    }
    case 'negative': {
      const field = (fill: number, highest: number) => {
        const frame = request.slice()
        frame.fill(fill, lengthOffset, lengthOffset + lengthBytes)
        frame[endian === 'big' ? lengthOffset : lengthOffset + lengthBytes - 1] = highest
        return frame
      }
      return [
        { what: `length 0x${'ff'.repeat(lengthBytes)}`, bytes: field(0xff, 0xff) },
        { what: `length 0x80${'00'.repeat(lengthBytes - 1)}`, bytes: field(0, 0x80) },
      ]
    }
    case 'huge': {
      const length = Math.min(hugeLength, lengthMax)
      if (length <= hugeSentBytes) return `its length field holds no more than ${lengthMax}`
      const start = request.subarray(0, header)
      return [{ what: `length ${length}`, bytes: withBodyStart(withLength(length, start)) }]
    }
  }
}

function rpcMessages(kind: LengthKind, lengthPrefix: boolean, request: Uint8Array): readonly MalformedMessage[] {
  const { bodyLengthOffset } = rpcLayout(lengthPrefix)
  const headerBytes = bodyLengthOffset + uint32Bytes
  const header = request.subarray(0, headerBytes)
  const bodiless = headerBytes - (lengthPrefix ? uint32Bytes : 0)
  /** The bytes with these numbers in the two fields; undefined leaves a field unchanged. */
  const withFields = (bytes: Uint8Array, length: number | undefined, bodyLength: number | undefined) => {
    const frame = bytes.slice()
    if (lengthPrefix && length !== undefined) writeUint32(frame, 0, length)
    if (bodyLength !== undefined) writeUint32(frame, bodyLengthOffset, bodyLength)
    return frame
  }
  const signed = [0xffff_ffff, 0x8000_0000]
  const hex = (value: number) => `0x${value.toString(16)}`
  switch (kind) {
    case 'zero':
      return [
        { what: 'BodyLen 0', bytes: withFields(header, bodiless, 0) },
        ...(lengthPrefix ? [{ what: 'Length 0', bytes: withFields(header, 0, 0) }] : []),
      ]
    case 'negative':
      return [
        ...(lengthPrefix
          ? signed.map(value => ({ what: `Length ${hex(value)}`, bytes: withFields(request, value, undefined) }))
          : []),
        ...signed.map(value => ({ what: `BodyLen ${hex(value)}`, bytes: withFields(request, undefined, value) })),
      ]
    case 'huge':
      return [
        ...(lengthPrefix
          ? [
              {
                what: `Length ${hugeLength}`,
                bytes: withBodyStart(withFields(header, hugeLength, hugeLength - bodiless)),
              },
            ]
          : []),
        { what: `BodyLen ${hugeLength}`, bytes: withBodyStart(withFields(header, undefined, hugeLength)) },
      ]
  }
}

function httpMessages(kind: LengthKind, request: Uint8Array): readonly MalformedMessage[] {
  const length = (value: string) => ({
    what: `Content-Length: ${value}`,
    bytes: withFraming(request, `Content-Length: ${value}`),
  })
  const chunk = (size: string) => {
    const head = withFraming(request, 'Transfer-Encoding: chunked')
    return { what: `a chunk of size ${size}`, bytes: Buffer.concat([head, textEncoder.encode(`${size}\r\n`)]) }
  }
  const long = ({ what, bytes }: MalformedMessage) => ({ what, bytes: withBodyStart(bytes) })
  switch (kind) {
    case 'zero': {
      const last = chunk('0')
      return [length('0'), { ...last, bytes: Buffer.concat([last.bytes, textEncoder.encode('\r\n')]) }]
    }
    case 'negative':
      // 2^63 and 2^32 - 1 are negative in a signed number of 64 or 32 bits.
      return [length('-1'), length('9223372036854775808'), chunk('-1'), chunk('ffffffff')]
    case 'huge':
      return [long(length(String(hugeLength))), long(chunk(hugeLength.toString(16)))]
  }
}

function respMessages(kind: LengthKind): readonly MalformedMessage[] {
  const message = (text: string) => ({ what: text.trim().replaceAll('\r\n', ' '), bytes: textEncoder.encode(text) })
  switch (kind) {
    case 'zero':
      return [message('*0\r\n'), message('*1\r\n$0\r\n\r\n')]
    case 'negative':
      return [
        message('*-7\r\n'),
        message('*-2147483648\r\n'),
        message('*1\r\n$-5\r\n'),
        message('*1\r\n$-2147483648\r\n'),
      ]
    case 'huge':
      return [`*1\r\n$${hugeLength}\r\n`, `*${hugeLength}\r\n$${hugeSentBytes}\r\n`].map(text => {
        const { what, bytes } = message(text)
        return { what, bytes: withBodyStart(bytes) }
      })
  }
}

/** The start of a message, followed by `hugeSentBytes` of body. */
function withBodyStart(start: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(start.length + hugeSentBytes).fill(0x78)
  bytes.set(start)
  return bytes
}
