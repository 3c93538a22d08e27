import { describe, expect, test } from 'vitest'
import { auditTimeSeries } from '../../harness/audit/timeSeries.ts'
import { simulate, startMs } from '../../harness/engine/client/testing/simulate.ts'
import { ticksPerMs } from '../../harness/metrics/histogram.ts'
import { createPrng } from '../../harness/prng.ts'
import type { Load } from '../../harness/scenario/scenario.ts'
import type { MemoryServer } from '../../harness/transports/memory.ts'
import { fifoResponses, knownResponses, poissonArrivals } from './lindley.ts'
import { createDelayLine, createFifoServer, createLossyEcho, exponentialMs } from './servers.ts'
import { lossTolerance, md1Response, mixedResponse, mm1Response, type ResponseTruth, stallResponse } from './truth.ts'

/** The width of a histogram's bucket, as a share of its value. */
const resolution = 1 / 1024
const randomMean = 0.02
const randomQuantile = 0.05
const seed = 20_240_229
const quantiles = [0.5, 0.9, 0.99, 0.999]
/** Longer than any stall. */
const timeout = 60_000

interface Experiment {
  readonly server: MemoryServer
  readonly rate: number
  readonly duration: number
  readonly arrivals?: 'poisson' | 'constant'
  readonly connections?: number
}

