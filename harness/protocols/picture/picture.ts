import { formatSize } from '../../units.ts'
import { announcesTooMuch } from '../explanation.ts'
import { type Message, malformed, type Protocol, type RequestId, tooLarge } from '../protocol.ts'
import { checksums } from './checksums.ts'
import { type ElementOf, fixedBytesOf, type Picture } from './elements.ts'
import { encodePicture, writeChecksum } from './encode.ts'
import { checksumRange, frameEndOf } from './frameEnd.ts'
import { bodyStartOf, type Layout, layoutOf, locatorOf } from './layout.ts'
import { lengthScale } from './lengths.ts'
import { numberReader, numberType, unsignedWriter } from './numbers.ts'

/** Frames as they are drawn: those that go out, and those that come in. */
export interface PictureSettings {
  readonly request: Picture
  readonly reply: Picture
  /** The longest frame that is accepted, with its header. */
  readonly maxFrame: number
}

/** Reads a field of a whole frame. */
export type FieldReader = (bytes: Uint8Array, from: number, end: number) => number

/** The fields of frames by name: those of the frames that come in. */
export interface PictureFields {
  readonly names: readonly string[]
  readonly read: Readonly<Record<string, FieldReader>>
}

/** The format of frames that are drawn element by element; what comes in is a reply, what goes out a request. */
export function createPicture({ request, reply, maxFrame }: PictureSettings): Protocol {
  const layout = layoutOf(reply)
  const frameEnd = frameEndOf(layout, maxFrame)
  const parts = partsOf(layout)
  const requestId = requestIdOf(layoutOf(request), layout)
  return {
    name: 'frame',
    frameBytesMax: maxFrame,
    frameEnd,
    ...parts,
    // Requests that are drawn in another way have their bodies elsewhere.
    ...(request !== reply && {
      sent: { ...partsOf(layoutOf(request)), frameEnd: frameEndOf(layoutOf(request), maxFrame) },
    }),
    encode: message => encodePicture(request, maxFrame, message),
    ...sealOf(layoutOf(request)),
    explain: (bytes, from, to) =>
      frameEnd(bytes, from, to) < 0 ? explain(layout, maxFrame, bytes, from, to) : undefined,
    announcedBytes: (bytes, from, to) => Math.max(0, announcedBytes(layout, bytes, from, to)),
    ...(requestId && { requestId }),
  }
}

/** Fills in the checksums of a request anew, from the first to the last. */
function sealOf(layout: Layout): Pick<Protocol, 'seal'> {
  const sums = layout.elements.flatMap(element => {
    if (element.kind !== 'checksum') return []
    const { first, last } = checksumRange(layout, element)
    return [{ as: element.as, of: checksums[element.sum].of, first, last, locate: locatorOf(layout, element) }]
  })
  if (sums.length === 0) return {}
  return {
    seal(bytes, from, end) {
      for (let index = 0; index < sums.length; index++) {
        const { as, of, first, last, locate } = sums[index]!
        writeChecksum(bytes, locate(bytes, from, end), as, of(bytes, first(bytes, from, end), last(bytes, from, end)))
      }
    },
  }
}

/** Where the parts of a whole frame are. */
function partsOf(layout: Layout): Pick<Protocol, 'decode' | 'bodyStart' | 'bodyEnd' | 'fields'> {
  const { tailBytes } = layout
  const bodyStart = bodyStartOf(layout)
  const fields = fieldsOf(layout)
  const id = layout.elements.find(element => element.kind === 'id')
  const readId = id && numberAt(layout, id)
  const names = Object.keys(fields)
  return {
    bodyStart,
    bodyEnd: (_bytes, _from, end) => end - tailBytes,
    decode(bytes, from, end): Message {
      const body = bytes.subarray(bodyStart(bytes, from, end), end - tailBytes)
      const values = Object.fromEntries(names.map(name => [name, fields[name]!(bytes, from, end)]))
      return {
        ...(names.length > 0 && { fields: values }),
        ...(readId && { id: readId(bytes, from, end) }),
        body,
      }
    },
    fields,
  }
}

function fieldsOf(layout: Layout): Readonly<Record<string, FieldReader>> {
  const fields = layout.elements.filter((element): element is ElementOf<'field'> => element.kind === 'field')
  return Object.fromEntries(fields.map(field => [field.name, numberAt(layout, field)]))
}

function numberAt(layout: Layout, element: ElementOf<'field'> | ElementOf<'id'>): FieldReader {
  const read = numberReader(numberType(element.type))
  const locate = locatorOf(layout, element)
  return (bytes, from, end) => read(bytes, locate(bytes, from, end))
}

