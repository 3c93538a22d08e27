import { incomplete, malformed, tooLarge } from '../protocol.ts'
import { type NumberName, type NumberReader, numberNames, numberReader, numberType, writeNumber } from './numbers.ts'

/** Lengths that take as many bytes as their value needs. */
export const variableLengthNames = ['leb128', 'ber', 'ws', 'decimal'] as const
export type VariableLengthName = (typeof variableLengthNames)[number]

/** Numbers that count bytes. */
export const lengthNumberNames = numberNames.filter(name => /^u\d/.test(name))

/** How a length is written; `decimal` has digits up to `ends`, and `digits` is a fixed number of them. */
export type LengthForm =
  | NumberName
  | Exclude<VariableLengthName, 'decimal'>
  | { readonly decimal: { readonly ends: string } }
  | { readonly digits: number }

/**
 * Reads a length, so that one number says all: `value * lengthScale + width` in bytes, or `incomplete`, `malformed` or
 * `tooLarge`. Nothing is allocated, and nothing at or after `to` is read.
 */
export type LengthReader = (bytes: Uint8Array, at: number, to: number) => number

/** Above the most bytes that a length takes. */
export const lengthScale = 16
/** No frame is that long, and the value with its width is still a whole number. */
const valueMax = 2 ** 47

export interface LengthKind {
  readonly read: LengthReader
  /** The bytes that it takes, where that does not depend on the value. */
  readonly fixedBytes?: number
  /** Reads it without its width, where it is a number; the bytes must be there, and above 2^53 it is rounded. */
  readonly number?: NumberReader
  /** Small values are one byte alone: these of its bits, where they are not above `max`. */
  readonly short?: { readonly mask: number; readonly max: number }
  readonly valueMax: number
  /** The bytes of a value up to `valueMax`. */
  encode(value: number): Uint8Array
}

/** The most digits of a decimal length: more would not be a length that is accepted. */
const digitsMax = 10
/** The most bytes that end a decimal length. */
export const endsBytesMax = lengthScale - 1 - digitsMax

/**
 * How lengths of this form are read and written; `flag` is a bit that is set beside a WebSocket length, and without which,
 * or with which where there is none, it is malformed.
 */
export function lengthKind(form: LengthForm, flag = 0): LengthKind {
  if (typeof form === 'object') return 'digits' in form ? digitsKind(form.digits) : decimalKind(form.decimal.ends)
  switch (form) {
    case 'leb128':
      return { read: readLeb128, short: { mask: 255, max: 127 }, valueMax, encode: encodeLeb128 }
    case 'ber':
      return { read: readBer, short: { mask: 255, max: 127 }, valueMax, encode: encodeBer }
    case 'ws':
      return {
        read: wsReader(flag),
        // A byte with the mask bit, where there is to be none, is not a small value.
        ...(flag === 0 && { short: { mask: 255, max: 125 } }),
        valueMax,
        encode: value => encodeWs(value, flag),
      }
    default:
      return numberKind(form)
  }
}

function numberKind(name: NumberName): LengthKind {
  const type = numberType(name)
  const read = numberReader(type)
  const width = type.bytes
  return {
    fixedBytes: width,
    number: read,
    valueMax: Math.min(valueMax, Number(type.max)),
    read(bytes, at, to) {
      if (at + width > to) return incomplete
      const value = read(bytes, at)
      return value > valueMax ? tooLarge : value * lengthScale + width
    },
    encode(value) {
      const bytes = new Uint8Array(width)
      writeNumber(bytes, 0, type, value)
      return bytes
    },
  }
}

/** 7 bits a byte, the low ones first; the eighth says that more follow: protobuf, MQTT. */
function readLeb128(bytes: Uint8Array, at: number, to: number): number {
  let value = 0
  let scale = 1
  for (let index = 0; index < 7; index++) {
    if (at + index >= to) return incomplete
    const byte = bytes[at + index]!
    value += (byte & 127) * scale
    if (byte < 128) return value > valueMax ? tooLarge : value * lengthScale + index + 1
    scale *= 128
  }
  return malformed
}

