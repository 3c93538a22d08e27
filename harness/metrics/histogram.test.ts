import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bucketIndex, bucketStart, countsLength, ticksMax, toTicks } from './histogram.ts'

const ticks = fc.oneof(fc.integer({ min: 0, max: 5000 }), fc.integer({ min: 0, max: ticksMax }))

test('bucketIndex() stays in range, grows with the value and keeps three digits', () => {
  fc.assert(
    fc.property(ticks, value => {
      const index = bucketIndex(value)
      expect(index).toBeLessThan(countsLength)
      expect(bucketStart(index)).toBeLessThanOrEqual(value)
      if (value < ticksMax) expect(bucketIndex(value + 1)).toBeGreaterThanOrEqual(index)
      if (index + 1 < countsLength) expect(bucketStart(index + 1)).toBeGreaterThan(value)
      expect(value - bucketStart(index)).toBeLessThanOrEqual(value / 1000)
    }),
  )
})

test('bucketIndex() reverses bucketStart() for every bucket', () => {
  for (let index = 0; index <= bucketIndex(ticksMax); index++) expect(bucketIndex(bucketStart(index))).toBe(index)
})

test('toTicks() clamps values to the range', () => {
  expect(toTicks(-1)).toBe(0)
  expect(toTicks(0.068)).toBe(680)
  expect(toTicks(1e9)).toBe(ticksMax)
})
