/**
 * Kolmogorov-Smirnov distance between samples in equal bins over 0 to 1 and the uniform distribution. It is evaluated
 * at the edges of bins only, so it may be too small by up to the share of one bin. NaN without samples.
 */
export function ksUniform(counts: ArrayLike<number>): number {
  let total = 0
  for (let bin = 0; bin < counts.length; bin++) total += counts[bin]!
  let below = 0
  let distance = 0
  for (let bin = 0; bin < counts.length; bin++) {
    below += counts[bin]!
    distance = Math.max(distance, Math.abs(below / total - (bin + 1) / counts.length))
  }
  return total === 0 ? Number.NaN : distance
}

/** Sums over counts of arrivals in windows of equal length. */
export interface WindowSums {
  readonly windows: number
  readonly sum: number
  readonly sumSquares: number
}

/**
 * Index of dispersion of counts (Cox and Lewis 1966): variance / mean, 1 for Poisson. NaN for under two windows or no
 * arrivals.
 */
export function dispersion({ windows, sum, sumSquares }: WindowSums): number {
  return varianceOf(windows, sum, sumSquares) / (sum / windows)
}

/** Sums over the gaps between arrivals, in any unit. */
export interface GapSums {
  readonly count: number
  readonly sum: number
  readonly sumSquares: number
}

/**
 * Coefficient of variation of gaps: deviation / mean, 1 for Poisson, 0 for constant spacing. NaN for under two gaps.
 */
export function variationOfGaps({ count, sum, sumSquares }: GapSums): number {
  return Math.sqrt(varianceOf(count, sum, sumSquares)) / (sum / count)
}

/** Unbiased; 0 if rounding makes it negative. */
function varianceOf(count: number, sum: number, sumSquares: number): number {
  return count < 2 ? Number.NaN : Math.max(0, sumSquares - (sum * sum) / count) / (count - 1)
}
