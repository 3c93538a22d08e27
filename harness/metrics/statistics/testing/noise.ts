import { createPrng } from '../../../prng.ts'

/** Seeded normal numbers with mean 0 and standard deviation 1 (Box and Muller 1958). */
export function createNormal(seed: number): () => number {
  const prng = createPrng(seed)
  const uniform = () => (prng.next32() + 0.5) / 0x1_0000_0000
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
}

/**
 * A series of variance 1 around 0 in which each value keeps the share `phi` of the one before; white noise if it is 0.
 */
export function autoregressive(normal: () => number, length: number, phi: number): number[] {
  const step = Math.sqrt(1 - phi * phi)
  let value = normal()
  return Array.from({ length }, () => {
    const here = value
    value = phi * value + step * normal()
    return here
  })
}
