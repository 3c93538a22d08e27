import fc from 'fast-check'
import { expect, test } from 'vitest'
import { autoregressive, createNormal } from './testing/noise.ts'
import { mser5 } from './warmup.ts'

/** A series that steps from `before` to `after`, with noise as a share of the level. */
function steps(seed: number, lengths: [number, number], [before, after]: [number, number], noise: number): number[] {
  const normal = createNormal(seed)
  const level = (index: number) => (index < lengths[0] ? before : after)
  return Array.from({ length: lengths[0] + lengths[1] }, (_, index) => level(index) * (1 + noise * normal()))
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])('mser5() cuts at the step from 5 to 1, with seed %d', seed => {
  expect(mser5(steps(seed, [20, 80], [5, 1], 0.01))).toMatchObject({ cut: 20, atLimit: false })
})

test('mser5() cuts at a step without noise, rounded to the batch', () => {
  expect(mser5(steps(1, [20, 80], [5, 1], 0)).cut).toBe(20)
  expect(mser5(steps(1, [22, 80], [5, 1], 0)).cut).toBe(25)
  expect(mser5(Float64Array.from(steps(1, [20, 83], [1, 5], 0))).cut).toBe(20)
})

test('mser5() minimises the squares over the square of the count', () => {
  // d = 0 to 3: 9.667 / 144 = 0.067, 4.545 / 121 = 0.038, 4.1 / 100 = 0.041, 3.556 / 81 = 0.044; over the count alone it is d = 3.
  expect(mser5([4, 1, 1, 2, 2, 1, 3, 2, 1, 2, 1, 2])).toMatchObject({ cut: 1, atLimit: false })
})

test('mser5() goes value by value below 50 values, and makes no cut below 10', () => {
  expect(mser5(steps(1, [7, 42], [5, 1], 0)).cut).toBe(7)
  expect(mser5(steps(1, [7, 43], [5, 1], 0)).cut).toBe(10)
  expect(mser5(steps(1, [3, 7], [5, 1], 0)).cut).toBe(3)
  expect(mser5(steps(1, [3, 6], [5, 1], 0))).toEqual({ cut: 0, atLimit: false, change: 0 })
  expect(mser5([])).toEqual({ cut: 0, atLimit: false, change: 0 })
})

test.each([
  ['white noise', 0, 0.95],
  ['a correlation of 0.5', 0.5, 0.93],
])('mser5() rarely cuts a healthy series with %s', (_, phi, shareMin) => {
  const normal = createNormal(7)
  const series = Array.from({ length: 300 }, () => autoregressive(normal, 100, phi).map(noise => 10 + noise))
  const cuts = series.map(values => mser5(values))
  expect(cuts.filter(({ cut }) => cut <= 20).length / 300).toBeGreaterThanOrEqual(shareMin)
  expect(cuts.filter(({ atLimit }) => atLimit).length).toBeLessThanOrEqual(6)
})

test('mser5() makes no cut for a difference of 2 % or less, however significant', () => {
  expect(mser5(steps(1, [20, 80], [1.019, 1], 0))).toEqual({ cut: 0, atLimit: false, change: 0 })
  expect(mser5(steps(1, [20, 80], [1.03, 1], 0)).cut).toBe(20)
})

test.each([0.01, 0.05])('mser5() reports a series without a steady state, with noise of %d', noise => {
  const normal = createNormal(3)
  const ramp = Array.from({ length: 100 }, (_, index) => 1 + index / 99 + noise * normal())
  expect(mser5(ramp)).toMatchObject({ cut: 50, atLimit: true })
})

test('mser5() reports by how much the start differs', () => {
  expect(mser5(steps(1, [20, 80], [5, 1], 0)).change).toBeCloseTo(0.8, 9)
  expect(mser5(steps(1, [20, 80], [1, 5], 0)).change).toBeCloseTo(-0.8, 9)
})

test.each([1, 2, 3, 4])('mser5() does not count a stall after a warm-up as part of it, with seed %d', seed => {
  const stalled = steps(seed, [20, 180], [5, 1], 0.02)
  stalled.fill(30, 80, 90)
  expect(mser5(stalled)).toMatchObject({ cut: 20, atLimit: false })
})

test.each([
  [3, 5],
  [10, 10],
  [15, 30],
])('mser5() does not mistake a stall for a warm-up, after %d values and for %d', (before, length) => {
  const normal = createNormal(11)
  const level = (index: number) => (index >= before * 5 && index < before * 5 + length ? 20 : 1)
  const stalled = Array.from({ length: 200 }, (_, index) => level(index) * (1 + 0.05 * normal()))
  expect(mser5(stalled).cut).toBe(0)
})

test('mser5() drops whole batches of at most the first half, whatever the values and their scale', () => {
  const values = fc.array(fc.integer({ min: 0, max: 1000 }), { maxLength: 200 })
  fc.assert(
    fc.property(values, series => {
      const { cut, atLimit } = mser5(series)
      if (series.length >= 50) expect(cut % 5).toBe(0)
      expect(cut).toBeLessThanOrEqual(series.length / 2)
      if (atLimit) expect(cut).toBeGreaterThan(0)
      expect(mser5(series.map(value => value * 1024)).cut).toBe(cut)
    }),
  )
})
