import type { Histogram } from 'hdr-histogram-js'
import { ticksPerMs } from './histogram.ts'
import type { Quantiles } from './snapshot.ts'

/** Samples that must lie beyond a quantile for it to be told (measurement, check 12). */
export const samplesBeyondMin = 10

const quantiles = { p50: 0.5, p75: 0.75, p90: 0.9, p95: 0.95, p99: 0.99, p999: 0.999, p9999: 0.9999 } as const

/** The quantiles of a histogram of ticks, in milliseconds; those with too few samples beyond them are left out. */
export function quantilesOf(histogram: Histogram): Quantiles {
  const count = histogram.totalCount
  if (count === 0) return { count: 0, mean: 0, max: 0 }
  const told = Object.entries(quantiles).filter(([, q]) => count * (1 - q) >= samplesBeyondMin - 1e-9)
  const values = told.map(([name, q]) => [name, histogram.getValueAtPercentile(q * 100) / ticksPerMs])
  return {
    count,
    mean: histogram.mean / ticksPerMs,
    ...Object.fromEntries(values),
    max: histogram.maxValue / ticksPerMs,
  }
}
