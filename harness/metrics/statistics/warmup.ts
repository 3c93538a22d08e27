/** Values a batch: the 5 of MSER-5; shorter series are taken value by value. */
const batchValues = 5
const batchedFromValues = 50
/** Fewer values than this tell nothing about a warm-up. */
const valuesMin = 10
/** A cut must make a difference of so many standard errors, and of such a share of the mean. */
const standardErrorsMin = 3
const shareOfMeanMin = 0.02
/** A cut this near to the latest there may be was held back by that. */
const nearLimit = 0.9
/** A warm-up is over when so many batches one after the other are like the rest. */
const stretchBatches = 3

/** How many values of a series belong to its warm-up. */
export interface WarmupCut {
  /** Values to drop from the start: a multiple of 5, but for series of under 50 values. */
  readonly cut: number
  /** The cut is about as late as it may be, at half of the series: it had not settled by then. */
  readonly atLimit: boolean
  /** By how much the mean of what is dropped differs from that of what is kept, as a share of the latter. */
  readonly change: number
}

const noCut: WarmupCut = { cut: 0, atLimit: false, change: 0 }

/**
 * MSER-5 (White, Cobb and Spratt 2000), guarded: the truncation d of batch means that minimises
 * sum((x - mean)^2) / (n - d)^2 over what remains, in the first half of a series of finite values.
 *
 * Plain MSER-5 cuts healthy series too: of 100 values of white noise it drops more than 20 in 14 %, with a correlation
 * of 0.5 in 16 %; and it takes a stall in the first half for the end of a warm-up. So of what it drops only the
 * beginning is a warm-up, up to where it is like what is kept for a stretch: a stall at the very start passes for one.
 * As any MSER it does not see a warm-up that is longer than half.
 */
export function mser5(values: readonly number[] | Float64Array): WarmupCut {
  if (values.length < valuesMin) return noCut
  const size = values.length < batchedFromValues ? 1 : batchValues
  const batches = batchMeans(values, size)
  const latest = Math.floor(batches.length / 2)
  const truncation = minimise(batches, latest)
  const kept = batches.slice(truncation)
  const cut = endOf(batches.slice(0, truncation), kept)
  if (cut === 0) return noCut
  const mean = meanOf(kept)
  const change = (meanOf(batches.slice(0, cut)) - mean) / Math.abs(mean)
  return { cut: cut * size, atLimit: cut >= latest * nearLimit, change }
}

function batchMeans(values: readonly number[] | Float64Array, size: number): number[] {
  return Array.from({ length: Math.floor(values.length / size) }, (_, batch) =>
    meanOf(values.slice(batch * size, (batch + 1) * size)),
  )
}

/** The first d up to `latest` at which the statistic is least; from the end backwards (Welford 1962), for one pass. */
function minimise(batches: readonly number[], latest: number): number {
  let mean = 0
  let squares = 0
  let best = latest
  let least = Number.POSITIVE_INFINITY
  for (let d = batches.length - 1; d >= 0; d--) {
    const count = batches.length - d
    const difference = batches[d]! - mean
    mean += difference / count
    squares += difference * (batches[d]! - mean)
    const statistic = squares / count ** 2
    if (d <= latest && statistic <= least) {
      least = statistic
      best = d
    }
  }
  return best
}

/** Where what is dropped comes to be like what is kept, for a stretch at least. */
function endOf(dropped: readonly number[], kept: readonly number[]): number {
  const end = dropped.findIndex((_, from) => !isUnlike(dropped.slice(from, from + stretchBatches), kept))
  return end < 0 ? dropped.length : end
}

/** Whether the means of two series differ, both surely and by enough to matter. */
function isUnlike(dropped: readonly number[], kept: readonly number[]): boolean {
  const mean = meanOf(kept)
  const difference = Math.abs(meanOf(dropped) - mean)
  const standardError = Math.sqrt(noiseVariance(kept) * (1 / dropped.length + 1 / kept.length))
  return difference > standardErrorsMin * standardError && difference > shareOfMeanMin * Math.abs(mean)
}

/** Variance by successive differences (von Neumann 1941), which a drift, unlike noise, hardly adds to. */
function noiseVariance(values: readonly number[]): number {
  let sum = 0
  for (let index = 1; index < values.length; index++) sum += (values[index]! - values[index - 1]!) ** 2
  return sum / (2 * (values.length - 1))
}

function meanOf(values: readonly number[] | Float64Array): number {
  let sum = 0
  for (const value of values) sum += value
  return sum / values.length
}
