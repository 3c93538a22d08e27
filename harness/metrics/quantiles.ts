import { bucketEndMs, bucketStart, ticksPerMs } from './histogram.ts'
import type { Quantiles, Snapshot } from './snapshot.ts'
import { type SparseCounts, sparse } from './sparseCounts.ts'
import { censoredQuantile, rankOf } from './statistics/censored.ts'

/** Samples that must lie beyond a quantile for it to be reported (docs/measurement.md, check 12). */
export const samplesBeyondMin = 10
/** Below this number of samples beyond it, a quantile is indicative only. */
const samplesBeyondReliable = 100

const quantiles = { p50: 0.5, p75: 0.75, p90: 0.9, p95: 0.95, p99: 0.99, p999: 0.999, p9999: 0.9999 } as const

/**
 * The quantiles of bucket counts, in milliseconds, without those that have too few samples beyond them. The ranks are
 * the same as in hdr-histogram-js, which takes ten times as long.
 */
export function quantilesOfCounts(sparseCounts: SparseCounts): Quantiles {
  const { buckets, counts } = sparseCounts
  if (buckets.length === 0) return { count: 0, mean: 0, max: 0 }
  let count = 0
  let sum = 0
  for (let index = 0; index < buckets.length; index++) {
    const bucket = buckets[index]!
    count += counts[index]!
    sum += (counts[index]! * (bucketStart(bucket) + bucketStart(bucket + 1) - 1)) / 2
  }
  const reportable = reportableOf(count)
  const found = bucketsAt(
    reportable.map(([, q]) => q),
    sparseCounts,
    count,
  )
  return {
    count,
    mean: sum / count / ticksPerMs,
    ...Object.fromEntries(reportable.map(([name], index) => [name, bucketEndMs(found[index]!)])),
    max: bucketEndMs(buckets.at(-1)!),
    ...indicativeOf(count),
  }
}

/** The buckets of ascending quantiles, given bucket counts and their sum, which must not be 0. */
export function bucketsAt(shares: readonly number[], { buckets, counts }: SparseCounts, count: number): number[] {
  let index = 0
  let below = counts[0]!
  return shares.map(share => {
    while (below < rankOf(share, count)) below += counts[++index]!
    return buckets[index]!
  })
}

/**
 * The quantiles of response times, including requests without a reply: `completed` and `censored` are bucket counts,
 * the latter of the ages of requests without a reply. The same as `quantilesOfCounts` if nothing is censored.
 */
export function censoredQuantilesOf(completed: Float64Array, censored: Float64Array): Quantiles {
  const unanswered = censored.reduce((sum, count) => sum + count, 0)
  const known = quantilesOfCounts(sparse(completed))
  if (unanswered === 0) return known
  const count = known.count + unanswered
  const counts = { completed, censored, valueOf: bucketEndMs }
  const found = reportableOf(count).map(([name, q]) => ({ name, ...censoredQuantile(counts, q)! }))
  return {
    count: known.count,
    mean: known.mean,
    ...Object.fromEntries(found.map(({ name, value }) => [name, value])),
    max: censoredQuantile(counts, 1)!.value,
    ...indicativeOf(count),
    censored: unanswered,
    lowerBounds: [...found.filter(({ censored }) => censored).map(({ name }) => name), 'max'],
  }
}

/** The quantiles that have enough samples beyond them. */
function reportableOf(count: number): [string, number][] {
  return Object.entries(quantiles).filter(([, q]) => isBeyond(count, q, samplesBeyondMin))
}

/** The names of those of them that are indicative only. */
function indicativeOf(count: number): { indicative?: readonly string[] } {
  const indicative = reportableOf(count).filter(([, q]) => !isBeyond(count, q, samplesBeyondReliable))
  return indicative.length === 0 ? {} : { indicative: indicative.map(([name]) => name) }
}

function isBeyond(count: number, q: number, samples: number): boolean {
  return count * (1 - q) >= samples - 1e-9
}

const distributionSteps = 48

/** Bucket counts in equal logarithmic steps, from the lowest to the highest counted value. */
export function distributionOf({ buckets, counts }: SparseCounts): Snapshot['distribution'] {
  if (buckets.length === 0) return { fromMs: 0, toMs: 0, counts: [] }
  const from = Math.max(1, bucketStart(buckets[0]!))
  const to = Math.max(from * 1.01, bucketStart(buckets.at(-1)! + 1))
  const steps = new Array<number>(distributionSteps).fill(0)
  const stepsPerLog = distributionSteps / Math.log(to / from)
  for (let index = 0; index < buckets.length; index++) {
    const step = Math.floor(Math.log(Math.max(from, bucketStart(buckets[index]!)) / from) * stepsPerLog)
    steps[Math.min(distributionSteps - 1, step)]! += counts[index]!
  }
  return { fromMs: from / ticksPerMs, toMs: to / ticksPerMs, counts: steps }
}
