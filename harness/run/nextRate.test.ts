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

  it('searches below a rate at which the client could not tell, which is no failure of the server', () => {
    const limited = search(1000, rate => (rate < 5000 ? 'held' : 'client-limited'))
    expect(limited).toMatchObject({ end: 'client-limited', failed: undefined })
    expect(limited.held).toBeLessThan(5000)
    expect(limited.untold! - limited.held!).toBeLessThanOrEqual(0.05 * limited.held!)
    // The server fails below: what the client could not tell above it does not matter.
    const outcome = (rate: number) => (rate < 5000 ? 'held' : rate < 7000 ? 'failed' : 'client-limited')
    expect(search(1000, outcome)).toMatchObject({ end: 'found', held: 4875, failed: 5000, untold: 8000 })
  })

  it('goes down where the client could not tell at the first rate', () => {
    const { tried, end } = search(1000, rate => (rate < 300 ? 'held' : 'client-limited'))
    expect(tried.slice(0, 4).map(({ rate }) => rate)).toEqual([1000, 500, 250, 375])
    expect(end).toBe('client-limited')
    const never = search(1000, () => 'client-limited')
    expect(never).toMatchObject({ end: 'client-limited', held: undefined })
    expect(never.tried.map(({ rate }) => rate)).toEqual([1000, 500, 250, 125])
  })

  it('ends when no rate holds, and when every rate holds', () => {
    expect(search(1000, () => 'failed')).toMatchObject({ end: 'bounds', held: undefined })
    expect(search(1000, () => 'held')).toMatchObject({ end: 'bounds', failed: undefined })
  })
})
