import { median } from './median.ts'

/** A series is compared by the medians of this share of it at either end: one stall does not decide. */
const endShare = 0.2

/** The trend of a series from its start to its end. */
export interface Drift {
  /** The median of the first fifth of the values, and that of the last. */
  readonly first: number
  readonly last: number
  /** Their difference as a share of the larger, so from -1 to 1: -0.6 is a fall by 60 %, 0.6 the same rise backwards. */
  readonly relative: number
  /** The standard error of `relative`, from how much successive values differ: a trend hardly shows in that. */
  readonly error: number
  /** Its z-score: beyond 2.58 it is chance in 1 of 100 cases. */
  readonly z: number
}

/**
 * Z of the rank test for a trend (Mann 1945, Kendall 1975), corrected for ties and continuity; 0 when all are equal.
 */
export function mannKendall(values: readonly number[]): number {
  let score = 0
  for (let later = 1; later < values.length; later++) {
    for (let earlier = 0; earlier < later; earlier++) score += Math.sign(values[later]! - values[earlier]!)
  }
  if (score === 0) return 0
  const tied = tieSizes(values).reduce((sum, size) => sum + pairTerm(size), 0)
  const variance = (pairTerm(values.length) - tied) / 18
  return (score - Math.sign(score)) / Math.sqrt(variance)
}

/** The size of the drift of a series without negative values, and its z-score (Mann-Kendall). */
export function driftOf(values: readonly number[]): Drift {
  const length = Math.ceil(values.length * endShare)
  const [first, last] = [median(values.slice(0, length)), median(values.slice(values.length - length))]
  // Of the difference of two medians.
  const difference = medianError * scatterOf(values) * Math.sqrt(2 / Math.max(1, length))
  const error = difference === 0 ? 0 : difference / Math.max(first, last)
  return { first, last, relative: symmetricChange(first, last), error, z: mannKendall(values) }
}

/** The standard error of a median in that of a mean, for normal values: the root of pi / 2. */
const medianError = Math.sqrt(Math.PI / 2)
/** The median of absolute values that are distributed normally, in their standard deviation. */
const medianOfNormal = 0.6745

/** The standard deviation of the values around their trend, from their successive differences; 0 for fewer than three. */
function scatterOf(values: readonly number[]): number {
  const steps = values.slice(1).map((value, index) => value - values[index]!)
  const usual = median(steps)
  return median(steps.map(step => Math.abs(step - usual))) / medianOfNormal / Math.SQRT2
}

/** The change from one value to another, neither negative, as a share of the larger: from -1 to 1, whatever they are. */
export function symmetricChange(from: number, to: number): number {
  return from === to ? 0 : (to - from) / Math.max(from, to)
}

function pairTerm(count: number): number {
  return count * (count - 1) * (2 * count + 5)
}

/** The number of times that each value occurs. */
function tieSizes(values: readonly number[]): number[] {
  const sizes = new Map<number, number>()
  for (const value of values) sizes.set(value, (sizes.get(value) ?? 0) + 1)
  return [...sizes.values()]
}
