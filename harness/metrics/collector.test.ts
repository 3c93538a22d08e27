import { expect, test } from 'vitest'
import { failureIndex } from '../failures.ts'
import { Collector } from './collector.ts'
import { bucketIndex, countsLength, toTicks } from './histogram.ts'
import { createSlab, field, histogram, type Slab, sum } from './slab.ts'

function addReplies(slab: Slab, step: number, milliseconds: number, times: number): void {
  slab.counts[(histogram.steps + step) * countsLength + bucketIndex(toTicks(milliseconds))]! += times
  slab.fields[field.sent]! += times
  slab.fields[field.completed]! += times
}

function collectorOf(slabs: Slab[], warmupMs: number, isWarmupAutomatic = false): Collector {
  let cpu = 0
  return new Collector({
    slabs,
    connections: 4,
    warmupMs,
    isWarmupAutomatic,
    clientCpuSeconds: () => (cpu += 0.01),
    serverCpuSeconds: () => undefined,
    rssBytes: () => 1,
  })
}

test('Collector adds up workers, and leaves the warm-up out of the measured part', () => {
  const slabs = [createSlab(2), createSlab(2)]
  const collector = collectorOf(slabs, 1000)
  collector.begin(5000)
  addReplies(slabs[0]!, 0, 50, 100)
  collector.read(6000)
  addReplies(slabs[0]!, 0, 1, 300)
  addReplies(slabs[1]!, 1, 2, 100)
  collector.read(7000)
  const measured = collector.measured(8000)
  expect(measured.windowMs).toBe(2000)
  expect(measured.completed).toBe(400)
  expect(measured.response.histogram.maxValue / 10_000).toBeCloseTo(2, 2)
  expect(measured.steps.map(step => step.count)).toEqual([300, 100])
  expect(collector.total(field.completed)).toBe(500)
})

/** Ten readings per second with 100 replies each, whose response time is `milliseconds(second)`. */
function runFor(collector: Collector, slab: Slab, seconds: number, milliseconds: (second: number) => number): void {
  collector.begin(5000)
  for (let tenth = 0; tenth < seconds * 10; tenth++) {
    const responseMs = milliseconds(tenth / 10)
    addReplies(slab, 0, responseMs, 100)
    slab.sums[sum.responseMs]! += responseMs * 100
    collector.read(5000 + (tenth + 1) * 100)
    collector.endSeconds()
  }
}

test('Collector leaves out the start that differs from the rest if the warm-up is automatic', () => {
  const slab = createSlab(1)
  const collector = collectorOf([slab], 1000, true)
  runFor(collector, slab, 12, second => (second < 2.6 ? 5 : 1))
  const measured = collector.measured(17_000)
  expect(measured).toMatchObject({ warmupMs: 3000, windowMs: 9000, completed: 9000 })
  expect(measured.steadyState).toMatchObject({ isUnsteady: false, what: 'mean response time' })
  expect(measured.response.histogram.maxValue / 10_000).toBeCloseTo(1, 2)
  expect(measured.timeSeries!.meansMs).toHaveLength(90)
})

test('Collector leaves out the minimum in a steady run and in a short run', () => {
  const even = createSlab(1)
  const evenCollector = collectorOf([even], 1000, true)
  runFor(evenCollector, even, 12, () => 1)
  expect(evenCollector.measured(17_000)).toMatchObject({ warmupMs: 1000, windowMs: 11_000 })
  const short = createSlab(1)
  const shortCollector = collectorOf([short], 1000, true)
  runFor(shortCollector, short, 4, second => (second < 2 ? 5 : 1))
  expect(shortCollector.measured(9000)).toMatchObject({ warmupMs: 1000, steadyState: { isUnsteady: false } })
})

test('Collector measures the second half of a run without a steady state', () => {
  const rising = createSlab(1)
  const risingCollector = collectorOf([rising], 1000, true)
  runFor(risingCollector, rising, 12, second => 1 + second)
  const measured = risingCollector.measured(17_000)
  expect(measured).toMatchObject({ warmupMs: 7000, steadyState: { isUnsteady: true, what: 'mean response time' } })
})

test('Collector has no steady state if the warm-up is set, or before its minimum is over', () => {
  const slab = createSlab(1)
  const set = collectorOf([slab], 1000)
  runFor(set, slab, 3, () => 1)
  expect(set.steadyState(8000)).toBeUndefined()
  const automatic = collectorOf([slab], 1000, true)
  expect(automatic.steadyState(5000)).toBeUndefined()
})

test('Collector follows counters that wrap at 2^32', () => {
  const slab = createSlab(1)
  const collector = collectorOf([slab], 0)
  collector.begin(0)
  for (let reading = 1; reading <= 5; reading++) {
    slab.fields[field.bytesSent] = (reading * 3_000_000_000) | 0
    slab.counts[histogram.steps * countsLength] = (reading * 3_000_000_000) >>> 0
    collector.read(reading * 1000)
    collector.endSeconds()
  }
  expect(collector.total(field.bytesSent)).toBe(15_000_000_000)
  expect(collector.measured(5000).completed).toBe(15_000_000_000)
})

test('Collector ends seconds with the counts of each', () => {
  const slab = createSlab(1)
  const collector = collectorOf([slab], 1000)
  collector.begin(0)
  addReplies(slab, 0, 10, 1000)
  collector.read(1000)
  expect(collector.endSeconds()).toMatchObject([{ second: 1, warmup: true, completed: 1000, perSecond: 1000 }])
  addReplies(slab, 0, 1, 3000)
  slab.fields[field.failures + failureIndex.timeout] = 7
  slab.fields[field.failed] = 7
  collector.read(2500)
  const [second, ...others] = collector.endSeconds()
  expect(others).toEqual([])
  expect(second).toMatchObject({ second: 2, warmup: false, completed: 3000, failed: 7, perSecond: 2000 })
  expect(second!.p50).toBeCloseTo(1, 2)
  expect(second!.max).toBeCloseTo(1, 2)
  expect(collector.failures()).toEqual({ timeout: 7 })
})

