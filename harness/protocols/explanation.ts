import { formatSize } from '../units.ts'

/** Why a frame is tooLarge whose header announces its length. */
export function announcesTooMuch(announcedBytes: number, maxFrame: number): string {
  return `announces ${formatSize(announcedBytes)}, more than maxFrame ${formatSize(maxFrame)}`
}

/** Why a frame is tooLarge that has reached its bound without an end. */
export function endsTooLate(what: string, bytesMax: number): string {
  return `${what} within ${formatSize(bytesMax)}`
}

/** A byte for people: as a character where it is one of printable ASCII, else in hex. */
export function shownByte(byte: number): string {
  const isPrintable = byte >= 0x20 && byte <= 0x7e
  return isPrintable ? `"${String.fromCharCode(byte)}"` : `0x${byte.toString(16).padStart(2, '0')}`
}
