import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sparse, sparseSince, spread } from './sparseCounts.ts'

const length = 40
const someCounts = fc
  .array(fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 2 ** 40 })), {
    minLength: length,
    maxLength: length,
  })
  .map(counts => Float64Array.from(counts))

test('spread() is the inverse of sparse(), which keeps only buckets with a count', () => {
  fc.assert(
    fc.property(someCounts, counts => {
      const kept = sparse(counts)
      expect(spread(kept)).toEqual(counts)
      expect(kept.buckets).toHaveLength(counts.filter(count => count > 0).length)
    }),
  )
})

test('sparseSince() has the counts added since an earlier reading', () => {
  fc.assert(
    fc.property(someCounts, someCounts, (before, added) => {
      const after = before.map((count, bucket) => count + added[bucket]!)
      expect(sparseSince(sparse(after), sparse(before))).toEqual(sparse(added))
    }),
  )
})