/** Ids are written where requests have them, and read where replies do. */
function requestIdOf(request: Layout, reply: Layout): RequestId | undefined {
  const [asked, answered] = [request, reply].map(({ elements }) => elements.find(({ kind }) => kind === 'id'))
  if (asked?.kind !== 'id' || answered?.kind !== 'id') return undefined
  const type = numberType(asked.type)
  const { min = 1, max = Number(type.max) } = asked
  /** The first id is 1 here, and `min` on the wire. */
  const base = min - 1
  const read = numberAt(reply, answered)
  const locate = locatorOf(request, asked)
  const writeNumber = unsignedWriter(type)
  const isAtEnd = request.places.get(asked)!.from === 'end'
  return {
    bits: Math.min(32, 8 * type.bytes),
    max: Math.min(0xffff_ffff, max - base),
    read: (bytes, from, end) => read(bytes, from, end) - base,
    write: isAtEnd
      ? (bytes, from, id) => {
          // Behind the frame there may be others.
          const end = from + announcedBytes(request, bytes, from, bytes.length)
          writeNumber(bytes, locate(bytes, from, end), id + base)
        }
      : (bytes, from, id) => writeNumber(bytes, locate(bytes, from, bytes.length), id + base),
  }
}

/** Why these bytes, which `frameEnd` does not take, are no frame. */
function explain(layout: Layout, maxFrame: number, bytes: Uint8Array, from: number, to: number): string {
  for (const element of layout.elements) {
    const place = layout.places.get(element)
    if (element.kind !== 'bytes' || place?.from !== 'start') continue
    const wanted = Buffer.from(element.hex, 'hex')
    const at = from + place.bytes
    const got = bytes.subarray(at, Math.min(to, at + wanted.length))
    if (Buffer.compare(got, wanted.subarray(0, got.length)) !== 0) {
      return `has ${Buffer.from(got).toString('hex')} where ${element.hex} is to be`
    }
  }
  const refused = refusedField(layout, bytes, from, to)
  if (refused !== undefined) return refused
  const { length } = layout
  if (length === undefined) return to - from > maxFrame ? announcesTooMuch(to - from, maxFrame) : wrongInside
  const { fixedBytes, number, read } = length.kind
  const found = read(bytes, from + layout.headBytes, to)
  if (found === malformed) {
    if (length.element.form !== 'ws') return 'has a length that cannot be read'
    return length.element.flag === 0
      ? 'is masked, which only a client does'
      : 'has no mask, which a client must give it'
  }
  if (found === tooLarge && number === undefined) return `announces more than maxFrame ${formatSize(maxFrame)}`
  const total = announcedBytes(layout, bytes, from, to)
  if (total > maxFrame) return announcesTooMuch(total, maxFrame)
  const least = leastBytes(layout, fixedBytes ?? found % lengthScale)
  if (total < least) return `announces ${total} bytes, fewer than the ${least} of its header`
  return wrongInside
}

/** Which field has a value that it must not have. */
function refusedField(layout: Layout, bytes: Uint8Array, from: number, to: number): string | undefined {
  for (const element of layout.elements) {
    if (element.kind !== 'field' || element.only === undefined || layout.places.get(element)!.from !== 'start') continue
    const at = from + layout.places.get(element)!.bytes
    const type = numberType(element.type)
    if (at + type.bytes > to) continue
    const value = numberReader(type)(bytes, at)
    if (!element.only.includes(value))
      return `has ${element.name} 0x${value.toString(16)}, which its frames must not have`
  }
  return undefined
}

const wrongInside =
  'has a wrong checksum, other bytes where constant ones are to be, or a value that a field must not have'

function leastBytes({ headBytes, betweenBytes, tailBytes, bodyBytes = 0 }: Layout, width: number): number {
  return headBytes + width + betweenBytes + tailBytes + bodyBytes
}

/** The length of the frame that its first bytes announce; 0 until the length is in. */
function announcedBytes(layout: Layout, bytes: Uint8Array, from: number, to: number): number {
  const { length, headBytes, tailBytes, bodyBytes } = layout
  if (length === undefined) return bodyBytes === undefined ? 0 : headBytes + bodyBytes + tailBytes
  const { fixedBytes, number, read } = length.kind
  const at = from + headBytes
  if (number !== undefined) return at + fixedBytes! > to ? 0 : totalOf(layout, fixedBytes!, number(bytes, at))
  const found = read(bytes, at, to)
  const width = found % lengthScale
  return found <= 0 ? 0 : totalOf(layout, width, (found - width) / lengthScale)
}

/** The length of a frame whose length takes `width` bytes and has this value. */
function totalOf({ length, headBytes, betweenBytes, tailBytes }: Layout, width: number, value: number): number {
  const { counts, plus } = length!.element
  const counted = value + plus
  switch (counts) {
    case 'rest':
      return headBytes + width + counted
    case 'itself':
      return headBytes + counted
    case 'all':
      return counted
    case 'body':
      return headBytes + width + betweenBytes + counted + tailBytes
  }
}

/** The bytes of the shortest frame, where the picture says. */
export function shortestFrame(elements: Picture): number {
  return elements.reduce((sum, element) => sum + (fixedBytesOf(element) ?? (element.kind === 'length' ? 1 : 0)), 0)
}
