import fc from 'fast-check'
import { decodeFromCompressedBase64 } from 'hdr-histogram-js'
import { expect, test } from 'vitest'
import { bucketIndex, bucketStart, countsLength, encodeHistogram, ticksMax, toHdr, toTicks } from './histogram.ts'

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

test('toHdr() equals what hdr-histogram-js records from the values themselves', () => {
  fc.assert(
    fc.property(fc.array(ticks, { minLength: 1, maxLength: 300 }), values => {
      const counts = new Float64Array(countsLength)
      const direct = toHdr(new Float64Array(countsLength))
      for (const value of values) {
        counts[bucketIndex(value)]!++
        direct.recordValue(value)
      }
      const converted = toHdr(counts)
      expect(converted.totalCount).toBe(direct.totalCount)
      for (const percentile of [50, 90, 99, 99.9, 100]) {
        expect(converted.getValueAtPercentile(percentile)).toBe(direct.getValueAtPercentile(percentile))
      }
    }),
    { numRuns: 30 },
  )
})

test('encodeHistogram() survives a round trip with counts beyond 32 bits', () => {
  const counts = new Float64Array(countsLength)
  counts[bucketIndex(680)] = 6_000_000_000
  counts[bucketIndex(2_000_000)] = 3
  const decoded = decodeFromCompressedBase64(encodeHistogram(toHdr(counts)), 64)
  expect(decoded.totalCount).toBe(6_000_000_003)
  expect(decoded.getValueAtPercentile(50)).toBe(680)
})

test('toTicks() clamps values to the range', () => {
  expect(toTicks(-1)).toBe(0)
  expect(toTicks(0.068)).toBe(680)
  expect(toTicks(1e9)).toBe(ticksMax)
})
