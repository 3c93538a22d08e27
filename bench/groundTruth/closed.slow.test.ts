import { expect, test } from 'vitest'
import { simulate, startMs } from '../../harness/engine/client/testing/simulate.ts'
import { toHdr } from '../../harness/metrics/hdrHistogram.ts'
import { countsLength, ticksPerMs } from '../../harness/metrics/histogram.ts'
import { histogram } from '../../harness/metrics/slab.ts'
import { createPrng } from '../../harness/prng.ts'
import type { MemoryServer } from '../../harness/transports/memory.ts'
import { answers, rare, stall } from './answers.ts'
import { createDelayLine, createFifoServer, exponentialMs } from './servers.ts'
import { expectWithin, randomMean, randomQuantile, resolution, seed } from './testing/expectations.ts'
import { closedPerSecond, type ResponseTruth } from './truth.ts'

/** Longer than any stall, so that nothing times out. */
const timeout = 5000

interface Shown extends ResponseTruth {
  readonly perSecond: number
}

/** Volley's figures of a server in a closed loop with one request in flight per connection, in simulated time. */
async function measure(server: MemoryServer, connections: number, duration: number): Promise<Shown> {
  const run = await simulate(server, { connections, duration, timeout })
  expect(run).toMatchObject({ failed: 0, inFlightAtEnd: connections, connects: connections })
  const from = histogram.steps * countsLength
  const counts = toHdr(Float64Array.from(run.slab.counts.subarray(from, from + countsLength)))
  expect(counts.totalCount).toBe(run.completed)
  return {
    meanMs: run.meanMs,
    quantileMs: q => counts.getValueAtPercentile(q * 100) / ticksPerMs,
    perSecond: (run.completed * 1000) / (run.endedAtMs - startMs),
  }
}

function expectExact(shown: Shown, truth: ResponseTruth, connections: number): void {
  expectWithin(resolution, shown.meanMs, truth.meanMs)
  for (const q of [0.5, 0.9, 0.99, 0.999]) expectWithin(resolution, shown.quantileMs(q), truth.quantileMs(q))
  expectWithin(resolution, shown.perSecond, closedPerSecond(connections, truth))
}

test('G4c: a delay line of 1 ms that stalls for 1 s every 10 s, one connection', async () => {
  const server = createDelayLine(() => 1, { stall: { ...stall, originMs: startMs } })
  // Ends just after a stall, so that the request caught in it is counted.
  const shown = await measure(server, 1, 6 * stall.periodMs + 2)
  const truth = answers.G4c(1)
  expectExact(shown, truth, 1)
  expectWithin(resolution, shown.quantileMs(1), truth.quantileMs(1))
})

test('G6: a delay line with 98 % at 1 ms and 2 % at 50 ms, 50 connections', async () => {
  const prng = createPrng(seed)
  const server = createDelayLine(() => (prng.below(1 / rare.share) === 0 ? rare.factor : 1))
  const shown = await measure(server, 50, 12_000)
  const truth = answers.G6(1)
  expectWithin(randomMean, shown.meanMs, truth.meanMs)
  expectWithin(randomMean, shown.perSecond, closedPerSecond(50, truth))
  for (const q of [0.5, 0.9, 0.99, 0.999]) expectWithin(resolution, shown.quantileMs(q), truth.quantileMs(q))
})

test('G8: a delay line of 10 ms, 50 connections', async () => {
  const shown = await measure(
    createDelayLine(() => 10),
    50,
    20_001,
  )
  expectExact(shown, answers.G8(10), 50)
  expectWithin(resolution, shown.quantileMs(1), 10)
})

test.each([4, 16])('G9: a FIFO with a fixed service of 2 ms, %i connections', async connections => {
  // The first requests find a shorter queue; the run is long enough that they do not change the mean.
  const shown = await measure(
    createFifoServer(() => 2),
    connections,
    60_001,
  )
  const truth = answers.G9(2, connections)
  expectExact(shown, truth, connections)
  expectWithin(resolution, shown.quantileMs(1), truth.meanMs)
})

test('G10: a FIFO with an exponential service of 2 ms, 16 connections', async () => {
  const server = createFifoServer(exponentialMs(2, createPrng(seed)))
  const shown = await measure(server, 16, 600_000)
  const truth = answers.G10(2, 16)
  expectWithin(randomMean, shown.meanMs, truth.meanMs)
  expectWithin(randomMean, shown.perSecond, closedPerSecond(16, truth))
  for (const q of [0.5, 0.99]) expectWithin(randomQuantile, shown.quantileMs(q), truth.quantileMs(q))
})

test('G14: 5 ms for 2 s, then 1 ms, one connection', async () => {
  const server = createDelayLine(now => (now < startMs + 2000 ? 5 : 1))
  const { measured } = await simulate(server, { connections: 1, duration: 9000, timeout, warmup: 'auto' })
  expect(measured.warmupMs).toBe(2000)
  expectWithin(resolution, measured.response.quantiles.mean, 1)
  for (const q of ['p50', 'p90', 'p99'] as const) expectWithin(resolution, measured.response.quantiles[q]!, 1)
})
