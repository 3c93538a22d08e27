import { announcesTooMuch } from './explanation.ts'
import { checkInteger, readUint32, writeUint32 } from './integers.ts'
import { incomplete, type Message, malformed, type Protocol, tooLarge } from './protocol.ts'

/** Opaque u32, CmdType u8, Version i16, Extension i64, BodyLen i32: the header after the length, which is optional. */
const fixedBytes = 19
const prefixBytes = 4
const typeOffset = 4
const versionOffset = 5
const extensionOffset = 7
const bodyLengthOffset = 15
/** Servers that hold ids as signed numbers replace larger ones by their own, and then no reply has the id of its request. */
const idMaxDefault = 0x7fff_ffff

/** The offsets of fields in a frame, for code that builds one in place. */
export interface RpcLayout {
  /** The Opaque; CmdType, Version and Extension follow it. */
  readonly idOffset: number
  readonly bodyLengthOffset: number
}

/** The layout of a frame with or without the leading length. */
export function rpcLayout(lengthPrefix: boolean): RpcLayout {
  const prefix = lengthPrefix ? prefixBytes : 0
  return { idOffset: prefix, bodyLengthOffset: prefix + bodyLengthOffset }
}

/** What `createRpc` takes: the settings of the protocol. */
export interface RpcSettings {
  readonly lengthPrefix: boolean
  /** Bounds the body, in bytes. */
  readonly maxFrame: number
  /** Absent for ids below 2^31. */
  readonly id?: { readonly max: number }
}

/** RPC messages, matched to their replies by the Opaque. */
export function createRpc({ lengthPrefix, maxFrame, id: { max } = { max: idMaxDefault } }: RpcSettings): Protocol {
  const prefix = lengthPrefix ? prefixBytes : 0
  const headerBytes = prefix + fixedBytes

  function prefixedFrameEnd(bytes: Uint8Array, from: number, to: number): number {
    const available = to - from
    // The length alone shows that a frame is too long; there is no need to wait for the rest of the header.
    if (available < prefixBytes) return incomplete
    const length = readUint32(bytes, from)
    if (length < fixedBytes) return malformed
    if (length - fixedBytes > maxFrame) return tooLarge
    if (available < headerBytes) return incomplete
    if (readUint32(bytes, from + prefixBytes + bodyLengthOffset) !== length - fixedBytes) return malformed
    return available < prefixBytes + length ? incomplete : from + prefixBytes + length
  }

  function bareFrameEnd(bytes: Uint8Array, from: number, to: number): number {
    const available = to - from
    if (available < headerBytes) return incomplete
    const bodyLength = readUint32(bytes, from + bodyLengthOffset) | 0
    if (bodyLength < 0) return malformed
    if (bodyLength > maxFrame) return tooLarge
    return available < headerBytes + bodyLength ? incomplete : from + headerBytes + bodyLength
  }

  function encode({ body, type = 0, version = 0, extension = 0n, id = 0 }: Message): Uint8Array {
    if (body.length > maxFrame) throw new RangeError(`an RPC body has at most ${maxFrame} bytes, not ${body.length}`)
    checkHeader(id, type, version, extension)
    const frame = new Uint8Array(headerBytes + body.length)
    const view = new DataView(frame.buffer)
    if (lengthPrefix) writeUint32(frame, 0, fixedBytes + body.length)
    writeUint32(frame, prefix, id)
    view.setUint8(prefix + typeOffset, type)
    view.setInt16(prefix + versionOffset, version)
    view.setBigInt64(prefix + extensionOffset, extension)
    writeUint32(frame, prefix + bodyLengthOffset, body.length)
    frame.set(body, headerBytes)
    return frame
  }

  function decode(bytes: Uint8Array, from: number, end: number): Message {
    const view = new DataView(bytes.buffer, bytes.byteOffset + from + prefix, fixedBytes)
    return {
      body: bytes.subarray(from + headerBytes, end),
      id: view.getUint32(0),
      type: view.getUint8(typeOffset),
      version: view.getInt16(versionOffset),
      extension: view.getBigInt64(extensionOffset),
    }
  }

  return {
    name: 'rpc',
    frameBytesMax: headerBytes + maxFrame,
    frameEnd: lengthPrefix ? prefixedFrameEnd : bareFrameEnd,
    explain: (bytes, from, to) => (lengthPrefix ? explainPrefixed : explainBare)(bytes, from, to, maxFrame),
    encode,
    decode,
    bodyStart: (_bytes, from) => from + headerBytes,
    bodyEnd: (_bytes, _from, end) => end,
    ...fieldsInPlace(prefix, max),
  }
}

/** The fields of a header that are read or written in place; `prefix` is the length of what stands before the Opaque. */
function fieldsInPlace(
  prefix: number,
  max: number,
): Required<Pick<Protocol, 'type' | 'version' | 'extension' | 'requestId'>> {
  return {
    type: { read: (bytes, from) => bytes[from + prefix + typeOffset]! },
    version: {
      read(bytes, from) {
        const at = from + prefix + versionOffset
        return ((bytes[at]! << 24) | (bytes[at + 1]! << 16)) >> 16
      },
    },
    extension: {
      high: (bytes, from) => readUint32(bytes, from + prefix + extensionOffset),
      low: (bytes, from) => readUint32(bytes, from + prefix + extensionOffset + 4),
    },
    requestId: {
      bits: 32,
      max,
      read: (bytes, from) => readUint32(bytes, from + prefix),
      write: (bytes, from, id) => writeUint32(bytes, from + prefix, id),
    },
  }
}

function explainPrefixed(bytes: Uint8Array, from: number, to: number, maxFrame: number): string | undefined {
  if (to - from < prefixBytes) return undefined
  const length = readUint32(bytes, from)
  if (length < fixedBytes) return `announces ${length} bytes, fewer than the ${fixedBytes} of its header`
  const wanted = length - fixedBytes
  if (wanted > maxFrame) return announcesTooMuch(wanted, maxFrame)
  if (to - from < prefixBytes + fixedBytes) return undefined
  const bodyLength = readUint32(bytes, from + prefixBytes + bodyLengthOffset)
  if (bodyLength === wanted) return undefined
  return `two lengths that differ: ${wanted} bytes of body by the first, ${bodyLength} by the second`
}

function explainBare(bytes: Uint8Array, from: number, to: number, maxFrame: number): string | undefined {
  if (to - from < fixedBytes) return undefined
  const bodyLength = readUint32(bytes, from + bodyLengthOffset) | 0
  if (bodyLength < 0) return `announces a body of ${bodyLength} bytes`
  return bodyLength > maxFrame ? announcesTooMuch(bodyLength, maxFrame) : undefined
}

function checkHeader(id: number, type: number, version: number, extension: bigint): void {
  checkInteger('an RPC opaque', id, 0, 0xffff_ffff)
  checkInteger('an RPC command type', type, 0, 0xff)
  checkInteger('an RPC version', version, -0x8000, 0x7fff)
  if (BigInt.asIntN(64, extension) === extension) return
  throw new RangeError(`an RPC extension must fit a signed 64-bit number, and ${extension} does not`)
}
