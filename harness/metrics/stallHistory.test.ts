import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { StallWatch } from '../engine/client/stalls.ts'
import { propertyRuns } from '../testing/propertyRuns.ts'
import { createSlab, instant, stallRecord } from './slab.ts'
import { LongestGaps, StallHistory } from './stallHistory.ts'

const offsetMs = 5000

/** A worker that started at 100 ms of its own clock, and the history of its stalls. */
function worker() {
  const slab = createSlab(1)
  slab.instants[instant.start] = 100 + offsetMs
  return { watch: new StallWatch(slab, offsetMs), history: new StallHistory([slab]) }
}

describe('StallWatch', () => {
  test('records how late a loop woke, when that began and what was in flight', () => {
    const { watch, history } = worker()
    watch.asked(200, 3)
    watch.woke(1200)
    history.read()
    expect(history.since(0)).toEqual({ ms: 1000, atMs: 100, requests: 3 })
  })

  test.each([
    ['that is a few milliseconds late', 200, 3, 204.9],
    ['that is early', 200, 3, 150],
    ['without a request in flight', 200, 0, 1200],
  ])('records no wake %s', (_, askedFor, inFlight, now) => {
    const { watch, history } = worker()
    watch.asked(askedFor, inFlight)
    watch.woke(now)
    history.read()
    expect(history.since(0)).toBeUndefined()
  })

  test('adds what came due meanwhile, also where nothing was in flight', () => {
    const slab = createSlab(1)
    slab.instants[instant.start] = 100 + offsetMs
    const asked: number[] = []
    const watch = new StallWatch(slab, offsetMs, time => {
      asked.push(time)
      return time < 1000 ? 0 : 40
    })
    const history = new StallHistory([slab])
    watch.asked(200, 0)
    watch.woke(202)
    watch.asked(300, 0)
    watch.woke(400)
    history.read()
    // Nothing waited for the one at 300, and the first was no stall.
    expect(history.since(0)).toBeUndefined()
    expect(asked).toEqual([400])
    watch.asked(500, 2)
    watch.woke(1500)
    watch.asked(2000, 0)
    watch.woke(2900)
    history.read()
    expect(history.since(0)).toEqual({ ms: 1000, atMs: 400, requests: 42 })
    expect(history.since(1500)).toEqual({ ms: 900, atMs: 1900, requests: 40 })
  })

  test('takes the time between two wakes once', () => {
    const { watch, history } = worker()
    watch.asked(200, 1)
    watch.woke(300)
    watch.woke(5000)
    history.read()
    expect(history.since(0)).toMatchObject({ ms: 100 })
  })
})

describe('StallHistory', () => {
  test('loses none between two readings, up to the room there is, and then the oldest', () => {
    const { watch, history } = worker()
    let now = 200
    const stall = (ms: number) => {
      watch.asked(now, 1)
      now += ms
      watch.woke(now)
    }
    for (const ms of [90, ...new Array(stallRecord.count - 1).fill(10)]) stall(ms)
    history.read()
    expect(history.since(0)!.ms).toBeCloseTo(90, 9)
    for (const ms of [900, ...new Array(stallRecord.count).fill(10)]) stall(ms)
    history.read()
    expect(history.since(0)!.ms).toBeCloseTo(90, 9)
  })

  test('counts the requests of all workers that stood still at the same time, and of no other time', () => {
    const slabs = [createSlab(1), createSlab(1), createSlab(1)]
    const watches = slabs.map(slab => new StallWatch(slab, 0))
    const history = new StallHistory(slabs)
    const stall = (worker: number, from: number, to: number, inFlight: number) => {
      watches[worker]!.asked(from, inFlight)
      watches[worker]!.woke(to)
    }
    stall(0, 1000, 4000, 3)
    stall(1, 1050, 4010, 5)
    stall(2, 1000, 1090, 7)
    stall(2, 6000, 6500, 11)
    history.read()
    expect(history.since(0)).toEqual({ ms: 3000, atMs: 1000, requests: 8 })
    expect(history.since(5000)).toEqual({ ms: 500, atMs: 6000, requests: 11 })
    expect(history.since(7000)).toBeUndefined()
  })
})

test('LongestGaps.since() is the longest that ended after a time', () => {
  const lengths = fc.array(fc.tuple(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 5, max: 40 })), {
    maxLength: 60,
  })
  fc.assert(
    fc.property(lengths, fc.integer({ min: 0, max: 3000 }), (parts, since) => {
      let atMs = 0
      const gaps = parts.map(([pause, ms]) => {
        const gap = { atMs: atMs + pause, ms }
        atMs = gap.atMs + ms
        return gap
      })
      const longest = new LongestGaps()
      for (const gap of gaps) longest.add(gap)
      const after = gaps.filter(gap => gap.atMs + gap.ms > since).map(({ ms }) => ms)
      expect(longest.since(since)?.ms).toBe(after.length === 0 ? undefined : Math.max(...after))
    }),
    { numRuns: propertyRuns },
  )
})
