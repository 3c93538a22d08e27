import { expect, test } from 'vitest'
import { createSlab, field, instant } from '../../metrics/slab.ts'
import { RunClock } from './runClock.ts'

function startedClock() {
  const slab = createSlab(1)
  slab.instants[instant.start] = 1100
  const clock = new RunClock(slab, 500, 1000)
  expect(clock.start()).toBe(100)
  clock.begin()
  return { slab, clock }
}

test('RunClock has no end before the run has begun', () => {
  expect(new RunClock(createSlab(1), 500, 0).isOver(Number.MAX_SAFE_INTEGER)).toBe(false)
})

test('RunClock ends a run at its length after its start', () => {
  const { slab, clock } = startedClock()
  expect(clock.isOver(599.9)).toBe(false)
  expect(clock.isOver(600)).toBe(true)
  clock.close(650)
  expect(slab.instants[instant.end]).toBe(1600)
})

test('RunClock extends the run when the main thread says so before the end', () => {
  const { slab, clock } = startedClock()
  Atomics.store(slab.fields, field.extensionMs, 400)
  expect(clock.isOver(600)).toBe(false)
  expect(clock.endAt).toBe(1000)
  expect(clock.isOver(1000)).toBe(true)
})

test('RunClock ends the run early at a stop', () => {
  const { slab, clock } = startedClock()
  clock.close(250)
  expect(clock.endAt).toBe(250)
  expect(slab.instants[instant.end]).toBe(1250)
})
