/** Bytes that count from 0 to `period - 1` again and again, so that a lost or repeated byte shows. */
export function patternOf(length: number, period: number): Uint8Array {
  const bytes = new Uint8Array(length)
  // A loop: `Uint8Array.from` with a function takes a hundred times as long.
  for (let index = 0; index < length; index++) bytes[index] = index % period
  return bytes
}
