/** The unsigned 32-bit big-endian number at `at`. */
export function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}

/** Writes `value` at `at` as 32 bits, big-endian. */
export function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

/** The unsigned big-endian number in `width` bytes at `at`; above 2^53 it is rounded, but never to less than 2^53. */
export function readBig(bytes: Uint8Array, at: number, width: number): number {
  let value = 0
  for (let index = 0; index < width; index++) value = value * 256 + bytes[at + index]!
  return value
}

/**
 * The unsigned little-endian number in `width` bytes at `at`; above 2^53 it is rounded, but never to less than 2^53.
 */
export function readLittle(bytes: Uint8Array, at: number, width: number): number {
  let value = 0
  for (let index = width - 1; index >= 0; index--) value = value * 256 + bytes[at + index]!
  return value
}

/** Writes `value`, a whole number up to 2^53, to `width` bytes at `at`, big-endian. */
export function writeBig(bytes: Uint8Array, at: number, width: number, value: number): void {
  for (let index = width - 1; index >= 0; index--) {
    bytes[at + index] = value % 256
    value = Math.floor(value / 256)
  }
}

/** Writes `value`, a whole number up to 2^53, to `width` bytes at `at`, little-endian. */
export function writeLittle(bytes: Uint8Array, at: number, width: number, value: number): void {
  for (let index = 0; index < width; index++) {
    bytes[at + index] = value % 256
    value = Math.floor(value / 256)
  }
}

/** Throws a RangeError unless `value` is a whole number from `min` to `max`; `what` names it in the message. */
export function checkInteger(what: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return
  throw new RangeError(`${what} must be a whole number from ${min} to ${max}, not ${value}`)
}