function encodeLeb128(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = value
  do {
    const low = rest % 128
    rest = (rest - low) / 128
    bytes.push(rest > 0 ? low | 128 : low)
  } while (rest > 0)
  return Uint8Array.from(bytes)
}

/** One byte below 128, or 128 and the number of bytes that follow (X.690, definite form): LDAP, SNMP. */
function readBer(bytes: Uint8Array, at: number, to: number): number {
  if (at >= to) return incomplete
  const first = bytes[at]!
  if (first < 128) return first * lengthScale + 1
  const count = first & 127
  // Without a count the form is indefinite: its end has to be found by reading all values.
  if (count === 0 || count > 8) return malformed
  if (at + count >= to) return incomplete
  const value = bigEndian(bytes, at + 1, count)
  return value > valueMax ? tooLarge : value * lengthScale + count + 1
}

function encodeBer(value: number): Uint8Array {
  if (value < 128) return Uint8Array.of(value)
  const bytes = bytesOf(value)
  return Uint8Array.of(128 | bytes.length, ...bytes)
}

/** 7 bits, or 126 and 16 bits, or 127 and 64 bits, beside the bit of the mask (RFC 6455, section 5.2). */
function wsReader(flag: number): LengthReader {
  return (bytes, at, to) => {
    if (at >= to) return incomplete
    const first = bytes[at]! ^ flag
    // A mask that is not to be there, or none: the frame would end four bytes later, or sooner.
    if (first > 127) return malformed
    if (first < 126) return first * lengthScale + 1
    const count = first === 126 ? 2 : 8
    if (at + count >= to) return incomplete
    const value = bigEndian(bytes, at + 1, count)
    return value > valueMax ? tooLarge : value * lengthScale + count + 1
  }
}

function encodeWs(value: number, flag: number): Uint8Array {
  if (value < 126) return Uint8Array.of(flag | value)
  const bytes = bytesOf(value)
  const width = value < 0x1_0000 ? 2 : 8
  const filling = new Uint8Array(width - bytes.length)
  return Uint8Array.of(flag | (width === 2 ? 126 : 127), ...filling, ...bytes)
}

/** Decimal digits up to the text that ends them: netstring, FIX. */
function decimalKind(ends: string): LengthKind {
  const end = Buffer.from(ends)
  return {
    valueMax: 10 ** digitsMax - 1,
    read(bytes, at, to) {
      let value = 0
      for (let index = 0; ; index++) {
        if (at + index >= to) return incomplete
        const digit = bytes[at + index]! - 0x30
        if (digit < 0 || digit > 9) return index === 0 ? malformed : afterDigits(bytes, at, index, value, end, to)
        if (index === digitsMax) return tooLarge
        value = value * 10 + digit
      }
    },
    encode: value => Buffer.concat([Buffer.from(String(value)), end]),
  }
}

function afterDigits(bytes: Uint8Array, at: number, digits: number, value: number, end: Buffer, to: number): number {
  for (let index = 0; index < end.length; index++) {
    if (at + digits + index >= to) return incomplete
    if (bytes[at + digits + index] !== end[index]) return malformed
  }
  return value * lengthScale + digits + end.length
}

/** A fixed number of decimal digits, with zeros in front. */
function digitsKind(count: number): LengthKind {
  return {
    fixedBytes: count,
    valueMax: 10 ** count - 1,
    read(bytes, at, to) {
      if (at + count > to) return incomplete
      let value = 0
      for (let index = 0; index < count; index++) {
        const digit = bytes[at + index]! - 0x30
        if (digit < 0 || digit > 9) return malformed
        value = value * 10 + digit
      }
      return value * lengthScale + count
    },
    encode: value => Buffer.from(String(value).padStart(count, '0')),
  }
}

function bigEndian(bytes: Uint8Array, at: number, count: number): number {
  let value = 0
  for (let index = 0; index < count; index++) value = value * 256 + bytes[at + index]!
  return value
}

/** The bytes of a whole number, without zeros in front. */
function bytesOf(value: number): number[] {
  const bytes: number[] = []
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return bytes
}
