import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createPrng } from '../../prng.ts'
import { dispersion, ksUniform, variationOfGaps } from './arrivals.ts'

function sumsOf(values: readonly number[]): { count: number; windows: number; sum: number; sumSquares: number } {
  const sum = values.reduce((total, value) => total + value, 0)
  const sumSquares = values.reduce((total, value) => total + value * value, 0)
  return { count: values.length, windows: values.length, sum, sumSquares }
}

test('ksUniform() is the largest gap between the two distributions at an edge', () => {
  expect(ksUniform([5, 5, 5, 5])).toBe(0)
  expect(ksUniform([4, 0, 0, 0])).toBe(0.75)
  expect(ksUniform([0, 0, 0, 4])).toBe(0.75)
  // 0.1, 0.4, 0.9, 1 against 0.25, 0.5, 0.75, 1.
  expect(ksUniform(Uint32Array.of(1, 3, 5, 1))).toBeCloseTo(0.15, 12)
  expect(ksUniform([])).toBeNaN()
  expect(ksUniform([0, 0])).toBeNaN()
})

test('ksUniform() does not depend on the direction or on the number of samples', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(100), { minLength: 1, maxLength: 40 }), counts => {
      fc.pre(counts.some(count => count > 0))
      const distance = ksUniform(counts)
      expect(ksUniform(counts.toReversed())).toBeCloseTo(distance, 12)
      expect(ksUniform(counts.map(count => count * 7))).toBeCloseTo(distance, 12)
      expect(distance).toBeLessThanOrEqual(1 - 1 / counts.length)
    }),
  )
})

test('dispersion() is the variance over the mean of the counts', () => {
  // Mean 4, squares around it 4 + 0 + 4, over 2.
  expect(dispersion(sumsOf([2, 4, 6]))).toBe(1)
  expect(dispersion(sumsOf([7, 7, 7]))).toBe(0)
  expect(dispersion(sumsOf([0, 10]))).toBe(10)
  expect(dispersion(sumsOf([3]))).toBeNaN()
  expect(dispersion(sumsOf([0, 0]))).toBeNaN()
})

test('variationOfGaps() is the standard deviation over the mean of the gaps', () => {
  expect(variationOfGaps(sumsOf([2, 4, 6]))).toBe(0.5)
  expect(variationOfGaps(sumsOf([0.1, 0.1, 0.1, 0.1, 0.1, 0.1]))).toBeLessThan(1e-7)
  // A sum of squares that rounding left below 3 * 0.1^2.
  expect(variationOfGaps({ count: 3, sum: 0.3, sumSquares: 0.0299999 })).toBe(0)
  expect(variationOfGaps(sumsOf([3]))).toBeNaN()
  expect(variationOfGaps(sumsOf([]))).toBeNaN()
})

test('ksUniform(), dispersion() and variationOfGaps() recognize a Poisson stream', () => {
  const prng = createPrng(9)
  const gaps = Array.from({ length: 20_000 }, () => -Math.log((prng.next32() + 0.5) / 0x1_0000_0000))
  const bins = new Float64Array(100)
  const windows = new Array<number>(1900).fill(0)
  let at = 0
  for (const gap of gaps) {
    bins[Math.floor((1 - Math.exp(-gap)) * 100)]! += 1
    at += gap
    const window = Math.floor(at / 10)
    if (window < windows.length) windows[window]! += 1
  }
  expect(ksUniform(bins)).toBeLessThan(1.63 / Math.sqrt(gaps.length))
  expect(Math.abs(variationOfGaps(sumsOf(gaps)) - 1)).toBeLessThan(0.03)
  expect(Math.abs(dispersion(sumsOf(windows)) - 1)).toBeLessThan(3 * Math.sqrt(2 / (windows.length - 1)))
})
