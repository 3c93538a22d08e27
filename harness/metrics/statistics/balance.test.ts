import fc from 'fast-check'
import { expect, test } from 'vitest'
import { jainIndex } from './balance.ts'

test('jainIndex() matches values computed by hand', () => {
  expect(jainIndex([1, 0, 0, 0])).toBe(0.25)
  expect(jainIndex([3, 3, 3])).toBe(1)
  // 36 / (3 * 14).
  expect(jainIndex(Uint32Array.of(1, 2, 3))).toBeCloseTo(6 / 7, 12)
  expect(jainIndex([0, 0])).toBe(1)
  expect(jainIndex([])).toBe(1)
})

test('jainIndex() of k equal shares out of n is k / n', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), fc.nat(50), fc.integer({ min: 1, max: 1e6 }), (busy, idle, count) => {
      const counts = [...new Array<number>(busy).fill(count), ...new Array<number>(idle).fill(0)]
      expect(jainIndex(counts)).toBeCloseTo(busy / (busy + idle), 12)
    }),
  )
})
