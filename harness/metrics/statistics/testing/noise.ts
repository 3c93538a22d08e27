import { createPrng } from '../../../prng.ts'

/** Seeded normal numbers of mean 0 and deviation 1 (Box and Muller 1958). */
export function createNormal(seed: number): () => number {
  const prng = createPrng(seed)
  const uniform = () => (prng.next32() + 0.5) / 0x1_0000_0000
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
}

/** Values around 0 of which each keeps `phi` of the one before it, of variance 1; white noise for a `phi` of 0. */
export function autoregressive(normal: () => number, length: number, phi: number): number[] {
  const step = Math.sqrt(1 - phi * phi)
  let value = normal()
  return Array.from({ length }, () => {
    const here = value
    value = phi * value + step * normal()
    return here
  })
}
