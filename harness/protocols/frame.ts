import { checkInteger, writeBig, writeLittle } from './integers.ts'
import type { Picture, PictureElement } from './picture/elements.ts'
import type { NumberName } from './picture/numbers.ts'
import { createPicture } from './picture/picture.ts'
import type { Message, Protocol } from './protocol.ts'
import type { FrameSettings } from './protocolSpec.ts'

/**
 * Frames with a length field somewhere in a header: a picture of that header. If `strip` is less than the header, the
 * body includes the rest of the header: fixed bytes such as a magic number are sent that way, and `encode` writes length
 * and id over them.
 */
export function createFrame(settings: FrameSettings): Protocol {
  const { lengthOffset, lengthBytes, lengthAdjustment, maxFrame } = settings
  const lengthEnd = lengthOffset + lengthBytes
  const strip = frameStrip(settings)
  const shortest = shortestFrame(settings)
  const picture = pictureOf(settings)
  const { frameEnd, explain, announcedBytes, requestId } = createPicture({ request: picture, reply: picture, maxFrame })
  const write = settings.endian === 'big' ? writeBig : writeLittle
  const lengthMax = 2 ** Math.min(53, 8 * lengthBytes) - 1

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

  return {
    name: 'frame',
    frameBytesMax: maxFrame,
    frameEnd,
    encode,
    decode(bytes, from, end) {
      const body = bytes.subarray(from + strip, end)
      return requestId ? { body, id: requestId.read(bytes, from, end) } : { body }
    },
    bodyStart: (_bytes, from) => from + strip,
    bodyEnd: (_bytes, _from, end) => end,
    ...(explain && { explain }),
    ...(announcedBytes && { announcedBytes }),
    ...(requestId && { requestId }),
  }
}

/** The header as a picture: the length, the id, and bytes that are not looked at between them and up to the body. */
function pictureOf(settings: FrameSettings): Picture {
  const { lengthOffset, lengthBytes, lengthAdjustment: plus, endian, id } = settings
  const typeOf = (bytes: number) => `u${8 * bytes}${endian === 'little' && bytes > 1 ? 'le' : ''}` as NumberName
  const max = id?.max === undefined ? {} : { max: id.max }
  const fields: { readonly at: number; readonly bytes: number; readonly element: PictureElement }[] = [
    {
      at: lengthOffset,
      bytes: lengthBytes,
      element: { kind: 'length', form: typeOf(lengthBytes), counts: 'rest', plus, flag: 0 },
    },
    ...(id === undefined
      ? []
      : [{ at: id.offset, bytes: id.bytes, element: { kind: 'id' as const, type: typeOf(id.bytes), ...max } }]),
  ]
  const elements: PictureElement[] = []
  let end = 0
  const skipTo = (at: number) => {
    if (at > end) elements.push({ kind: 'skip', bytes: at - end })
    end = Math.max(end, at)
  }
  for (const { at, bytes, element } of fields.toSorted((a, b) => a.at - b.at)) {
    skipTo(at)
    elements.push(element)
    end += bytes
  }
  skipTo(shortestFrame(settings))
  return [...elements, { kind: 'body' }]
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
