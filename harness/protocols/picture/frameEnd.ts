import { incomplete, malformed, tooLarge } from '../protocol.ts'
import { checksums } from './checksums.ts'
import { type ElementOf, fixedBytesOf } from './elements.ts'
import { bodyStartOf, type Layout, type Locate, locatorOf } from './layout.ts'
import { lengthScale } from './lengths.ts'
import { numberReader, numberType } from './numbers.ts'

export type FrameEnd = (bytes: Uint8Array, from: number, to: number) => number

/** Bytes that every frame has at the same place. */
interface Constant {
  /** From the start of the frame, or for those behind the body from its end. */
  readonly offset: number
  readonly bytes: Uint8Array
}

/** Bytes of the shortest frame that a length can announce, given how many bytes the length itself takes. */
function restBytes({ betweenBytes, tailBytes, bodyBytes = 0 }: Layout): number {
  return betweenBytes + tailBytes + bodyBytes
}

/** Finds the end of a frame of this layout; frames over `maxFrame` bytes are too large. */
export function frameEndOf(layout: Layout, maxFrame: number): FrameEnd {
  const whole = wholeCheck(layout)
  const end = layout.length === undefined ? fixedEnd(layout, maxFrame) : lengthEnd(layout, maxFrame)
  const head = constantsIn(layout, 'start')
  const limited = limitedFields(layout, 'start')
  if (head.length === 0 && limited.length === 0 && whole === undefined) return end
  return (bytes, from, to) => {
    if (!fits(head, bytes, from, to) || !haveOnly(limited, bytes, from, to)) return malformed
    const found = end(bytes, from, to)
    return found > 0 && whole !== undefined && !whole(bytes, from, found) ? malformed : found
  }
}

/** Frames of a fixed length; with a body that nothing counts a frame is all of its datagram. */
function fixedEnd({ headBytes, bodyBytes, tailBytes }: Layout, maxFrame: number): FrameEnd {
  const least = headBytes + tailBytes + (bodyBytes ?? 0)
  if (bodyBytes !== undefined) return (_bytes, from, to) => (to - from < least ? incomplete : from + least)
  return (_bytes, from, to) => (to - from < least ? incomplete : to - from > maxFrame ? tooLarge : to)
}

function lengthEnd(layout: Layout, maxFrame: number): FrameEnd {
  const { element, kind } = layout.length!
  const { headBytes } = layout
  const { counts, plus } = element
  const rest = restBytes(layout)
  const { fixedBytes, number, read } = kind
  /** The bytes of a frame beside its value, with those of the length itself where they count. */
  const beside = {
    rest: headBytes,
    itself: headBytes,
    all: 0,
    body: headBytes + layout.betweenBytes + layout.tailBytes,
  }
  const base = plus + beside[counts]
  const countsWidth = counts === 'rest' || counts === 'body'
  if (fixedBytes !== undefined && number !== undefined) {
    const headEnd = headBytes + fixedBytes
    const fixed = base + (countsWidth ? fixedBytes : 0)
    const shortest = headEnd + rest
    return (bytes, from, to) => {
      if (to - from < headEnd) return incomplete
      const total = fixed + number(bytes, from + headBytes)
      if (total < shortest) return malformed
      if (total > maxFrame) return tooLarge
      return to - from < total ? incomplete : from + total
    }
  }
  const long: FrameEnd = (bytes, from, to) => {
    const found = read(bytes, from + headBytes, to)
    if (found <= 0) return found
    const width = found % lengthScale
    const total = base + (countsWidth ? width : 0) + (found - width) / lengthScale
    if (total < headBytes + width + rest) return malformed
    if (total > maxFrame) return tooLarge
    return to - from < total ? incomplete : from + total
  }
  return kind.short === undefined ? long : shortEnd(kind.short, long)

  /** Most lengths are one byte: that is read at once, and others where they have to be found out. */
  function shortEnd({ mask, max }: NonNullable<typeof kind.short>, other: FrameEnd): FrameEnd {
    const own = base + (countsWidth ? 1 : 0)
    const shortest = headBytes + 1 + rest
    return (bytes, from, to) => {
      if (to - from <= headBytes) return incomplete
      const value = bytes[from + headBytes]! & mask
      if (value > max) return other(bytes, from, to)
      const total = own + value
      if (total < shortest) return malformed
      if (total > maxFrame) return tooLarge
      return to - from < total ? incomplete : from + total
    }
  }
}

