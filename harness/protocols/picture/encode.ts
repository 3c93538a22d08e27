import { checksums } from './checksums.ts'
import { type ElementOf, fixedBytesOf, kindOf, type Picture, type PictureElement } from './elements.ts'
import { type NumberType, numberType, writeNumber, writeUnsigned } from './numbers.ts'

/** What a message puts into a frame: its body, and by name the fields that it sets. */
export interface PictureMessage {
  readonly body: Uint8Array
  readonly fields?: Readonly<Record<string, number | bigint | string>>
  readonly id?: number
}

/**
 * The frame of a message. Lengths are filled in from the last element to the first, as each counts what stands behind it,
 * and checksums after all else. Throws a RangeError where a field, a length or the frame does not hold what it should.
 */
export function encodePicture(elements: Picture, maxFrame: number, message: PictureMessage): Uint8Array {
  const parts = elements.map(element => constantPart(element, message))
  for (let index = elements.length - 1; index >= 0; index--) {
    const element = elements[index]!
    if (element.kind === 'length') parts[index] = lengthPart(elements, parts, index, element, message.body.length)
  }
  const frame = Buffer.concat(parts as Uint8Array[])
  if (frame.length > maxFrame) throw new RangeError(`a frame has at most ${maxFrame} bytes, not ${frame.length}`)
  sealFrame(elements, parts as Uint8Array[], frame)
  return new Uint8Array(frame.buffer, frame.byteOffset, frame.length)
}

/** The bytes of an element that depend on nothing but the message; undefined for lengths. */
function constantPart(element: PictureElement, { body, fields = {}, id = 0 }: PictureMessage): Uint8Array | undefined {
  switch (element.kind) {
    case 'bytes':
      return Buffer.from(element.hex, 'hex')
    case 'skip':
    case 'checksum':
      return new Uint8Array(fixedBytesOf(element)!)
    case 'length':
      return undefined
    case 'id':
      return numberPart('the id', numberType(element.type), id)
    case 'field':
      return numberPart(element.name, numberType(element.type), fields[element.name] ?? element.value)
    case 'body':
      return bodyPart(element, body)
  }
}

function bodyPart({ bytes }: ElementOf<'body'>, body: Uint8Array): Uint8Array {
  if (bytes === undefined || bytes === body.length) return body
  throw new RangeError(`the body has ${bytes} bytes, not ${body.length}`)
}

function numberPart(what: string, type: NumberType, value: number | bigint | string): Uint8Array {
  const bytes = new Uint8Array(type.bytes)
  try {
    writeNumber(bytes, 0, type, value)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new RangeError(`${what}: ${error.message}`)
  }
  return bytes
}

function lengthPart(
  elements: Picture,
  parts: readonly (Uint8Array | undefined)[],
  index: number,
  element: ElementOf<'length'>,
  bodyBytes: number,
): Uint8Array {
  const { counts, plus } = element
  const kind = kindOf(element)
  const behind = parts.slice(index + 1).reduce((sum, part) => sum + part!.length, 0)
  if (counts === 'body' || counts === 'rest') return written(kind, (counts === 'body' ? bodyBytes : behind) - plus)
  const before = elements.slice(0, index).reduce((sum, each, at) => sum + (parts[at]?.length ?? fixedBytesOf(each)!), 0)
  const counted = behind + (counts === 'all' ? before : 0) - plus
  return selfCounting(kind, counted)
}

/** A length that counts its own bytes: of one that varies, the shortest that says so. */
function selfCounting(kind: ReturnType<typeof kindOf>, counted: number): Uint8Array {
  if (kind.fixedBytes !== undefined) return written(kind, counted + kind.fixedBytes)
  let bytes = written(kind, counted)
  // A longer length counts itself as longer: after a step or two it has room for that.
  for (let width = 0; bytes.length !== width; bytes = written(kind, counted + width)) width = bytes.length
  return bytes
}

function written(kind: ReturnType<typeof kindOf>, value: number): Uint8Array {
  if (value >= 0 && value <= kind.valueMax) return kind.encode(value)
  throw new RangeError(`the length counts 0 to ${kind.valueMax} bytes, and this message has ${value}`)
}

/** Fills in the checksums of an encoded frame, from the first to the last. */
function sealFrame(elements: Picture, parts: readonly Uint8Array[], frame: Uint8Array): void {
  let at = 0
  const starts = parts.map(part => {
    at += part.length
    return at - part.length
  })
  const bodyIndex = elements.findIndex(({ kind }) => kind === 'body')
  const bodyStart = bodyIndex < 0 ? frame.length : starts[bodyIndex]!
  const bodyEnd = bodyIndex < 0 ? frame.length : bodyStart + parts[bodyIndex]!.length
  elements.forEach((element, index) => {
    if (element.kind !== 'checksum') return
    const from = element.of === 'body' ? bodyStart : 0
    const end = element.of === 'before' ? starts[index]! : bodyEnd
    writeChecksum(frame, starts[index]!, element.as, checksums[element.sum].of(frame, from, end))
  })
}

/** Writes a checksum at a place, as a number or in decimal digits, without allocation. */
export function writeChecksum(bytes: Uint8Array, at: number, as: ElementOf<'checksum'>['as'], value: number): void {
  if (typeof as === 'object') {
    let rest = value
    for (let place = at + as.digits - 1; place >= at; place--) {
      bytes[place] = 0x30 + (rest % 10)
      rest = Math.floor(rest / 10)
    }
    return
  }
  writeUnsigned(bytes, at, numberType(as), value)
}
