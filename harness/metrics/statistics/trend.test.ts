import fc from 'fast-check'
import { expect, test } from 'vitest'
import { autoregressive, createNormal } from './testing/noise.ts'
import { driftOf, mannKendall } from './trend.ts'

test('mannKendall() matches values of Z computed by hand', () => {
  // S = 5 - 1 = 4; variance 4 * 3 * 13 / 18.
  expect(mannKendall([10, 15, 14, 20])).toBeCloseTo(3 / Math.sqrt(156 / 18), 12)
  // Ties of 2, 3 and 3, so (1656 - 18 - 66 - 66) / 18. S = -1 becomes 0.
  expect(mannKendall([23, 24, 0, 6, 0, 24, 24, 0, 23])).toBeCloseTo(0, 12)
  // The same values sorted: 36 pairs less 1 + 3 + 3 tied ones.
  expect(mannKendall([0, 0, 0, 6, 23, 23, 24, 24, 24])).toBeCloseTo(28 / Math.sqrt(1506 / 18), 12)
  // Ten ascending values: (45 - 1) / sqrt(10 * 9 * 25 / 18).
  expect(mannKendall([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])).toBeCloseTo(44 / Math.sqrt(125), 12)
  expect(mannKendall([3, 3, 3])).toBe(0)
  expect(mannKendall([])).toBe(0)
})

test('mannKendall() of noise exceeds 2.58 in about one of a hundred cases', () => {
  const normal = createNormal(11)
  const beyond = Array.from({ length: 4000 }, () => mannKendall(autoregressive(normal, 20, 0))).filter(
    z => Math.abs(z) > 2.58,
  )
  expect(beyond.length / 4000).toBeGreaterThan(0.004)
  expect(beyond.length / 4000).toBeLessThan(0.015)
})

test('mannKendall() changes sign when a series is read backwards', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -50, max: 50 }), { maxLength: 40 }), values => {
      expect(mannKendall(values.toReversed())).toBeCloseTo(-mannKendall(values), 9)
    }),
  )
})

test('driftOf() compares the medians of the first and the last fifth, as a share of the larger', () => {
  const rising = Array.from({ length: 20 }, (_, index) => 100 + index)
  expect(driftOf(rising)).toMatchObject({ first: 101.5, last: 117.5, relative: 16 / 117.5 })
  expect(driftOf(rising).z).toBeCloseTo(189 / Math.sqrt((20 * 19 * 45) / 18), 12)
  expect(driftOf(rising.toReversed()).relative).toBe(-16 / 117.5)
  expect(driftOf([0, 0, 0])).toEqual({ first: 0, last: 0, relative: 0, error: 0, z: 0 })
  expect(driftOf([])).toEqual({ first: 0, last: 0, relative: 0, error: 0, z: 0 })
})

test.each([0, 30])('driftOf() knows the standard error of a drift, with a rise by %i in all', rise => {
  const normal = createNormal(5)
  const drifts = Array.from({ length: 3000 }, () =>
    driftOf(autoregressive(normal, 20, 0).map((noise, at) => 100 + (rise * at) / 20 + 4 * noise)),
  )
  const mean = drifts.reduce((sum, { relative }) => sum + relative, 0) / drifts.length
  const deviation = Math.sqrt(drifts.reduce((sum, { relative }) => sum + (relative - mean) ** 2, 0) / drifts.length)
  const error = drifts.reduce((sum, drift) => sum + drift.error, 0) / drifts.length
  expect(error / deviation).toBeGreaterThan(0.8)
  expect(error / deviation).toBeLessThan(1.25)
})

test('driftOf() is not decided by one stall at an end', () => {
  const steady = Array.from({ length: 20 }, () => 100)
  expect(driftOf([5000, ...steady.slice(1)]).relative).toBe(0)
})

test('driftOf() is bounded and symmetric, also where all replies stop', () => {
  expect(driftOf([...new Array<number>(6).fill(1000), ...new Array<number>(14).fill(0)]).relative).toBe(-1)
  expect(driftOf([0, 0, 0, 0, 0, 5, 5, 5, 5, 5]).relative).toBe(1)
  fc.assert(
    fc.property(fc.array(fc.nat(), { maxLength: 40 }), values => {
      const { relative } = driftOf(values)
      expect(Math.abs(relative)).toBeLessThanOrEqual(1)
      expect(driftOf(values.toReversed()).relative).toBeCloseTo(-relative, 9)
    }),
  )
})
