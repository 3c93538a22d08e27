import { expect, test } from 'vitest'
import { auditTimeSeries } from '../../harness/audit/timeSeries.ts'
import { simulate, startMs } from '../../harness/engine/client/testing/simulate.ts'
import { ticksPerMs } from '../../harness/metrics/histogram.ts'
import { createPrng } from '../../harness/prng.ts'
import { answers, frozenP99Ms, rare, stall } from './answers.ts'
import { createDelayLine, createFifoServer, createLossyEcho } from './servers.ts'
import { expectWithin, randomMean, resolution, seed } from './testing/expectations.ts'
import { expectFixedQueue, measure, quantiles } from './testing/openLoop.ts'
import { lossTolerance } from './truth.ts'

test('G1: one FIFO with a fixed service of 1 ms at half of its capacity', () => expectFixedQueue(0.5, 400_000))

test('G2: the same server under a constant rate has no queue at 90 % of its capacity', async () => {
  const load = { server: createFifoServer(() => 1), rate: 900, duration: 20_000, arrivals: 'constant' } as const
  const { shown } = await measure(load)
  expectWithin(resolution, shown.meanMs, 1)
  for (const q of [...quantiles, 1]) expectWithin(resolution, shown.quantileMs(q), 1)
})

test('G4: a delay line of 1 ms that stalls for 1 s every 10 s', async () => {
  const server = createDelayLine(() => 1, { stall: { ...stall, originMs: startMs } })
  // Ends just after the last stall, so that every request that waited in it is answered.
  const load = { server, rate: 500, duration: 60_002, arrivals: 'constant', connections: 600 } as const
  const { shown } = await measure(load)
  const truth = answers.G4(1)
  expectWithin(0.002, shown.meanMs, truth.meanMs)
  expectWithin(resolution, shown.quantileMs(0.5), 1)
  // The requests are 2 ms apart, of 1,000 ms that the stall lasts.
  for (const q of [0.95, 0.99, 0.999]) expectWithin(0.004, shown.quantileMs(q), truth.quantileMs(q))
})

test('G6: a delay line with 98 % at 1 ms and 2 % at 50 ms', async () => {
  const prng = createPrng(seed)
  const server = createDelayLine(() => (prng.below(1 / rare.share) === 0 ? rare.factor : 1))
  const { shown } = await measure({ server, rate: 2000, duration: 60_000, connections: 400 })
  const truth = answers.G6(1)
  expectWithin(randomMean, shown.meanMs, truth.meanMs)
  for (const q of quantiles) expectWithin(resolution, shown.quantileMs(q), truth.quantileMs(q))
})

test('G11: a FIFO of 1 000/s at 1 200/s is reported as overloaded', async () => {
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
    connections: 64,
    isLoop: false,
    isSaturated: false,
    hasConstantLoad: true,
    plan: { perSecond: rate, arrivals: 'poisson' },
  })
  expect(findings.map(({ code }) => code)).toContain('overloaded')
})

test('G12: a server that freezes for good after 54 s of 60 s', async () => {
  const server = createDelayLine(() => 1, { freezeAtMs: startMs + 54_000 })
  const load = { server, rate: 1000, duration: 60_000, arrivals: 'constant', connections: 7000 } as const
  const { run, measured } = await measure(load)
  expect(run.inFlightAtEnd).toBe(6000)
  const { p50, p99, censored, lowerBounds } = measured.response.quantiles
  expect(censored).toBe(6000)
  expectWithin(resolution, p50!, 1)
  expectWithin(0.002, p99!, frozenP99Ms(60_000))
  expect(lowerBounds).toEqual(expect.arrayContaining(['p95', 'p99', 'p999']))
  expect(lowerBounds).not.toContain('p90')
})

test('G13: UDP with a loss of 2 %, timeout 1 s', async () => {
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
  // No late reply was matched to another request, and none came twice.
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
