import { createPacer } from '../../harness/plan/pacer.ts'
import { streamSeed } from '../../harness/prng.ts'
import type { ResponseTruth } from './truth.ts'

/** The arrival times, in ms, of a run with one worker in mode rate with Poisson arrivals: the same for the same seed. */
export function poissonArrivals(load: { rate: number; durationMs: number; seed: number }): number[] {
  const { rate, durationMs, seed } = load
  const pace = { arrivals: 'poisson', segments: [{ lengthMs: durationMs, from: rate, to: rate }] } as const
  const pacer = createPacer({ pace, index: 0, workers: 1, seed: streamSeed(seed, 0) })!
  const times: number[] = []
  for (; pacer.next < Number.POSITIVE_INFINITY; pacer.advance()) times.push(pacer.next)
  return times
}

/** Response times in ms of one server with one queue (Lindley, 1952), ascending, of requests answered before `endMs`. */
export function fifoResponses(arrivals: readonly number[], serviceMs: () => number, endMs: number): number[] {
  let freeAt = 0
  const responses: number[] = []
  for (const arrival of arrivals) {
    freeAt = Math.max(freeAt, arrival) + serviceMs()
    if (freeAt < endMs) responses.push(freeAt - arrival)
  }
  return responses.sort((a, b) => a - b)
}

/** The distribution of ascending response times that are known one by one. */
export function knownResponses(sorted: readonly number[]): ResponseTruth {
  return {
    meanMs: sorted.reduce((sum, value) => sum + value, 0) / sorted.length,
    quantileMs: q => sorted[Math.ceil(q * sorted.length) - 1]!,
  }
}
