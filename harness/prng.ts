/** A seeded stream of pseudo-random numbers: the same seed gives the same run. */
export interface Prng {
  /** A whole number from 0 to 2^32 - 1. */
  next32(): number
  /** A whole number from 0 to `bound - 1`; `bound` is 1 to 2^32. */
  below(bound: number): number
}

/** sfc32 (Doty-Humphrey, PractRand): 128 bits of state, 32-bit arithmetic only, so that it allocates nothing. */
export function createPrng(seed: number): Prng {
  let a = 0x9e3779b9 ^ seed
  let b = 0x243f6a88 ^ Math.floor(seed / 0x1_0000_0000)
  let c = 0xb7e15162
  let counter = 1
  function next32(): number {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    c |= 0
    return sum >>> 0
  }
  for (let round = 0; round < 15; round++) next32()
  return { next32, below: bound => Math.floor((next32() / 0x1_0000_0000) * bound) }
}

/** The seed of stream `index`, derived from a run's seed by the finaliser of MurmurHash3. */
export function streamSeed(seed: number, index: number): number {
  let hash = (seed ^ Math.imul(index + 1, 0x9e3779b1)) >>> 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
