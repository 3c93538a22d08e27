import fc from 'fast-check'
import { expect, test } from 'vitest'
import { autoregressive, createNormal } from './testing/noise.ts'
import { driftOf, mannKendall, theilSen } from './trend.ts'

test('theilSen() is the median of the pairwise slopes', () => {
  // Slopes 5, 2, 10/3, -1, 2.5, 6: the middle two are 2.5 and 10/3.
  expect(theilSen([10, 15, 14, 20])).toBeCloseTo((2.5 + 10 / 3) / 2, 12)
  expect(theilSen([1, 3, 5, 7, 9, 11])).toBe(2)
  expect(theilSen([1, 3, 5, 700, 9, 11, 13])).toBe(2)
  expect(theilSen([4])).toBe(0)
  expect(theilSen([])).toBe(0)
})

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

test('mannKendall() and theilSen() change sign when a series is read backwards', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -50, max: 50 }), { maxLength: 40 }), values => {
      const backwards = values.toReversed()
      expect(mannKendall(backwards)).toBeCloseTo(-mannKendall(values), 9)
      expect(theilSen(backwards)).toBeCloseTo(-theilSen(values), 9)
    }),
  )
})

test('driftOf() is the change over the whole series as a share of the median', () => {
  const rising = Array.from({ length: 21 }, (_, index) => 95 + index / 2)
  expect(driftOf(rising).relative).toBeCloseTo(0.1, 12)
  expect(driftOf(rising).z).toBeCloseTo(209 / Math.sqrt((21 * 20 * 47) / 18), 12)
  expect(driftOf(rising.toReversed()).relative).toBeCloseTo(-0.1, 12)
  expect(driftOf([-4, -2, 0].map(value => value - 8)).relative).toBeCloseTo(0.4, 12)
  expect(driftOf([0, 0, 0])).toEqual({ relative: 0, z: 0 })
  expect(driftOf([])).toEqual({ relative: 0, z: 0 })
})
