import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toHdr } from './hdrHistogram.ts'
import { countsLength, ticksPerMs } from './histogram.ts'
import { censoredQuantilesOf, quantilesOfCounts } from './quantiles.ts'
import { sparse } from './sparseCounts.ts'

const shares = { p50: 0.5, p75: 0.75, p90: 0.9, p95: 0.95, p99: 0.99, p999: 0.999, p9999: 0.9999 }
const bucket = fc.record({ at: fc.nat(countsLength - 1), times: fc.integer({ min: 1, max: 5000 }) })

function countsOf(buckets: readonly { at: number; times: number }[]): Float64Array {
  const counts = new Float64Array(countsLength)
  for (const { at, times } of buckets) counts[at]! += times
  return counts
}

test('quantilesOfCounts() agrees with hdr-histogram-js', () => {
  fc.assert(
    fc.property(fc.array(bucket, { maxLength: 40 }), buckets => {
      const counts = countsOf(buckets)
      const { indicative: _, ...mine } = quantilesOfCounts(sparse(counts))
      const histogram = toHdr(counts)
      const theirs: Record<string, number> = {
        count: histogram.totalCount,
        mean: histogram.mean / ticksPerMs,
        max: histogram.maxValue / ticksPerMs,
      }
      for (const [name, q] of Object.entries(shares)) {
        if (histogram.totalCount * (1 - q) < 10 - 1e-9) expect(mine).not.toHaveProperty(name)
        else theirs[name] = histogram.getValueAtPercentile(q * 100) / ticksPerMs
      }
      expect(Object.keys(mine).sort()).toEqual(Object.keys(theirs).sort())
      for (const [name, value] of Object.entries(mine)) {
        const wanted = theirs[name]!
        // Half a bucket, and one tick, which is the width of the lowest buckets.
        expect(Math.abs(Number(value) - wanted)).toBeLessThanOrEqual(wanted / 1024 + 1e-4)
      }
    }),
    { numRuns: 50 },
  )
})

test('quantilesOfCounts() is exact where a bucket is one tick wide', () => {
  const counts = countsOf([
    { at: 100, times: 90 },
    { at: 500, times: 910 },
  ])
  expect(quantilesOfCounts(sparse(counts))).toMatchObject({ count: 1000, p50: 0.05, p99: 0.05, max: 0.05 })
})

test('quantilesOfCounts() names quantiles with fewer than 100 samples beyond them as indicative', () => {
  const indicative = (times: number) => quantilesOfCounts(sparse(countsOf([{ at: 1000, times }]))).indicative
  expect(indicative(999)).toEqual(['p90', 'p95'])
  expect(indicative(1000)).toEqual(['p95', 'p99'])
  expect(indicative(20_000)).toEqual(['p999'])
  expect(indicative(1_000_000)).toBeUndefined()
})

test('censoredQuantilesOf() names quantiles that are lower bounds, and counts requests without a reply', () => {
  const completed = countsOf([{ at: 1000, times: 900 }])
  const censored = countsOf([{ at: 2000, times: 100 }])
  const quantiles = censoredQuantilesOf(completed, censored)
  expect(quantiles).toMatchObject({
    count: 900,
    p50: 0.1,
    p90: 0.1,
    p95: 0.2,
    censored: 100,
    lowerBounds: ['p95', 'p99', 'max'],
    max: 0.2,
  })
  expect(censoredQuantilesOf(completed, new Float64Array(countsLength)).lowerBounds).toBeUndefined()
})

test('censoredQuantilesOf() never falls from one quantile to the next, or to the maximum', () => {
  fc.assert(
    fc.property(fc.array(bucket, { maxLength: 20 }), fc.array(bucket, { maxLength: 20 }), (completed, censored) => {
      const quantiles = censoredQuantilesOf(countsOf(completed), countsOf(censored))
      const { p50, p75, p90, p95, p99, p999, p9999, max } = quantiles
      const values = [p50, p75, p90, p95, p99, p999, p9999, max].filter(value => value !== undefined)
      expect(values).toEqual(values.toSorted((a, b) => a - b))
    }),
    { numRuns: 50 },
  )
})
