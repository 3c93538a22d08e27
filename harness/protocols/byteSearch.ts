/**
 * Buffer's own search, for any bytes: it is memchr, some 40 times as fast as that of Uint8Array (73 against 1.8 GB/s),
 * and a call costs no more than 10 to 15 ns. As a line that comes in pieces is searched from its start with each of
 * them, that is what makes long lines bearable.
 */
const indexOf = Buffer.prototype.indexOf as (this: Uint8Array, value: number | Uint8Array, at?: number) => number

/** Where the byte or the bytes `wanted` next stand in `bytes`, from `at` on; -1 where they do not. */
export function searchBytes(bytes: Uint8Array, wanted: number | Uint8Array, at = 0): number {
  return indexOf.call(bytes, wanted, at)
}
