/** The minimum, median and maximum of some values, and the values in their original order. */
export interface Spread {
  readonly each: readonly number[]
  readonly min: number
  readonly median: number
  readonly max: number
}

/** The median; the mean of the middle two of an even number of values, NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  if (sorted.length === 0) return Number.NaN
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** The spread of values; undefined if there are none. */
export function spreadOf(values: readonly number[]): Spread | undefined {
  if (values.length === 0) return undefined
  const each = values.map(round)
  return { each, min: Math.min(...each), median: round(median(values)), max: Math.max(...each) }
}

/**
 * Ratios round by round. Runs of one round meet the machine in the same state, so its changes cancel in their ratio, which
 * they do not in a ratio of two medians. A round without one of the values, or with 0 as the denominator, is left out.
 */
export function pairRatios(ours: readonly (number | undefined)[], theirs: readonly (number | undefined)[]): number[] {
  return ours.flatMap((value, at) => {
    const other = theirs[at]
    return value === undefined || other === undefined || other === 0 ? [] : [value / other]
  })
}

/** Rounds to six significant digits: more would suggest precision that is not there. */
export function round(value: number): number {
  return Number(value.toPrecision(6))
}
