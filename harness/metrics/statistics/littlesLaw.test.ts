import fc from 'fast-check'
import { expect, test } from 'vitest'
import { littlesLawError, littlesLawLimit } from './littlesLaw.ts'

test('littlesLawError() is 0 if the law holds, otherwise a share of the requests in flight', () => {
  // G8 of the ground truth: 50 connections, 10 ms, 5 000/s.
  expect(littlesLawError(50, 5000, 0.01)).toBeCloseTo(0, 12)
  expect(littlesLawError(50, 5000, 0.012)).toBeCloseTo(0.2, 12)
  expect(littlesLawError(50, 4000, 0.01)).toBeCloseTo(0.2, 12)
  expect(littlesLawError(0, 0, 0)).toBe(0)
  expect(littlesLawError(0, 100, 0.01)).toBeGreaterThan(1)
})

test('littlesLawLimit() allows 1 % and the requests at both ends', () => {
  expect(littlesLawLimit(50, 50_000)).toBeCloseTo(0.012, 12)
  expect(littlesLawLimit(100, 1000)).toBeCloseTo(0.21, 12)
})

test('littlesLawError() of a closed loop whose last requests are not counted stays under littlesLawLimit()', () => {
  const slots = fc.integer({ min: 1, max: 1000 })
  fc.assert(
    fc.property(
      slots,
      fc.integer({ min: 1, max: 500 }),
      fc.double({ min: 0.001, max: 0.999, noNaN: true }),
      (n, rounds, part) => {
        // Every slot is busy for `rounds` rounds of one second and a part of another, which is cut off.
        const seconds = rounds + part
        const error = littlesLawError(n, (n * rounds) / seconds, 1)
        expect(error).toBeLessThan(littlesLawLimit(n, n * rounds))
      },
    ),
  )
})
