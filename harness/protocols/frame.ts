import { announcesTooMuch } from './explanation.ts'
import { checkInteger, readBig, readLittle, readUint32, writeBig, writeLittle } from './integers.ts'
import { incomplete, type Message, malformed, type Protocol, type RequestId, tooLarge } from './protocol.ts'
import type { FrameSettings } from './protocolSpec.ts'

/**
 * Frames with a length field somewhere in a header. If `strip` is less than the header, the body includes the rest of
 * the header: fixed bytes such as a magic number are sent that way, and `encode` writes length and id over them.
 */
export function createFrame(settings: FrameSettings): Protocol {
  const { lengthOffset, lengthBytes, lengthAdjustment, maxFrame } = settings
  const lengthEnd = lengthOffset + lengthBytes
  const strip = frameStrip(settings)
  const shortest = shortestFrame(settings)
  // The most common length field is read without a loop.
  const readWord = settings.endian === 'big' && lengthBytes === 4 ? readUint32 : undefined
  const read = settings.endian === 'big' ? readBig : readLittle
  const write = settings.endian === 'big' ? writeBig : writeLittle
  const lengthMax = 2 ** Math.min(53, 8 * lengthBytes) - 1
  const requestId = settings.id && createRequestId(settings.id, read, write)

  function encode({ body, id }: Message): Uint8Array {
    const total = strip + body.length
    if (total < shortest) {
      throw new RangeError(`a frame's body must have at least ${shortest - strip} bytes, not ${body.length}`)
    }
    if (total > maxFrame) throw new RangeError(`a frame has at most ${maxFrame} bytes, not ${total}`)
    const length = total - lengthEnd - lengthAdjustment
    checkInteger('the length field', length, 0, lengthMax)
    const frame = new Uint8Array(total)
    frame.set(body, strip)
    write(frame, lengthOffset, lengthBytes, length)
    if (requestId && id !== undefined) {
      checkInteger('the id', id, 0, 2 ** requestId.bits - 1)
      requestId.write(frame, 0, id)
    }
    return frame
  }

  /** The length of the frame that the header at `from` announces; the length field must be in. */
  function announced(bytes: Uint8Array, from: number): number {
    const at = from + lengthOffset
    const length = readWord === undefined ? read(bytes, at, lengthBytes) : readWord(bytes, at)
    return lengthEnd + length + lengthAdjustment
  }

  return {
    name: 'frame',
    frameBytesMax: maxFrame,
    frameEnd(bytes, from, to) {
      if (to - from < lengthEnd) return incomplete
      const total = announced(bytes, from)
      if (total < shortest) return malformed
      if (total > maxFrame) return tooLarge
      return to - from < total ? incomplete : from + total
    },
    encode,
    decode(bytes, from, end) {
      const body = bytes.subarray(from + strip, end)
      return requestId ? { body, id: requestId.read(bytes, from, end) } : { body }
    },
    bodyStart: (_bytes, from) => from + strip,
    bodyEnd: (_bytes, _from, end) => end,
    explain(bytes, from, to) {
      if (to - from < lengthEnd) return undefined
      const total = announced(bytes, from)
      if (total < shortest) return `announces ${total} bytes, fewer than the ${shortest} of its header`
      return total > maxFrame ? announcesTooMuch(total, maxFrame) : undefined
    },
    announcedBytes(bytes, from, to) {
      if (to - from < lengthEnd) return 0
      return Math.max(0, lengthEnd + read(bytes, from + lengthOffset, lengthBytes) + lengthAdjustment)
    },
    ...(requestId && { requestId }),
  }
}

/** Bytes at the start of a frame that are not its body. */
export function frameStrip(settings: FrameSettings): number {
  return settings.strip ?? headerBytes(settings)
}

/** Bytes of the shortest frame, which contains its length, its id and all stripped bytes. */
export function shortestFrame(settings: FrameSettings): number {
  return Math.max(headerBytes(settings), settings.strip ?? 0)
}

function headerBytes({ lengthOffset, lengthBytes, id }: FrameSettings): number {
  return Math.max(lengthOffset + lengthBytes, id ? id.offset + id.bytes : 0)
}

/** The largest id in a field of this many bytes. */
export function idMaxOf(bytes: number): number {
  return 2 ** (8 * bytes) - 1
}

function createRequestId(
  { offset, bytes: width, max = idMaxOf(width) }: NonNullable<FrameSettings['id']>,
  read: typeof readBig,
  write: typeof writeBig,
): RequestId {
  return {
    bits: 8 * width,
    max,
    read: (bytes, from) => read(bytes, from + offset, width),
    write: (bytes, from, id) => write(bytes, from + offset, width, id),
  }
}