test('Collector divides the replies of a second by the time in which they were counted', () => {
  const slab = createSlab(1)
  const collector = collectorOf([slab], 0)
  collector.begin(0)
  addReplies(slab, 0, 1, 1090)
  collector.read(1090)
  expect(collector.endSeconds()).toMatchObject([{ completed: 1090, perSecond: 1000, unwanted: true }])
  addReplies(slab, 0, 1, 960)
  slab.sums[sum.wantedMs] = 960
  collector.read(2050)
  const [second] = collector.endSeconds()
  expect(second).toMatchObject({ completed: 960, perSecond: 1000 })
  expect(second).not.toHaveProperty('unwanted')
  expect(collector.endSeconds()).toEqual([])
  // The run has ended at 3.2 s, and is read after a wait for late replies.
  addReplies(slab, 0, 1, 1150)
  slab.sums[sum.wantedMs] = 2110
  collector.read(4000)
  const rest = collector.endSeconds(3200)
  expect(rest).toMatchObject([
    { second: 3, perSecond: 1000, completed: 958 },
    { second: 4, seconds: 0.2, perSecond: 1000, completed: 192 },
  ])
  expect(collector.endSeconds(3200)).toEqual([])
})

test('Collector ends seconds with the bytes written and read and the connections opened in each', () => {
  const slab = createSlab(1)
  const collector = collectorOf([slab], 0)
  slab.fields[field.connects] = 4
  slab.fields[field.open] = 4
  slab.fields[field.bytesSent] = 77
  collector.read(0)
  collector.begin(0)
  slab.fields[field.bytesSent]! += 2000
  slab.fields[field.bytesReceived]! += 3000
  collector.read(1000)
  // Bytes sent before the start, as in a handshake, belong to no second.
  expect(collector.endSeconds()).toMatchObject([{ bytesSent: 2000, bytesReceived: 3000, connections: 4, connects: 0 }])
  slab.fields[field.bytesSent]! += 500
  slab.fields[field.connects]! += 2
  slab.fields[field.open]! -= 1
  collector.read(2000)
  expect(collector.endSeconds()).toMatchObject([{ bytesSent: 500, bytesReceived: 0, connections: 3, connects: 2 }])
  const { bytesPerSecond } = collector.snapshot({ elapsedMs: 2000, phase: 'measuring' })
  expect(bytesPerSecond).toEqual({ sent: 500, received: 0 })
})

test('Collector makes snapshots', () => {
  const slab = createSlab(1)
  const collector = collectorOf([slab], 0)
  expect(collector.snapshot({ elapsedMs: 0, phase: 'opening' })).toMatchObject({
    elapsedMs: 0,
    completed: 0,
    requestsPerSecond: 0,
    history: [],
  })
  collector.begin(0)
  slab.fields[field.open] = 3
  for (let reading = 1; reading <= 30; reading++) {
    addReplies(slab, 0, reading / 10, 100)
    collector.read(reading * 100)
  }
  slab.fields[field.sent]! += 4
  collector.read(3001)
  const snapshot = collector.snapshot({ elapsedMs: 3000, phase: 'measuring' })
  expect(snapshot).toMatchObject({ elapsedMs: 3000, completed: 3000, sent: 3004, inFlight: 4 })
  expect(snapshot.connections).toEqual({ open: 3, wanted: 4 })
  expect(snapshot.requestsPerSecond).toBeGreaterThan(900)
  expect(snapshot.requestsPerSecond).toBeLessThan(1100)
  expect(snapshot.response.p50).toBeCloseTo(1.5, 1)
  expect(snapshot.response.p9999).toBeUndefined()
  expect(snapshot.distribution.counts.reduce((sum, count) => sum + count, 0)).toBe(3000)
  expect(snapshot.server).toBeUndefined()
})

test('Collector takes the sums of a checkpoint before it reads the histograms, which takes long', () => {
  const slab = createSlab(1)
  let isRead = false
  // Requests stay in flight while the histograms are read.
  const counts = new Proxy(slab.counts, {
    get(target, key) {
      if (typeof key === 'string' && /^\d+$/.test(key) && !isRead) {
        isRead = true
        slab.sums[sum.inFlightMs] = 500
      }
      return Reflect.get(target, key)
    },
  })
  const collector = collectorOf([{ ...slab, counts }], 1000)
  collector.begin(5000)
  isRead = false
  slab.sums[sum.inFlightMs] = 0
  collector.read(6000)
  expect(isRead).toBe(true)
  collector.read(7000)
  expect(collector.measured(7000).timeSeries!.inFlightMean).toBe(0.5)
})

test('Collector reads every histogram at least once a minute, so that no count wraps unseen', () => {
  const slab = createSlab(1)
  const collector = collectorOf([slab], 1000)
  const lag = histogram.clientLag * countsLength + 5
  collector.begin(5000)
  collector.read(6000)
  for (let second = 1; second <= 120; second++) {
    slab.counts[lag]! += 5e7
    collector.read(6000 + second * 1000)
    collector.endSeconds()
  }
  expect(collector.measured(126_000).clientLag.histogram.totalCount).toBe(120 * 5e7)
})