async function measure({ server, rate, duration, arrivals = 'poisson', connections = 64 }: Experiment) {
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

/** A simulated run's seed is 1. */
function arrivalsOf(rate: number, durationMs: number): number[] {
  return poissonArrivals({ rate, durationMs, seed: 1 })
}

function expectWithin(share: number, value: number, truth: number): void {
  expect(Math.abs(value / truth - 1), `${value} for ${truth}`).toBeLessThanOrEqual(share)
}

function expectExact(shown: ResponseTruth, responses: readonly number[]): void {
  const known = knownResponses(responses)
  expectWithin(resolution, shown.meanMs, known.meanMs)
  for (const q of quantiles) expectWithin(resolution, shown.quantileMs(q), known.quantileMs(q))
}

describe.each([0.5, 0.7, 0.8, 0.9])('G1: one FIFO with a fixed service of 1 ms at %f of its capacity', utilisation => {
  // The more load, the longer one part of the run hangs on the one before: the means need more requests.
  const duration = utilisation > 0.8 ? 2_000_000 : 400_000
  const rate = utilisation * 1000

  test('is what the same arrivals give, and what theory says', async () => {
    const { shown, measured } = await measure({ server: createFifoServer(() => 1), rate, duration })
    const responses = fifoResponses(arrivalsOf(rate, duration), () => 1, duration)
    expect(Math.abs(measured.completed - responses.length)).toBeLessThanOrEqual(1)
    expectExact(shown, responses)
    const truth = md1Response({ serviceMs: 1, utilisation })
    expectWithin(randomMean, shown.meanMs, truth.meanMs)
    for (const q of [0.5, 0.9, 0.99]) expectWithin(randomQuantile, shown.quantileMs(q), truth.quantileMs(q))
  })
})

test('G2: the same server under a constant rate has no queue at 90 % of its capacity', async () => {
  const experiment = { server: createFifoServer(() => 1), rate: 900, duration: 20_000, arrivals: 'constant' } as const
  const { shown } = await measure(experiment)
  expectWithin(resolution, shown.meanMs, 1)
  for (const q of [...quantiles, 1]) expectWithin(resolution, shown.quantileMs(q), 1)
})

test.each([0.5, 0.8])('G3: one FIFO with an exponential service at %f of its capacity', async utilisation => {
  const duration = 1_000_000
  const rate = utilisation * 1000
  const { shown } = await measure({
    server: createFifoServer(exponentialMs(1, createPrng(seed))),
    rate,
    duration,
  })
  expectExact(shown, fifoResponses(arrivalsOf(rate, duration), exponentialMs(1, createPrng(seed)), duration))
  const truth = mm1Response({ serviceMs: 1, utilisation })
  expectWithin(randomMean, shown.meanMs, truth.meanMs)
  for (const q of [0.5, 0.9, 0.99]) expectWithin(randomQuantile, shown.quantileMs(q), truth.quantileMs(q))
})

test('G4: a delay line of 1 ms that stalls for 1 s every 10 s', async () => {
  const stall = { stallMs: 1000, periodMs: 10_000 }
  const server = createDelayLine(() => 1, { stall: { ...stall, originMs: startMs } })
  // Just past the last stall's end, so that all who waited in it are out.
  const experiment = { server, rate: 500, duration: 60_002, arrivals: 'constant', connections: 600 } as const
  const { shown } = await measure(experiment)
  const truth = stallResponse({ baseMs: 1, ...stall })
  expectWithin(0.002, shown.meanMs, truth.meanMs)
  expectWithin(resolution, shown.quantileMs(0.5), 1)
  // One request in 5,000 is 2 ms of the stall.
  for (const q of [0.95, 0.99, 0.999]) expectWithin(0.004, shown.quantileMs(q), truth.quantileMs(q))
})

test('G6: a delay line with 98 % at 1 ms and 2 % at 50 ms', async () => {
  const prng = createPrng(seed)
  const server = createDelayLine(() => (prng.below(50) === 0 ? 50 : 1))
  const { shown } = await measure({ server, rate: 2000, duration: 60_000, connections: 400 })
  const truth = mixedResponse({ baseMs: 1, rareMs: 50, rareShare: 0.02 })
  expectWithin(randomMean, shown.meanMs, truth.meanMs)
  for (const q of quantiles) expectWithin(resolution, shown.quantileMs(q), truth.quantileMs(q))
})

test('G11: a FIFO of 1 000/s under 1 200/s is called overloaded', async () => {
  const rate = 1200
  const { measured } = await measure({ server: createFifoServer(() => 1), rate, duration: 10_000 })
  const throughput = measured.completed / 10
  expectWithin(resolution, throughput, 1000)
  const findings = auditTimeSeries({
    timeSeries: measured.timeSeries!,
    completed: measured.completed,
    throughput,
    response: measured.response.quantiles,
    slots: 64,
    isSaturated: false,
    hasConstantLoad: true,
    plan: { perSecond: rate, arrivals: 'poisson' },
  })
  expect(findings.map(({ code }) => code)).toContain('overloaded')
})

test('G12: a server that freezes for ever at 54 s of 60 s', async () => {
  const server = createDelayLine(() => 1, { freezeAtMs: startMs + 54_000 })
  const experiment = { server, rate: 1000, duration: 60_000, arrivals: 'constant', connections: 7000 } as const
  const { run, measured } = await measure(experiment)
  expect(run.inFlightAtEnd).toBe(6000)
  const { p50, p99, censored, lowerBounds } = measured.response.quantiles
  expect(censored).toBe(6000)
  expectWithin(resolution, p50!, 1)
  expectWithin(0.002, p99!, 5400)
  expect(lowerBounds).toEqual(expect.arrayContaining(['p95', 'p99', 'p999']))
  expect(lowerBounds).not.toContain('p90')
})

test('G13: UDP of which 2 % are lost, timeout 1 s', async () => {
  const server = createLossyEcho(1, 0.02, createPrng(seed))
  const run = await simulate(server, {
    target: { address: 'udp://127.0.0.1:1' },
    connections: 200,
    duration: 60_000,
    timeout: 1000,
    load: { mode: 'rate', pipeline: 1, arrivals: 'poisson', rate: 1000 },
  })
  const { p50, p90, p99, censored, lowerBounds } = run.measured.response.quantiles
  expect(Object.keys(run.failures)).toEqual(['timeout'])
  const over = run.completed + run.failed
  expect(Math.abs(run.failed / over - 0.02)).toBeLessThanOrEqual(lossTolerance(0.02, over))
  // No late reply was taken for another one, and none came twice.
  expect(run.duplicates).toBe(0)
  expectWithin(resolution, p50!, 1)
  expectWithin(resolution, p90!, 1)
  expect(run.measured.response.histogram.maxValue / ticksPerMs).toBeLessThan(1.01)
  expect(lowerBounds).toEqual(expect.arrayContaining(['p99', 'p999']))
  expect(lowerBounds).not.toContain('p95')
  expect(p99).toBeGreaterThanOrEqual(1000)
  expect(p99).toBeLessThan(1100)
  expect(censored).toBeGreaterThanOrEqual(run.failed)
})
