/** The least, the middle and the most of some values, and the values themselves in their order. */
export interface Spread {
  readonly each: readonly number[]
  readonly min: number
  readonly median: number
  readonly max: number
}

/** The middle value; of an even number of them the mean of the middle two, of none NaN. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  if (sorted.length === 0) return Number.NaN
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** The spread of values; undefined where there are none. */
export function spreadOf(values: readonly number[]): Spread | undefined {
  if (values.length === 0) return undefined
  const each = values.map(round)
  return { each, min: Math.min(...each), median: round(median(values)), max: Math.max(...each) }
}

/**
 * Ratios round by round: what ran one after the other met the same machine, so that its ups and downs cancel in the
 * ratio and do not in a ratio of two medians. A round that lacks either value, or has 0 below the line, is left out.
 */
export function pairRatios(ours: readonly (number | undefined)[], theirs: readonly (number | undefined)[]): number[] {
  return ours.flatMap((value, at) => {
    const other = theirs[at]
    return value === undefined || other === undefined || other === 0 ? [] : [value / other]
  })
}

/** Six significant figures: more would only look exact. */
export function round(value: number): number {
  return Number(value.toPrecision(6))
}
