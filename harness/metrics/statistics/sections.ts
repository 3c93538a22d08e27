/** Student's t at 97.5 %, for 1 to 30 degrees of freedom. */
const tQuantiles = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11,
  2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
] as const

/** Student's t at 97.5 %; above 30 degrees of freedom that of 30, which makes intervals slightly too wide. */
export function tQuantile(degreesOfFreedom: number): number {
  return tQuantiles[Math.min(degreesOfFreedom, tQuantiles.length) - 1] ?? Number.POSITIVE_INFINITY
}

/**
 * Half of the 95 % interval of a figure, such as a quantile, around its value for the `whole` run, given its values for
 * equal contiguous sections of it (sectioning: Asmussen and Glynn 2007; Nakayama 2014). Infinite for
 * fewer than two sections.
 */
export function sectioningHalfWidth(whole: number, sections: readonly number[]): number {
  const count = sections.length
  if (count < 2) return Number.POSITIVE_INFINITY
  const squares = sections.reduce((sum, value) => sum + (value - whole) ** 2, 0)
  return tQuantile(count - 1) * Math.sqrt(squares / (count * (count - 1)))
}
