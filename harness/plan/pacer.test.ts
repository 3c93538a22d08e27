import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createPrng, streamSeed } from '../prng.ts'
import { type Pace, Pacer, plannedUntil, type RateSegment } from './pacer.ts'

function timesOf(pace: Pace, { index = 0, workers = 1, seed = 1, most = 1_000_000 } = {}): number[] {
  const pacer = new Pacer(pace, { index, workers, prng: createPrng(streamSeed(seed, index)) })
  const times: number[] = []
  for (; pacer.next < Number.POSITIVE_INFINITY && times.length < most; pacer.advance()) times.push(pacer.next)
  return times
}

const steady = (rate: number, lengthMs: number): RateSegment => ({ lengthMs, from: rate, to: rate })
const segments = fc.array(
  fc.record({
    lengthMs: fc.integer({ min: 1, max: 2000 }),
    from: fc.integer({ min: 0, max: 500 }),
    to: fc.integer({ min: 0, max: 500 }),
  }),
  { minLength: 1, maxLength: 4 },
)

describe('Pacer', () => {
  it('spaces a constant rate evenly from the start', () => {
    const times = timesOf({ arrivals: 'constant', segments: [steady(1000, 10)] })
    expect(times).toHaveLength(10)
    times.forEach((time, index) => {
      expect(time).toBeCloseTo(index, 9)
    })
  })

  it('follows a ramp: the k-th arrival of 0 to 100/s in 10 s is at sqrt(2 k / 10) s', () => {
    const times = timesOf({ arrivals: 'constant', segments: [{ lengthMs: 10_000, from: 0, to: 100 }] })
    expect(times).toHaveLength(500)
    expect(times[5]).toBeCloseTo(1000, 6)
    expect(times[320]).toBeCloseTo(8000, 6)
  })

  it('skips a segment without requests', () => {
    const pace: Pace = { arrivals: 'constant', segments: [steady(10, 1000), steady(0, 5000), steady(10, 1000)] }
    const times = timesOf(pace)
    expect(times).toHaveLength(20)
    expect(times[9]).toBeCloseTo(900, 6)
    expect(times[10]).toBeCloseTo(6000, 6)
  })

  it('divides constant arrivals among workers so that together they have the whole plan', () => {
    fc.assert(
      fc.property(segments, fc.integer({ min: 1, max: 5 }), (parts, workers) => {
        const pace: Pace = { arrivals: 'constant', segments: parts }
        const together = Array.from({ length: workers }, (_, index) => timesOf(pace, { index, workers }))
          .flat()
          .sort((a, b) => a - b)
        const alone = timesOf(pace)
        expect(together).toHaveLength(alone.length)
        // One comparison a run: a matcher a time would take most of the time of these tests.
        expect(together.findIndex((time, at) => Math.abs(time - alone[at]!) > 5e-7)).toBe(-1)
      }),
    )
  })

  it('has ascending times within the plan, each where the area reaches its mass', () => {
    fc.assert(
      fc.property(segments, fc.constantFrom('poisson' as const, 'constant' as const), (parts, arrivals) => {
        const pace: Pace = { arrivals, segments: parts }
        const lengthMs = parts.reduce((sum, part) => sum + part.lengthMs, 0)
        const times = timesOf(pace)
        expect(times.findIndex((time, at) => time < (times[at - 1] ?? 0) || time > lengthMs + 1e-6)).toBe(-1)
        if (arrivals === 'constant') {
          expect(times.findIndex((time, at) => Math.abs(plannedUntil(pace, time) - at) > 5e-6)).toBe(-1)
        }
      }),
    )
  })

  it('draws Poisson arrivals whose gaps have the mean and the variance of the exponential distribution', () => {
    const times = timesOf({ arrivals: 'poisson', segments: [steady(1000, 100_000)] })
    const gaps = times.map((time, at) => time - (times[at - 1] ?? 0))
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length
    const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length
    // 100,000 gaps: four standard errors are 1.3 % of the mean and 3.6 % of the variance.
    expect(Math.abs(mean - 1)).toBeLessThan(0.013)
    expect(Math.abs(variance - 1)).toBeLessThan(0.036)
  })

  it('has the same times for the same seed, and different ones for another', () => {
    const pace: Pace = { arrivals: 'poisson', segments: [steady(100, 1000)] }
    expect(timesOf(pace, { seed: 5 })).toEqual(timesOf(pace, { seed: 5 }))
    expect(timesOf(pace, { seed: 6 })).not.toEqual(timesOf(pace, { seed: 5 }))
  })

  it('has a time for an arrival at the edge of a segment that begins at rate 0', () => {
    const edges = [
      { lengthMs: 400, from: 0, to: 0.7 },
      { lengthMs: 2600, from: 0.7, to: 33 },
      { lengthMs: 9700, from: 33, to: 0 },
    ]
    for (const to of [0, 50]) {
      const times = timesOf({ arrivals: 'constant', segments: [...edges, { lengthMs: 1000, from: 0, to }] })
      expect(times.every(time => Number.isFinite(time) && time >= 0)).toBe(true)
      expect(times).toEqual([...times].sort((a, b) => a - b))
      expect(times.length).toBeGreaterThanOrEqual(204)
    }
  })

  it('has no arrivals without a rate', () => {
    expect(timesOf({ arrivals: 'poisson', segments: [steady(0, 1000)] })).toEqual([])
    expect(timesOf({ arrivals: 'constant', segments: [] })).toEqual([])
  })
})

describe('plannedUntil()', () => {
  it('is the area under the rate', () => {
    const pace: Pace = { arrivals: 'constant', segments: [{ lengthMs: 1000, from: 0, to: 100 }, steady(100, 1000)] }
    expect([0, 500, 1000, 1500, 9000].map(time => plannedUntil(pace, time))).toEqual([0, 12.5, 50, 100, 150])
  })
})
