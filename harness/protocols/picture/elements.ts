import type { ChecksumName } from './checksums.ts'
import { checksums } from './checksums.ts'
import { type LengthForm, type LengthKind, lengthKind } from './lengths.ts'
import { type NumberName, type NumberType, numberType } from './numbers.ts'

/** What a length counts: all behind it, that and itself, the whole frame, or the body alone. */
export const lengthCounts = ['rest', 'itself', 'all', 'body'] as const
export type LengthCounts = (typeof lengthCounts)[number]

/** What a checksum is of: all before it, the body, or all from the start of the frame to the end of the body. */
export const checksumParts = ['before', 'body', 'head-and-body'] as const
export type ChecksumPart = (typeof checksumParts)[number]

/** One element of a frame, plain data; a frame is drawn as the list of its elements from the first byte to the last. */
export type PictureElement =
  /** These bytes, as hexadecimal digits. A frame without them is malformed. */
  | { readonly kind: 'bytes'; readonly hex: string }
  /** So many bytes: zeros when written, not looked at when read. */
  | { readonly kind: 'skip'; readonly bytes: number }
  | {
      readonly kind: 'length'
      readonly form: LengthForm
      readonly counts: LengthCounts
      /** How many bytes more than its value it counts. */
      readonly plus: number
      /** Form `ws`: a bit that is set beside the length. */
      readonly flag: number
    }
  /** Joins a reply to its request; ids run from `min` to `max`. */
  | { readonly kind: 'id'; readonly type: NumberName; readonly min?: number; readonly max?: number }
  | {
      readonly kind: 'checksum'
      readonly sum: ChecksumName
      readonly of: ChecksumPart
      /** How it is written: as a number, or in so many decimal digits. */
      readonly as: NumberName | { readonly digits: number }
      /** A frame whose checksum is wrong is malformed. */
      readonly verify: boolean
    }
  /** A number that messages set by name, and that replies are asked for. */
  | {
      readonly kind: 'field'
      readonly name: string
      readonly type: NumberName
      readonly value: number | string
      /** A frame with any other value is malformed. */
      readonly only?: readonly number[]
    }
  /** What a message carries; of a fixed length where nothing counts it. */
  | { readonly kind: 'body'; readonly bytes?: number }

/** A frame as its elements, in the order of the wire. */
export type Picture = readonly PictureElement[]

export type ElementOf<Kind extends PictureElement['kind']> = Extract<PictureElement, { kind: Kind }>

/**
 * The bytes that an element takes, where that is fixed: not for a body that a length counts, nor for a length that takes as
 * many bytes as its value needs.
 */
export function fixedBytesOf(element: PictureElement): number | undefined {
  switch (element.kind) {
    case 'bytes':
      return element.hex.length / 2
    case 'skip':
    case 'body':
      return element.bytes
    case 'length':
      return kindOf(element).fixedBytes
    case 'checksum':
      return typeof element.as === 'object' ? element.as.digits : numberType(element.as).bytes
    default:
      return numberType(element.type).bytes
  }
}

/** How the length of an element is read and written. */
export function kindOf({ form, flag }: ElementOf<'length'>): LengthKind {
  return lengthKind(form, flag)
}

/** The number type in which a checksum is written where a picture does not say. */
export function checksumType(sum: ChecksumName): NumberType {
  return numberType(({ 8: 'u8', 16: 'u16', 32: 'u32' } as const)[checksums[sum].bits])
}
