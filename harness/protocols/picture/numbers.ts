import { writeBig, writeLittle, writeUint32 } from '../integers.ts'

/** The types of numbers in frames and payloads: big-endian, and with `le` behind the name little-endian. */
export const numberNames = [
  ...(['u8', 'i8', 'char', 'u16', 'i16', 'u24', 'u32', 'i32', 'u64', 'i64'] as const),
  ...(['u16le', 'i16le', 'u24le', 'u32le', 'i32le', 'u64le', 'i64le'] as const),
]
/** Floating-point numbers (IEEE 754), which payloads alone have. */
export const floatNames = ['f32', 'f64', 'f32le', 'f64le'] as const

export type NumberName = (typeof numberNames)[number]
export type FloatName = (typeof floatNames)[number]

/** A number of fixed width. */
export interface NumberType {
  readonly name: NumberName | FloatName
  readonly bytes: number
  readonly isLittle: boolean
  readonly isFloat: boolean
  /** A byte that is written as a character, such as Z. */
  readonly isCharacter: boolean
  /** The least and the greatest value. */
  readonly min: bigint
  readonly max: bigint
}

const types = new Map([...numberNames, ...floatNames].map(name => [name, typeOf(name)]))

/** The type of this name. */
export function numberType(name: NumberName | FloatName): NumberType {
  return types.get(name)!
}

function typeOf(name: NumberName | FloatName): NumberType {
  const isCharacter = name === 'char'
  const bits = isCharacter ? 8 : Number(/\d+/.exec(name)![0])
  const isSigned = name.startsWith('i')
  return {
    name,
    bytes: bits / 8,
    isLittle: name.endsWith('le'),
    isFloat: name.startsWith('f'),
    isCharacter,
    min: isSigned ? -(1n << BigInt(bits - 1)) : 0n,
    max: (1n << BigInt(isSigned ? bits - 1 : bits)) - 1n,
  }
}

/** Reads a number at a place; above 2^53 it is rounded. */
export type NumberReader = (bytes: Uint8Array, at: number) => number

/** Reads whole numbers of a type without allocation; the bytes must be there. */
export function numberReader({ bytes: width, isLittle, min }: NumberType): NumberReader {
  const unsigned = unsignedReader(width, isLittle)
  if (min === 0n) return unsigned
  // The upper half has the sign: so that small negative numbers stay exact.
  if (width === 8) {
    return isLittle
      ? (bytes, at) => (readLittle32(bytes, at + 4) | 0) * 2 ** 32 + readLittle32(bytes, at)
      : (bytes, at) => (readBig32(bytes, at) | 0) * 2 ** 32 + readBig32(bytes, at + 4)
  }
  const half = 2 ** (8 * width - 1)
  return (bytes, at) => {
    const value = unsigned(bytes, at)
    return value >= half ? value - 2 * half : value
  }
}

function unsignedReader(width: number, isLittle: boolean): NumberReader {
  switch (isLittle ? -width : width) {
    case 1:
    case -1:
      return (bytes, at) => bytes[at]!
    case 2:
      return (bytes, at) => (bytes[at]! << 8) | bytes[at + 1]!
    case -2:
      return (bytes, at) => bytes[at]! | (bytes[at + 1]! << 8)
    case 3:
      return (bytes, at) => (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!
    case -3:
      return (bytes, at) => bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16)
    case 4:
      return readBig32
    case -4:
      return readLittle32
    case 8:
      return (bytes, at) => readBig32(bytes, at) * 2 ** 32 + readBig32(bytes, at + 4)
    default:
      return (bytes, at) => readLittle32(bytes, at) + readLittle32(bytes, at + 4) * 2 ** 32
  }
}

function readBig32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}

function readLittle32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
}

/** Writes `value` at a place; throws a RangeError where the type does not hold it. A character stands for its code. */
export function writeNumber(bytes: Uint8Array, at: number, type: NumberType, value: number | bigint | string): void {
  if (type.isFloat) {
    const view = new DataView(bytes.buffer, bytes.byteOffset + at, type.bytes)
    if (type.bytes === 4) view.setFloat32(0, Number(value), type.isLittle)
    else view.setFloat64(0, Number(value), type.isLittle)
    return
  }
  writeBits(bytes, at, type, integerOf(type, value))
}

/** Writes a whole number up to 2^53 that is not negative, without allocation. */
export function writeUnsigned(
  bytes: Uint8Array,
  at: number,
  { bytes: width, isLittle }: NumberType,
  value: number,
): void {
  if (isLittle) writeLittle(bytes, at, width, value)
  else writeBig(bytes, at, width, value)
}

/** Writes whole numbers of a type up to 2^53 that are not negative: the type is looked at once, and 32 bits without a loop. */
export function unsignedWriter({
  bytes: width,
  isLittle,
}: NumberType): (bytes: Uint8Array, at: number, value: number) => void {
  if (width === 4 && !isLittle) return writeUint32
  return isLittle
    ? (bytes, at, value) => writeLittle(bytes, at, width, value)
    : (bytes, at, value) => writeBig(bytes, at, width, value)
}

function integerOf(type: NumberType, value: number | bigint | string): bigint {
  const whole = type.isCharacter && typeof value === 'string' ? codeOf(value) : value
  const isWhole = typeof whole === 'bigint' || (typeof whole === 'number' && Number.isInteger(whole))
  const number = isWhole ? BigInt(whole) : undefined
  if (number !== undefined && number >= type.min && number <= type.max) return number
  const wanted = type.isCharacter ? 'one character, or its code from 0 to 255' : `${type.min} to ${type.max}`
  throw new RangeError(`expected ${wanted} (${type.name}), got ${String(value)}`)
}

function codeOf(text: string): number | string {
  return text.length === 1 && text.charCodeAt(0) < 256 ? text.charCodeAt(0) : text
}

function writeBits(bytes: Uint8Array, at: number, { bytes: width, isLittle }: NumberType, value: bigint): void {
  let rest = BigInt.asUintN(8 * width, value)
  for (let index = 0; index < width; index++) {
    bytes[isLittle ? at + index : at + width - 1 - index] = Number(rest & 255n)
    rest >>= 8n
  }
}
