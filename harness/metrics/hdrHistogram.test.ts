import fc from 'fast-check'
import { decodeFromCompressedBase64 } from 'hdr-histogram-js'
import { expect, test } from 'vitest'
import { encodeHistogram, toHdr } from './hdrHistogram.ts'
import { bucketIndex, countsLength, ticksMax } from './histogram.ts'

const ticks = fc.oneof(fc.integer({ min: 0, max: 5000 }), fc.integer({ min: 0, max: ticksMax }))

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
