import { expect, test } from 'vitest'
import { median } from './median.ts'

test('median() is the middle one, or the mean of the middle two', () => {
  expect(median([3, 1, 20])).toBe(3)
  expect(median([4, 1, 20, 3])).toBe(3.5)
  expect(median([7])).toBe(7)
  expect(median([])).toBe(0)
})
