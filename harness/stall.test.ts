import fc from 'fast-check'
import { expect, test } from 'vitest'
import { beginMs, endMs, parseStall, type Stall } from './stall.ts'

test('parseStall() reads a repeated stall and one that lasts forever', () => {
  expect(parseStall('1s/10s')).toEqual({ kind: 'repeated', lengthMs: 1000, periodMs: 10_000 })
  expect(parseStall('500us/2ms')).toEqual({ kind: 'repeated', lengthMs: 0.5, periodMs: 2 })
  expect(parseStall('forever@54s')).toEqual({ kind: 'forever', fromMs: 54_000 })
  expect(parseStall('forever@0s')).toEqual({ kind: 'forever', fromMs: 0 })
})

test.each([
  '',
  '1s',
  '1s/',
  '/10s',
  '0s/10s',
  '10s/10s',
  '11s/10s',
  '1/10',
  '1s@10s',
  '1s/10s/10s',
  'forever',
  '1s/25h',
])('parseStall() refuses "%s"', text => {
  expect(parseStall(text)).toBeUndefined()
})

const never = Number.POSITIVE_INFINITY
const repeated: Stall = { kind: 'repeated', lengthMs: 1000, periodMs: 10_000 }
const forever: Stall = { kind: 'forever', fromMs: 54_000 }

test('beginMs() delays work that arrives in a stall to its end', () => {
  const begins = [0, 8999, 9000, 9999, 10_000, 18_999, 19_500].map(ms => beginMs(repeated, ms))
  expect(begins).toEqual([0, 8999, 10_000, 10_000, 10_000, 18_999, 20_000])
  expect([0, 53_999, 54_000, never].map(ms => beginMs(forever, ms))).toEqual([0, 53_999, never, never])
  expect(beginMs(undefined, 9500)).toBe(9500)
})

test('endMs() adds the stalls in between', () => {
  expect(endMs(repeated, 100, 5)).toBe(105)
  expect(endMs(repeated, 8999, 1)).toBe(9000)
  expect(endMs(repeated, 8999, 2)).toBe(10_001)
  expect(endMs(repeated, 0, 9000)).toBe(9000)
  expect(endMs(repeated, 10_000, 18_001)).toBe(30_001)
  expect(endMs(repeated, 10_000, 0)).toBe(10_000)
  expect(endMs(forever, 53_998, 2)).toBe(54_000)
  expect(endMs(forever, 53_999, 2)).toBe(never)
  expect(endMs(undefined, 9500, 5)).toBe(9505)
})

test('the time between begin and end without the stalls is the work', () => {
  /** Milliseconds up to `ms` in which there is no stall, counted one by one. */
  function workingMs(stall: Extract<Stall, { kind: 'repeated' }>, ms: number): number {
    let working = 0
    for (let at = 0; at < ms; at++) if (at % stall.periodMs < stall.periodMs - stall.lengthMs) working++
    return working
  }
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 60 }), fc.nat(58), fc.nat(500), fc.nat(500), (periodMs, less, ms, workMs) => {
      const stall = { kind: 'repeated', periodMs, lengthMs: 1 + (less % (periodMs - 1)) } as const
      const begin = beginMs(stall, ms)
      const end = endMs(stall, begin, workMs)
      expect(workingMs(stall, begin)).toBe(workingMs(stall, ms))
      expect(workingMs(stall, end) - workingMs(stall, begin)).toBe(workMs)
      // Work neither begins within a stall nor ends later in it than at its very beginning.
      expect(begin % periodMs).toBeLessThan(periodMs - stall.lengthMs)
      expect(end % periodMs).toBeLessThanOrEqual(periodMs - stall.lengthMs)
    }),
  )
})

test('a period that is not a round number adds no stall where there is none', () => {
  const stall = { kind: 'repeated', lengthMs: 0.05, periodMs: 0.1 } as const
  for (let index = 0; index < 10_000; index++) {
    const begin = beginMs(stall, index * 0.1)
    expect(endMs(stall, begin, 0.01) - index * 0.1).toBeCloseTo(0.01, 6)
  }
})
