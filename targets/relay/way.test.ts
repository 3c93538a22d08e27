import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { RelaySettings } from '../../harness/relaySettings.ts'
import { createWays } from './way.ts'

function up(settings: RelaySettings, seed = 1) {
  return createWays(settings, seed).up
}

test('a way without settings takes no time', () => {
  const way = up({})
  expect([0.1, 7.3].map(nowMs => way.arrivalMs(nowMs, 1000))).toEqual([0.1, 7.3])
  expect(way.markArrivalMs(8.7)).toBe(8.7)
  expect([way.loses(), way.resets()]).toEqual([false, false])
})

test('a way takes half of the round trip', () => {
  const way = up({ rtt: 75 })
  expect(way.markArrivalMs(1)).toBe(38.5)
  expect(way.arrivalMs(1, 100)).toBe(38.5)
})

test('a way passes on one byte after the other', () => {
  // 8 kbit/s is one byte a millisecond.
  const way = up({ rate: 8000, rtt: 10 })
  expect(way.arrivalMs(0, 100)).toBe(105)
  expect(way.arrivalMs(20, 50)).toBe(155)
  expect(way.markArrivalMs(30)).toBe(155)
  expect(way.arrivalMs(500, 1)).toBe(506)
})

test('no more than its rate passes a way in any span of time, and no less while something waits', () => {
  const arrivals = fc.array(fc.record({ afterMs: fc.nat(30), bytes: fc.integer({ min: 1, max: 50 }) }), {
    minLength: 1,
  })
  fc.assert(
    fc.property(arrivals, segments => {
      const way = up({ rate: 8000 })
      let nowMs = 0
      const passed = segments.map(({ afterMs, bytes }) => {
        nowMs += afterMs
        return { cameMs: nowMs, bytes, throughMs: way.arrivalMs(nowMs, bytes) }
      })
      let freeMs = 0
      for (const { cameMs, bytes, throughMs } of passed) {
        expect(throughMs).toBeCloseTo(Math.max(cameMs, freeMs) + bytes, 6)
        freeMs = throughMs
      }
    }),
  )
})

test('each way has a bottleneck of its own', () => {
  const { up, down } = createWays({ rate: 8000 }, 1)
  expect(up.arrivalMs(0, 1000)).toBe(1000)
  expect(down.arrivalMs(0, 5)).toBe(5)
})

test('jitter is within its limits in both directions, and the same for the same seed', () => {
  const draw = (seed: number) => {
    const { up, down } = createWays({ rtt: 20, jitter: 6 }, seed)
    return Array.from({ length: 500 }, () => [up.arrivalMs(0, 1), down.arrivalMs(0, 1)] as const)
  }
  const trips = draw(7)
  for (const trip of trips.flat()) expect(Math.abs(trip - 10)).toBeLessThanOrEqual(3)
  expect(Math.min(...trips.flat())).toBeLessThan(7.5)
  expect(Math.max(...trips.flat())).toBeGreaterThan(12.5)
  expect(draw(7)).toEqual(trips)
  expect(draw(8)).not.toEqual(trips)
  expect(trips.filter(([there, back]) => there === back)).toHaveLength(0)
})

test('nothing passes in a stall, which is counted from the first byte, and afterwards bytes leave at the rate', () => {
  const { up, down } = createWays({ stall: '1s/10s', rate: 8000 }, 1)
  expect(up.markArrivalMs(50_000)).toBe(50_000)
  expect(up.arrivalMs(100_000, 10)).toBe(100_010)
  expect(down.arrivalMs(108_990, 5)).toBe(108_995)
  expect(up.arrivalMs(108_990, 20)).toBe(110_010)
  expect(up.arrivalMs(109_500, 3)).toBe(110_013)
  expect(down.arrivalMs(109_500, 2)).toBe(110_002)
})

test('nothing passes after a stall without end has begun', () => {
  const way = up({ stall: 'forever@1s', rtt: 10 })
  expect([0, 999, 1000, 5000].map(nowMs => way.arrivalMs(nowMs, 1))).toEqual([5, 1004, ...Array(2).fill(Infinity)])
})

test('a way loses and resets about the given share, and the same segments for the same seed', () => {
  const draw = (seed: number) => {
    const way = up({ loss: 0.2, reset: 0.05 }, seed)
    const drawn = Array.from({ length: 10_000 }, () => [way.loses(), way.resets()])
    return { drawn, lost: way.lost }
  }
  const { drawn, lost } = draw(3)
  expect(drawn.filter(([isLost]) => isLost)).toHaveLength(lost)
  expect(Math.abs(lost - 2000)).toBeLessThan(200)
  expect(Math.abs(drawn.filter(([, isReset]) => isReset).length - 500)).toBeLessThan(110)
  expect(draw(3).drawn).toEqual(drawn)
  expect(up({ loss: 1 }).loses()).toBe(true)
})

test('a lost segment of TCP arrives two round trips later, or 200 ms', () => {
  expect([0, 75, 300].map(rtt => up({ rtt }).retransmitMs)).toEqual([200, 200, 600])
})
