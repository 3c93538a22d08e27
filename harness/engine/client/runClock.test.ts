import { expect, test } from 'vitest'
import { createSlab, field, instant } from '../../metrics/slab.ts'
import { RunClock } from './runClock.ts'

function started() {
  const slab = createSlab(1)
  slab.instants[instant.start] = 1100
  const times = new RunClock(slab, 500, 1000)
  expect(times.start()).toBe(100)
  times.begin()
  return { slab, times }
}

test('RunClock has no end before the run has begun', () => {
  expect(new RunClock(createSlab(1), 500, 0).isOver(Number.MAX_SAFE_INTEGER)).toBe(false)
})

test('RunClock ends a run at its length after its start', () => {
  const { slab, times } = started()
  expect(times.isOver(599.9)).toBe(false)
  expect(times.isOver(600)).toBe(true)
  times.close(650)
  expect(slab.instants[instant.end]).toBe(1600)
})

test('RunClock puts the end off when it is told so in time', () => {
  const { slab, times } = started()
  Atomics.store(slab.fields, field.extensionMs, 400)
  expect(times.isOver(600)).toBe(false)
  expect(times.endAt).toBe(1000)
  expect(times.isOver(1000)).toBe(true)
})

test('RunClock closes early when it is told to stop', () => {
  const { slab, times } = started()
  times.close(250)
  expect(times.endAt).toBe(250)
  expect(slab.instants[instant.end]).toBe(1250)
})
