/** Bucket counts without empty buckets, which are most: quick to iterate, and small enough to keep many of them. */
export interface SparseCounts {
  /** The number of buckets including the empty ones. */
  readonly length: number
  /** Buckets with a count, ascending, and their counts. */
  readonly buckets: Uint32Array
  readonly counts: Float64Array
}

/** Drops the counts that are 0. */
export function sparse(counts: Float64Array): SparseCounts {
  const buckets: number[] = []
  const used: number[] = []
  for (let bucket = 0; bucket < counts.length; bucket++) {
    const count = counts[bucket]!
    if (count === 0) continue
    buckets.push(bucket)
    used.push(count)
  }
  return packed(counts.length, buckets, used)
}

/** The inverse of `sparse`. */
export function spread({ length, buckets, counts }: SparseCounts): Float64Array {
  const spread = new Float64Array(length)
  buckets.forEach((bucket, index) => {
    spread[bucket] = counts[index]!
  })
  return spread
}

/** The counts added since `before`. Counts only grow, so every bucket of `before` is in `after`. */
export function sparseSince(after: SparseCounts, before: SparseCounts): SparseCounts {
  const buckets: number[] = []
  const used: number[] = []
  let passed = 0
  for (let index = 0; index < after.buckets.length; index++) {
    const bucket = after.buckets[index]!
    const was = before.buckets[passed] === bucket ? before.counts[passed++]! : 0
    const count = after.counts[index]! - was
    if (count === 0) continue
    buckets.push(bucket)
    used.push(count)
  }
  return packed(after.length, buckets, used)
}

function packed(length: number, buckets: readonly number[], counts: readonly number[]): SparseCounts {
  return { length, buckets: new Uint32Array(buckets), counts: new Float64Array(counts) }
}
