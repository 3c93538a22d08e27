/** Latencies by bucket, both in one geometry. */
export interface CensoredCounts {
  readonly completed: Float64Array
  /** Requests that had no reply when they were given up, at the age they had then. */
  readonly censored: Float64Array
  /** The highest value of a bucket. */
  readonly valueOf: (bucket: number) => number
}

/** A quantile, or a bound below it. */
export interface CensoredQuantile {
  readonly value: number
  /** The quantile lies among requests without a reply: it is more than `value`. */
  readonly censored: boolean
}

/** Takes back what rounding adds to q n, so that 0.07 of 100 is the 7th and not the 8th. */
const rankTolerance = 1e-12

/**
 * Quantile q of right-censored latencies: of those completed, at rank ceil(q n) of all n, while censored ones, counted as
 * slower than all, do not reach down to it; else of both together, each censored one at its age, which is a lower bound
 * (measurement, section 1). Undefined without a request.
 */
export function censoredQuantile(counts: CensoredCounts, q: number): CensoredQuantile | undefined {
  const { completed, censored } = counts
  const completedCount = sumOf(completed)
  const count = completedCount + sumOf(censored)
  if (count === 0) return undefined
  const rank = rankOf(q, count)
  const isCensored = rank > completedCount
  let below = 0
  // One bucket is left for the last: it is the answer if no other is.
  let bucket = 0
  for (; bucket < completed.length - 1; bucket++) {
    below += completed[bucket]! + (isCensored ? censored[bucket]! : 0)
    if (below >= rank) break
  }
  return { value: counts.valueOf(bucket), censored: isCensored }
}

/** The rank of quantile q among so many: the first of which at least that part are no more. */
export function rankOf(q: number, count: number): number {
  return Math.max(1, Math.ceil(q * count * (1 - rankTolerance)))
}

function sumOf(counts: Float64Array): number {
  let sum = 0
  for (const count of counts) sum += count
  return sum
}
