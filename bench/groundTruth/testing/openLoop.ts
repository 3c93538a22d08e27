import { expect } from 'vitest'
import { simulate } from '../../../harness/engine/client/testing/simulate.ts'
import { ticksPerMs } from '../../../harness/metrics/histogram.ts'
import { createPrng } from '../../../harness/prng.ts'
import type { Load } from '../../../harness/scenario/scenario.ts'
import type { MemoryServer } from '../../../harness/transports/memory.ts'
import { answers } from '../answers.ts'
import { fifoResponses, knownResponses, poissonArrivals } from '../lindley.ts'
import { createFifoServer, exponentialMs } from '../servers.ts'
import type { ResponseTruth } from '../truth.ts'
import { expectWithin, randomMean, randomQuantile, resolution, seed } from './expectations.ts'

/** Longer than any stall. */
const timeout = 60_000
export const quantiles = [0.5, 0.9, 0.99, 0.999]

interface OpenLoop {
  readonly server: MemoryServer
  readonly rate: number
  readonly duration: number
  readonly arrivals?: 'poisson' | 'constant'
  readonly connections?: number
}

/** Volley's figures of a server in mode rate, in simulated time, in which the client is never late. */
export async function measure({ server, rate, duration, arrivals = 'poisson', connections = 64 }: OpenLoop) {
  const load: Load = { mode: 'rate', pipeline: 1, arrivals, rate }
  const run = await simulate(server, { connections, duration, timeout, load })
  const { measured } = run
  expect(measured.clientLag.histogram.maxValue).toBe(0)
  const shown: ResponseTruth = {
    meanMs: measured.response.histogram.mean / ticksPerMs,
    quantileMs: q => measured.response.histogram.getValueAtPercentile(q * 100) / ticksPerMs,
  }
  return { run, measured, shown }
}

/** G1: a FIFO with a fixed service of 1 ms gives the response times of its arrivals, and those of M/D/1. */
export async function expectFixedQueue(utilisation: number, duration: number): Promise<void> {
  const rate = utilisation * 1000
  const { shown, measured } = await measure({ server: createFifoServer(() => 1), rate, duration })
  const responses = fifoResponses(arrivalsOf(rate, duration), () => 1, duration)
  expect(Math.abs(measured.completed - responses.length)).toBeLessThanOrEqual(1)
  expectExact(shown, responses)
  expectTheory(shown, answers.G1(1, utilisation))
}

/** G3: the same with an exponential service, and M/M/1. */
export async function expectExponentialQueue(utilisation: number, duration: number): Promise<void> {
  const rate = utilisation * 1000
  const { shown } = await measure({ server: createFifoServer(exponentialMs(1, createPrng(seed))), rate, duration })
  expectExact(shown, fifoResponses(arrivalsOf(rate, duration), exponentialMs(1, createPrng(seed)), duration))
  expectTheory(shown, answers.G3(1, utilisation))
}

/** A simulated run has seed 1. */
function arrivalsOf(rate: number, durationMs: number): number[] {
  return poissonArrivals({ rate, durationMs, seed: 1 })
}

function expectExact(shown: ResponseTruth, responses: readonly number[]): void {
  const known = knownResponses(responses)
  expectWithin(resolution, shown.meanMs, known.meanMs)
  for (const q of quantiles) expectWithin(resolution, shown.quantileMs(q), known.quantileMs(q))
}

function expectTheory(shown: ResponseTruth, truth: ResponseTruth): void {
  expectWithin(randomMean, shown.meanMs, truth.meanMs)
  for (const q of [0.5, 0.9, 0.99]) expectWithin(randomQuantile, shown.quantileMs(q), truth.quantileMs(q))
}
