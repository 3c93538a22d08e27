import { expect } from 'vitest'

/** The width of a histogram's bucket, relative to its value. */
export const resolution = 1 / 1024
/** Relative errors that chance may cause. */
export const randomMean = 0.02
export const randomQuantile = 0.05
export const seed = 20_240_229

/** Expects a value whose relative error is at most `share`. */
export function expectWithin(share: number, value: number, truth: number): void {
  expect(Math.abs(value / truth - 1), `${value} for ${truth}`).toBeLessThanOrEqual(share)
}
