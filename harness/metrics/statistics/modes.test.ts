import fc from 'fast-check'
import { expect, test } from 'vitest'
import { delayedModes, type LatencyBucket, standingDelay } from './modes.ts'

const body: LatencyBucket[] = [
  { valueMs: 1.8, count: 40_000 },
  { valueMs: 2, count: 50_000 },
  { valueMs: 2.5, count: 10_000 },
]

const at = (valueMs: number, count: number): LatencyBucket => ({ valueMs, count })
const offsets = (buckets: LatencyBucket[], p50Ms = 2) => delayedModes(buckets, p50Ms).map(({ offsetMs }) => offsetMs)

test('delayedModes() names each peak and counts its samples', () => {
  const peaks = [at(41, 20), at(43, 10), at(202, 15), at(1002, 12)]
  expect(delayedModes([...body, ...peaks], 2)).toEqual([
    { offsetMs: 40, name: 'delayed ACK', count: 30 },
    { offsetMs: 200, name: 'retransmission timeout', count: 15 },
    { offsetMs: 1000, name: 'SYN retransmission', count: 12 },
  ])
  expect(delayedModes(body, 2)).toEqual([])
  expect(delayedModes([], 0)).toEqual([])
})

test('delayedModes() requires ten samples in a peak', () => {
  expect(offsets([...body, at(42, 9)])).toEqual([])
  expect(offsets([...body, at(42, 10)])).toEqual([40])
})

test('delayedModes() requires a peak within a tenth of its expected place', () => {
  // 42 ms: 37.8 to 46.2.
  expect(offsets([...body, at(37.7, 20)])).toEqual([])
  expect(offsets([...body, at(37.9, 20)])).toEqual([40])
  expect(offsets([...body, at(46.1, 20)])).toEqual([40])
  expect(offsets([...body, at(46.3, 20)])).toEqual([])
})

test('delayedModes() requires five times the mean of the neighbourhoods, which are equally wide as a ratio', () => {
  // Neighbourhoods of 42 ms: 30.93 to 37.8 and 46.2 to 56.47.
  expect(offsets([...body, at(42, 50), at(31, 10), at(56.4, 10)])).toEqual([40])
  expect(offsets([...body, at(42, 49), at(31, 10), at(56.4, 10)])).toEqual([])
  expect(offsets([...body, at(42, 50), at(31, 21)])).toEqual([])
  expect(offsets([...body, at(42, 50), at(30.9, 900), at(56.5, 900)])).toEqual([40])
})

test('delayedModes() ignores delays of which the median is half or more', () => {
  expect(offsets([at(19.9, 1000), at(59.9, 100)], 19.9)).toEqual([40])
  expect(offsets([at(20, 1000), at(60, 100)], 20)).toEqual([])
  expect(offsets([at(150, 1000), at(350, 100), at(1150, 100)], 150)).toEqual([1000])
})

test('delayedModes() finds none in a smooth tail', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1, max: 2, noNaN: true }),
      fc.double({ min: 0.5, max: 15, noNaN: true }),
      (power, p50) => {
        const tail = Array.from({ length: 2000 }, (_, step) => p50 * 1.005 ** step)
        const buckets = tail.map(valueMs => at(valueMs, 1e6 * (p50 / valueMs) ** power))
        expect(delayedModes(buckets, p50)).toEqual([])
      },
    ),
  )
})

test('standingDelay() names the delay at which the median stands, where the network is much faster', () => {
  const late = [at(41, 900), at(43, 95), at(80, 5)]
  expect(standingDelay(late, 41, 0.05)).toEqual({ offsetMs: 40, name: 'delayed ACK', share: 0.995 })
  expect(standingDelay([at(204, 60), at(1, 40)], 204, 2)).toEqual({
    offsetMs: 200,
    name: 'retransmission timeout',
    share: 0.6,
  })
})

test('standingDelay() finds none over a slow network, beside the delays, and of few replies', () => {
  const late = [at(41, 1000)]
  expect(standingDelay(late, 41, 2.1)).toBeUndefined()
  expect(standingDelay([at(39, 1000)], 39, 0.05)).toBeUndefined()
  expect(standingDelay([at(46, 1000)], 46, 0.05)).toBeUndefined()
  expect(standingDelay([at(1005, 1000)], 1005, 0.05)).toBeUndefined()
  expect(standingDelay([at(41, 19)], 41, 0.05)).toBeUndefined()
  expect(standingDelay([], 0, 0.05)).toBeUndefined()
})
