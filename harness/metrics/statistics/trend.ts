/** The trend of a series from its start to its end. */
export interface Drift {
  /** The change along the slope from the first value to the last, as a share of the median: 0.05 is a rise of 5 %. */
  readonly relative: number
  /** Its z-score: beyond 2.58 it is chance in 1 of 100 cases. */
  readonly z: number
}

/**
 * Slope per index: the median of the slopes of all pairs (Theil 1950, Sen 1968). Takes n^2 steps: a few hundred
 * values.
 */
export function theilSen(values: readonly number[]): number {
  const slopes = new Float64Array((values.length * (values.length - 1)) / 2)
  let next = 0
  for (let later = 1; later < values.length; later++) {
    for (let earlier = 0; earlier < later; earlier++) {
      slopes[next++] = (values[later]! - values[earlier]!) / (later - earlier)
    }
  }
  return median(slopes)
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

/** The size of the drift (Theil-Sen) and its z-score (Mann-Kendall). */
export function driftOf(values: readonly number[]): Drift {
  const change = theilSen(values) * Math.max(0, values.length - 1)
  const relative = change === 0 ? 0 : change / Math.abs(median(Float64Array.from(values)))
  return { relative, z: mannKendall(values) }
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

/** Sorts `values` in place; 0 for none. */
function median(values: Float64Array): number {
  if (values.length === 0) return 0
  values.sort()
  const upper = values.length >>> 1
  return values.length % 2 === 1 ? values[upper]! : (values[upper - 1]! + values[upper]!) / 2
}
