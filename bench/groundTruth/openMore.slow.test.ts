import { expect, test } from 'vitest'
import { simulate, startMs } from '../../harness/engine/client/testing/simulate.ts'
import { ticksPerMs } from '../../harness/metrics/histogram.ts'
import { createPrng } from '../../harness/prng.ts'
import { answers, frozenP99Ms, rare } from './answers.ts'
import { createDelayLine, createLossyEcho } from './servers.ts'
import { expectWithin, randomMean, resolution, seed } from './testing/expectations.ts'
import { measure, quantiles } from './testing/openLoop.ts'
import { lossTolerance } from './truth.ts'

test('G6: a delay line with 98 % at 1 ms and 2 % at 50 ms', async () => {
  const prng = createPrng(seed)
  const server = createDelayLine(() => (prng.below(1 / rare.share) === 0 ? rare.factor : 1))
  const { shown } = await measure({ server, rate: 2000, duration: 60_000, connections: 400 })
  const truth = answers.G6(1)
  expectWithin(randomMean, shown.meanMs, truth.meanMs)
  for (const q of quantiles) expectWithin(resolution, shown.quantileMs(q), truth.quantileMs(q))
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
