import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type CensoredCounts, censoredQuantile } from './censored.ts'

/** Buckets of 1 ms, of which bucket 3 holds up to 4 ms. */
function countsOf(completedMs: readonly number[], censoredMs: readonly number[], buckets = 20): CensoredCounts {
  const tally = (values: readonly number[]) => {
    const counts = new Float64Array(buckets)
    for (const value of values) counts[value - 1]! += 1
    return counts
  }
  return { completed: tally(completedMs), censored: tally(censoredMs), valueOf: bucket => bucket + 1 }
}

const oneToTen = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]

test('censoredQuantile() of completed requests alone has rank ceil(q n)', () => {
  const counts = countsOf(oneToTen, [])
  const expected = [0, 0.05, 0.1, 0.11, 0.5, 0.7, 0.9, 0.99, 1].map(q => censoredQuantile(counts, q)?.value)
  expect(expected).toEqual([1, 1, 1, 2, 5, 7, 9, 10, 10])
  expect(censoredQuantile(counts, 1)).toEqual({ value: 10, censored: false })
  expect(censoredQuantile(countsOf([4, 6], []), 0)?.value).toBe(4)
})

test('censoredQuantile() counts censored requests as slower than all, and is a bound among them', () => {
  // 8 of 10 completed: exact up to 0.8.
  const counts = countsOf([1, 2, 3, 4, 5, 6, 7, 8], [2, 15])
  expect(censoredQuantile(counts, 0.5)).toEqual({ value: 5, censored: false })
  expect(censoredQuantile(counts, 0.8)).toEqual({ value: 8, censored: false })
  // The union is 1 2 2 3 4 5 6 7 8 15.
  expect(censoredQuantile(counts, 0.81)).toEqual({ value: 8, censored: true })
  expect(censoredQuantile(counts, 0.91)).toEqual({ value: 15, censored: true })
})

test('censoredQuantile() is more than 5.4 s for a server that froze for the last 6 s of 60', () => {
  // G12 of the ground truth, in buckets of 100 ms: 1 000/s, of which 54 s were answered.
  const completed = new Float64Array(100)
  const censored = new Float64Array(100)
  completed[0] = 54_000
  censored.fill(100, 0, 60)
  const counts = { completed, censored, valueOf: (bucket: number) => (bucket + 1) / 10 }
  expect(censoredQuantile(counts, 0.9)).toEqual({ value: 0.1, censored: false })
  expect(censoredQuantile(counts, 0.99)).toEqual({ value: 5.4, censored: true })
})

test('censoredQuantile() never falls: a bound is at least the greatest known time', () => {
  // Half of the requests fail fast: their ages say less than the completed ones do.
  const counts = countsOf([9, 10, 10, 12], [1, 1, 1, 2])
  expect(censoredQuantile(counts, 0.5)).toEqual({ value: 12, censored: false })
  for (const q of [0.75, 0.9, 1]) expect(censoredQuantile(counts, q)).toEqual({ value: 12, censored: true })
  const values = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 40 })
  fc.assert(
    fc.property(values, values, (completed, aged) => {
      const found = [0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1].map(
        q => censoredQuantile(countsOf(completed, aged), q)!.value,
      )
      expect(found).toEqual(found.toSorted((a, b) => a - b))
    }),
  )
})

test('censoredQuantile() is undefined without requests, and a bound if none completed', () => {
  expect(censoredQuantile(countsOf([], []), 0.5)).toBeUndefined()
  expect(censoredQuantile(countsOf([], [7]), 0.5)).toEqual({ value: 7, censored: true })
})

test('censoredQuantile() tolerates rounding errors in q n', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1)
  const counts = countsOf(hundred, [], 100)
  for (const percent of hundred) expect(censoredQuantile(counts, percent / 100)?.value).toBe(percent)
})

test('censoredQuantile() agrees with sorting, and never exceeds the value with true response times', () => {
  const values = fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 40 })
  fc.assert(
    fc.property(
      values,
      values,
      fc.integer({ min: 1, max: 64 }),
      fc.nat(19),
      (completed, aged, sixtyFourths, longer) => {
        fc.pre(completed.length + aged.length > 0)
        const q = sixtyFourths / 64
        const rank = Math.ceil(q * (completed.length + aged.length))
        const ranked = (list: number[]) => list.toSorted((a, b) => a - b)[rank - 1]!
        const slowest = Math.max(0, ...completed)
        const found = censoredQuantile(countsOf(completed, aged), q)!
        expect(found.censored).toBe(q > completed.length / (completed.length + aged.length))
        const union = Math.max(slowest, ranked([...completed, ...aged]))
        expect(found.value).toBe(found.censored ? union : ranked(completed))
        if (!found.censored) return
        // The true times of requests without a reply are longer than their ages, and than all completed ones.
        const trueMs = aged.map(age => Math.max(slowest, age + longer))
        expect(found.value).toBeLessThanOrEqual(ranked([...completed, ...trueMs]))
      },
    ),
  )
})