/** What a frame must have besides its length: constants and values of fields behind the length, and right checksums. */
function wholeCheck(layout: Layout): ((bytes: Uint8Array, from: number, end: number) => boolean) | undefined {
  const { elements, places } = layout
  const located = elements.flatMap(element =>
    element.kind === 'bytes' && places.get(element)!.from !== 'start'
      ? [{ bytes: Buffer.from(element.hex, 'hex'), locate: locatorOf(layout, element) }]
      : [],
  )
  const sums = elements.flatMap(element =>
    element.kind === 'checksum' && element.verify ? [checksumCheck(layout, element)] : [],
  )
  const limited = limitedFields(layout, 'behind')
  if (located.length === 0 && limited.length === 0 && sums.length === 0) return undefined
  return (bytes, from, end) => {
    if (!haveOnly(limited, bytes, from, end)) return false
    for (let index = 0; index < located.length; index++) {
      const constant = located[index]!
      if (!sameAt(bytes, constant.locate(bytes, from, end), constant.bytes)) return false
    }
    for (let index = 0; index < sums.length; index++) {
      if (!sums[index]!(bytes, from, end)) return false
    }
    return true
  }
}

function checksumCheck(layout: Layout, element: ElementOf<'checksum'>) {
  const { of: sum } = checksums[element.sum]
  const locate = locatorOf(layout, element)
  const { first, last } = checksumRange(layout, element)
  const read = writtenReader(element)
  return (bytes: Uint8Array, from: number, end: number) =>
    read(bytes, locate(bytes, from, end)) === sum(bytes, first(bytes, from, end), last(bytes, from, end))
}

/** Reads a checksum as it is written; digits that are none give a number that no checksum is. */
function writtenReader({ as }: ElementOf<'checksum'>): (bytes: Uint8Array, at: number) => number {
  if (typeof as === 'string') return numberReader(numberType(as))
  const { digits } = as
  return (bytes, at) => {
    let value = 0
    for (let index = 0; index < digits; index++) {
      const digit = bytes[at + index]! - 0x30
      if (digit < 0 || digit > 9) return -1
      value = value * 10 + digit
    }
    return value
  }
}

/** The bytes of which a checksum is, in a whole frame. */
export function checksumRange(
  layout: Layout,
  element: ElementOf<'checksum'>,
): { readonly first: Locate; readonly last: Locate } {
  const bodyStart = bodyStartOf(layout)
  const { tailBytes } = layout
  const start: Locate = (_bytes, from) => from
  const bodyEnd: Locate = (_bytes, _from, end) => end - tailBytes
  switch (element.of) {
    case 'before':
      return { first: start, last: locatorOf(layout, element) }
    case 'body':
      return { first: bodyStart, last: bodyEnd }
    case 'head-and-body':
      return { first: start, last: bodyEnd }
  }
}

function constantsIn({ elements, places }: Layout, from: 'start'): Constant[] {
  return elements.flatMap(element => {
    const place = places.get(element)
    if (element.kind !== 'bytes' || place?.from !== from || fixedBytesOf(element) === 0) return []
    return [{ offset: place.bytes, bytes: Buffer.from(element.hex, 'hex') }]
  })
}

/** Whether the bytes that are in agree with the constants of the head. */
function fits(constants: readonly Constant[], bytes: Uint8Array, from: number, to: number): boolean {
  for (let index = 0; index < constants.length; index++) {
    const { offset, bytes: wanted } = constants[index]!
    const at = from + offset
    const end = Math.min(wanted.length, to - at)
    for (let place = 0; place < end; place++) {
      if (bytes[at + place] !== wanted[place]) return false
    }
  }
  return true
}

/** A field that has only some values. */
interface LimitedField {
  readonly locate: Locate
  readonly bytes: number
  readonly read: (bytes: Uint8Array, at: number) => number
  readonly only: readonly number[]
}

/** Fields with only some values: those that are at a fixed place from the start, or all others. */
function limitedFields(layout: Layout, where: 'start' | 'behind'): LimitedField[] {
  return layout.elements.flatMap((element): LimitedField[] => {
    if (element.kind !== 'field' || element.only === undefined) return []
    if ((layout.places.get(element)!.from === 'start') !== (where === 'start')) return []
    const type = numberType(element.type)
    const locate = locatorOf(layout, element)
    return [{ locate, bytes: type.bytes, read: numberReader(type), only: element.only }]
  })
}

/** Whether the fields that are in have values that they may have. */
function haveOnly(fields: readonly LimitedField[], bytes: Uint8Array, from: number, to: number): boolean {
  for (let index = 0; index < fields.length; index++) {
    const field = fields[index]!
    const at = field.locate(bytes, from, to)
    if (at + field.bytes <= to && !field.only.includes(field.read(bytes, at))) return false
  }
  return true
}

function sameAt(bytes: Uint8Array, at: number, wanted: Uint8Array): boolean {
  for (let index = 0; index < wanted.length; index++) {
    if (bytes[at + index] !== wanted[index]) return false
  }
  return true
}
