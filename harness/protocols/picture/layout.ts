import { type ElementOf, fixedBytesOf, kindOf, type Picture, type PictureElement } from './elements.ts'
import { type LengthKind, lengthScale } from './lengths.ts'

/**
 * Where the elements of a picture are. A frame has a head of fixed size, then the length that says where it ends, then
 * elements of fixed size up to the body, the body, and elements of fixed size behind it. Without a length the head ends
 * where the body begins.
 */
export interface Layout {
  readonly elements: Picture
  readonly length?: { readonly element: ElementOf<'length'>; readonly kind: LengthKind }
  /** Bytes before the length, or before the body. */
  readonly headBytes: number
  /** Bytes from the end of the length to the body. */
  readonly betweenBytes: number
  /** Bytes behind the body. */
  readonly tailBytes: number
  /** The length of the body, where nothing counts it and it is not the rest of a datagram. */
  readonly bodyBytes?: number
  readonly hasBody: boolean
  readonly places: ReadonlyMap<PictureElement, Place>
}

/** Where an element begins: so many bytes from the start of the frame, from the end of its length, or from its end. */
export type Place =
  | { readonly from: 'start'; readonly bytes: number }
  | { readonly from: 'length'; readonly bytes: number }
  | { readonly from: 'end'; readonly bytes: number }

/** The layout of a picture without faults. */
export function layoutOf(elements: Picture): Layout {
  const lengthIndex = elements.findIndex(({ kind }) => kind === 'length')
  const bodyIndex = elements.findIndex(({ kind }) => kind === 'body')
  const bodyAt = bodyIndex < 0 ? elements.length : bodyIndex
  const headEnd = lengthIndex < 0 ? bodyAt : lengthIndex
  const length = lengthIndex < 0 ? undefined : (elements[lengthIndex] as ElementOf<'length'>)
  const places = new Map<PictureElement, Place>()
  const headBytes = placeAll(elements.slice(0, headEnd), 'start', places)
  const between = lengthIndex < 0 ? [] : elements.slice(lengthIndex + 1, bodyAt)
  if (length !== undefined) places.set(length, { from: 'start', bytes: headBytes })
  const betweenBytes = placeAll(between, 'length', places)
  const tail = elements.slice(bodyAt + 1)
  const tailBytes = tail.reduce((sum, element) => sum + fixedBytesOf(element)!, 0)
  let beforeEnd = tailBytes
  for (const element of tail) {
    places.set(element, { from: 'end', bytes: beforeEnd })
    beforeEnd -= fixedBytesOf(element)!
  }
  const body = elements[bodyIndex] as ElementOf<'body'> | undefined
  const bodyBytes = body === undefined ? 0 : body.bytes
  return {
    elements,
    ...(length && { length: { element: length, kind: kindOf(length) } }),
    headBytes,
    betweenBytes,
    tailBytes,
    ...(bodyBytes !== undefined && { bodyBytes }),
    hasBody: body !== undefined,
    places,
  }
}

function placeAll(elements: Picture, from: 'start' | 'length', places: Map<PictureElement, Place>): number {
  let bytes = 0
  for (const element of elements) {
    places.set(element, { from, bytes })
    bytes += fixedBytesOf(element)!
  }
  return bytes
}

/** A place in the whole frame `bytes[from, end)`. */
export type Locate = (bytes: Uint8Array, from: number, end: number) => number

/** Finds an element in a whole frame. */
export function locatorOf(layout: Layout, element: PictureElement): Locate {
  const { from: base, bytes: offset } = layout.places.get(element)!
  if (base === 'end') return (_bytes, _from, end) => end - offset
  if (base === 'start') return (_bytes, from) => from + offset
  const lengthEnd = lengthEndOf(layout)
  return (bytes, from, end) => lengthEnd(bytes, from, end) + offset
}

/** Finds the end of the length in a whole frame. */
function lengthEndOf({ length, headBytes }: Layout): Locate {
  const { kind } = length!
  const { fixedBytes, read } = kind
  if (fixedBytes !== undefined) return (_bytes, from) => from + headBytes + fixedBytes
  return (bytes, from, end) => from + headBytes + (read(bytes, from + headBytes, end) % lengthScale)
}

/** Finds the body in a whole frame. */
export function bodyStartOf(layout: Layout): Locate {
  const { length, headBytes, betweenBytes } = layout
  if (length === undefined) return (_bytes, from) => from + headBytes
  const { fixedBytes } = length.kind
  if (fixedBytes !== undefined) {
    const offset = headBytes + fixedBytes + betweenBytes
    return (_bytes, from) => from + offset
  }
  const lengthEnd = lengthEndOf(layout)
  return (bytes, from, end) => lengthEnd(bytes, from, end) + betweenBytes
}
