/**
 * The search of Buffer, for any bytes. It uses memchr and is about 40 times as fast as the search of Uint8Array (73
 * against 1.8 GB/s); a call costs 10 to 15 ns. A line that arrives in pieces is searched from its start with each of
 * them, so long lines need a fast search.
 */
const indexOf = Buffer.prototype.indexOf as (this: Uint8Array, value: number | Uint8Array, at?: number) => number

/** The first place of the byte or bytes `wanted` in `bytes` from `at` on; -1 where there is none. */
export function searchBytes(bytes: Uint8Array, wanted: number | Uint8Array, at = 0): number {
  return indexOf.call(bytes, wanted, at)
}
