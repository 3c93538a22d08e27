/**
 * The geometry of HdrHistogram with 3 significant digits over 100 ns to 100 s, so that the counts of a worker can be
 * passed to hdr-histogram-js unchanged. Values are ticks of 100 ns. Above 2048 ticks the top 11 bits of a value are
 * kept, so that a bucket is at most 1/1024 of its value wide.
 */
export const ticksPerMs = 10_000
export const ticksMax = 1_000_000_000
const subBucketBits = 11
const halfBits = subBucketBits - 1
const halfCount = 1 << halfBits
export const countsLength = (32 - Math.clz32(ticksMax) - subBucketBits + 2) * halfCount

/** The bucket of a value in ticks, a whole number from 0 to `ticksMax`. */
export function bucketIndex(ticks: number): number {
  const shift = 32 - subBucketBits - Math.clz32(ticks | (2 * halfCount - 1))
  return (shift << halfBits) + (ticks >>> shift)
}

/** The lowest value of a bucket, in ticks. */
export function bucketStart(index: number): number {
  const shift = Math.max(0, (index >>> halfBits) - 1)
  return (index - (shift << halfBits)) * (1 << shift)
}

/** The highest value of a bucket, in milliseconds. */
export function bucketEndMs(index: number): number {
  return (bucketStart(index + 1) - 1) / ticksPerMs
}

/** Milliseconds in whole ticks, limited to the range of the histogram. */
export function toTicks(milliseconds: number): number {
  const ticks = milliseconds * ticksPerMs
  return ticks < ticksMax ? (ticks > 0 ? ticks | 0 : 0) : ticksMax
}

/** A view of one histogram in an array of them. */
export function histogramAt(counts: Float64Array, index: number): Float64Array {
  return counts.subarray(index * countsLength, (index + 1) * countsLength)
}

/** The counts added since `before`. */
export function difference(after: Float64Array, before: Float64Array): Float64Array {
  const since = after.slice()
  for (let index = 0; index < since.length; index++) since[index]! -= before[index]!
  return since
}
