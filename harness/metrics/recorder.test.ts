import { expect, test } from 'vitest'
import { failureIndex } from '../failures.ts'
import { bucketIndex, countsLength, toTicks } from './histogram.ts'
import { Recorder } from './recorder.ts'
import { createSlab, field, histogram, type Slab } from './slab.ts'

function answer(slab: Slab, step: number, milliseconds: number, times: number): void {
  slab.counts[(histogram.steps + step) * countsLength + bucketIndex(toTicks(milliseconds))]! += times
  slab.fields[field.sent]! += times
  slab.fields[field.completed]! += times
}

function recorderOf(slabs: Slab[], warmupMs: number): Recorder {
  let cpu = 0
  return new Recorder({
    slabs,
    connections: 4,
    warmupMs,
    clientCpuSeconds: () => (cpu += 0.01),
    serverCpuSeconds: () => undefined,
    rssBytes: () => 1,
  })
}

test('Recorder adds workers together and leaves the warm-up out of the window', () => {
  const slabs = [createSlab(2), createSlab(2)]
  const recorder = recorderOf(slabs, 1000)
  recorder.begin(5000)
  answer(slabs[0]!, 0, 50, 100)
  recorder.read(6000)
  answer(slabs[0]!, 0, 1, 300)
  answer(slabs[1]!, 1, 2, 100)
  recorder.read(7000)
  const measured = recorder.measured(8000)
  expect(measured.windowMs).toBe(2000)
  expect(measured.completed).toBe(400)
  expect(measured.response.maxValue / 10_000).toBeCloseTo(2, 2)
  expect(measured.steps.map(step => step.totalCount)).toEqual([300, 100])
  expect(recorder.total(field.completed)).toBe(500)
})

test('Recorder follows counters that wrap at 2^32', () => {
  const slab = createSlab(1)
  const recorder = recorderOf([slab], 0)
  recorder.begin(0)
  for (let reading = 1; reading <= 5; reading++) {
    slab.fields[field.bytesSent] = (reading * 3_000_000_000) | 0
    slab.counts[histogram.steps * countsLength] = (reading * 3_000_000_000) >>> 0
    recorder.read(reading * 1000)
    recorder.endSecond()
  }
  expect(recorder.total(field.bytesSent)).toBe(15_000_000_000)
  expect(recorder.measured(5000).completed).toBe(15_000_000_000)
})

test('Recorder closes seconds with what happened in each', () => {
  const slab = createSlab(1)
  const recorder = recorderOf([slab], 1000)
  recorder.begin(0)
  answer(slab, 0, 10, 1000)
  recorder.read(1000)
  expect(recorder.endSecond()).toMatchObject({ second: 1, warmup: true, completed: 1000, perSecond: 1000 })
  answer(slab, 0, 1, 3000)
  slab.fields[field.failures + failureIndex.timeout] = 7
  slab.fields[field.failed] = 7
  recorder.read(2500)
  const second = recorder.endSecond()
  expect(second).toMatchObject({ second: 2, warmup: false, completed: 3000, failed: 7, perSecond: 2000 })
  expect(second.p50).toBeCloseTo(1, 2)
  expect(second.max).toBeCloseTo(1, 2)
  expect(recorder.failures()).toEqual({ timeout: 7 })
})

test('Recorder tells a screen how things stand', () => {
  const slab = createSlab(1)
  const recorder = recorderOf([slab], 0)
  expect(recorder.snapshot('opening')).toMatchObject({ elapsedMs: 0, completed: 0, requestsPerSecond: 0, history: [] })
  recorder.begin(0)
  slab.fields[field.open] = 3
  for (let reading = 1; reading <= 30; reading++) {
    answer(slab, 0, reading / 10, 100)
    recorder.read(reading * 100)
  }
  slab.fields[field.sent]! += 4
  recorder.read(3001)
  const snapshot = recorder.snapshot('measuring')
  expect(snapshot).toMatchObject({ elapsedMs: 3001, completed: 3000, sent: 3004, inFlight: 4 })
  expect(snapshot.connections).toEqual({ open: 3, wanted: 4 })
  expect(snapshot.requestsPerSecond).toBeGreaterThan(900)
  expect(snapshot.requestsPerSecond).toBeLessThan(1100)
  expect(snapshot.response.p50).toBeCloseTo(1.5, 1)
  expect(snapshot.response.p9999).toBeUndefined()
  expect(snapshot.distribution.counts.reduce((sum, count) => sum + count, 0)).toBe(3000)
  expect(snapshot.server).toBeUndefined()
})
