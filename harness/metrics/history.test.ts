import { describe, expect, it } from 'vitest'
import { History } from './history.ts'

describe('History', () => {
  it('keeps readings that are far enough apart', () => {
    const history = new History<number>(100, 10)
    for (const at of [0, 50, 95, 120, 200]) history.add(at, () => at * 2)
    expect(history.since(0)).toEqual([
      { at: 0, reading: 0 },
      { at: 95, reading: 190 },
      { at: 200, reading: 400 },
    ])
    expect(history.since(95).map(({ at }) => at)).toEqual([95, 200])
  })

  it('never exceeds its capacity, and stays evenly spaced', () => {
    const history = new History<number>(1, 16)
    for (let at = 0; at < 1000; at++) history.add(at, () => at)
    const times = history.since(0).map(({ at }) => at)
    expect(times.length).toBeLessThan(16)
    expect(times.length).toBeGreaterThanOrEqual(7)
    const gaps = new Set(times.slice(1).map((at, index) => at - times[index]!))
    expect([...gaps]).toEqual([128])
  })

  it('is empty after clear()', () => {
    const history = new History<number>(1, 4)
    history.add(5, () => 1)
    history.clear()
    history.add(1, () => 2)
    expect(history.since(0)).toEqual([{ at: 1, reading: 2 }])
  })
})
