import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bracketOf, nextRate, type Tried } from './nextRate.ts'

function search(start: number, holds: (rate: number) => Tried['outcome']) {
  const tried: Tried[] = []
  for (;;) {
    const next = nextRate(tried, start)
    if (typeof next === 'string') return { end: next, tried, ...bracketOf(tried) }
    tried.push({ rate: next, outcome: holds(next) })
  }
}

describe('nextRate()', () => {
  it('doubles while rates hold, then halves the interval', () => {
    const { tried, end } = search(1000, rate => (rate <= 5000 ? 'held' : 'failed'))
    expect(tried.map(({ rate }) => rate)).toEqual([1000, 2000, 4000, 8000, 6000, 5000, 5500, 5250])
    expect(end).toBe('found')
  })

  it('lowers a rate that does not hold', () => {
    const { held, failed } = search(1000, rate => (rate <= 130 ? 'held' : 'failed'))
    expect(held).toBeGreaterThan(120)
    expect(failed).toBeLessThan(137)
  })

  it('finds any capacity to within a twentieth', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 10_000_000 }), fc.integer({ min: 1, max: 100_000 }), (capacity, start) => {
        const { end, held, failed, tried } = search(start, rate => (rate <= capacity ? 'held' : 'failed'))
        expect(end).toBe('found')
        expect(held).toBeLessThanOrEqual(capacity)
        expect(failed).toBeGreaterThan(capacity)
        expect(failed! - held!).toBeLessThanOrEqual(0.05 * held!)
        expect(tried.length).toBeLessThan(33)
      }),
    )
  })

  it('ends when the client cannot keep the rate, when no rate holds, and when every rate holds', () => {
    const limited = search(1000, rate => (rate < 5000 ? 'held' : 'client-limited'))
    expect(limited).toMatchObject({ end: 'client-limited', held: 4000, failed: undefined })
    expect(search(1000, () => 'failed')).toMatchObject({ end: 'bounds', held: undefined })
    expect(search(1000, () => 'held')).toMatchObject({ end: 'bounds', failed: undefined })
  })
})
