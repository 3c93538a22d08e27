/** Latencies by bucket, in the same geometry. */
export interface CensoredCounts {
  readonly completed: Float64Array
  /** Requests without a reply, by their age when they were given up. */
  readonly censored: Float64Array
  /** The highest value of a bucket. */
  readonly valueOf: (bucket: number) => number
}

/** A quantile, or a bound below it. */
export interface CensoredQuantile {
  readonly value: number
  /** The quantile is among requests without a reply: `value` is a lower bound. */
  readonly censored: boolean
}

/** Undoes rounding up of q n, so that 0.07 of 100 is the 7th and not the 8th. */
const rankTolerance = 1e-12

/**
 * Quantile q of right-censored latencies (docs/measurement.md, Quantiles). Censored requests count as slower than all
 * completed ones. If rank ceil(q n) is among the completed ones, the quantile is exact; otherwise it is the lower
 * bound that follows from taking each censored request at its age, or at the greatest completed time if that is longer:
 * so quantiles never fall. Undefined without requests.
 */
export function censoredQuantile(counts: CensoredCounts, q: number): CensoredQuantile | undefined {
  const { completed, censored } = counts
  const completedCount = sumOf(completed)
  const count = completedCount + sumOf(censored)
  if (count === 0) return undefined
  const rank = rankOf(q, count)
  const isCensored = rank > completedCount
  let below = 0
  // Stops before the last bucket, which is the answer if no earlier one is.
  let bucket = 0
  for (; bucket < completed.length - 1; bucket++) {
    below += completed[bucket]! + (isCensored ? censored[bucket]! : 0)
    if (below >= rank) break
  }
  const slowest = isCensored
    ? Math.max(
        bucket,
        completed.findLastIndex(known => known > 0),
      )
    : bucket
  return { value: counts.valueOf(slowest), censored: isCensored }
}

/** The rank of quantile q among `count` values: the lowest rank that at least the share q of them do not exceed. */
export function rankOf(q: number, count: number): number {
  return Math.max(1, Math.ceil(q * count * (1 - rankTolerance)))
}

function sumOf(counts: Float64Array): number {
  let sum = 0
  for (const count of counts) sum += count
  return sum
}
