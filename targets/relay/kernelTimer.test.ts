import { readdirSync } from 'node:fs'
import { afterEach, expect, test } from 'vitest'
import { monotonicClock } from '../../harness/clock.ts'
import { assert } from '../../harness/errors.ts'
import { kernelTimers } from './kernelTimer.ts'
import { Timeline } from './timeline.ts'
import { type CreateWakeTimer, createMillisecondTimer, type WakeTimer } from './wakeTimer.ts'

const open: { close(): void }[] = []

afterEach(() => {
  for (const timer of open.splice(0)) timer.close()
})

const missing = kernelTimers(0)
if (typeof missing === 'string') console.warn(`skipped: timers of the kernel, because ${missing}`)
const testKernel = test.skipIf(typeof missing === 'string')

function timers(pollMs: number): CreateWakeTimer {
  const created = kernelTimers(pollMs)
  assert(typeof created !== 'string', String(created))
  return created
}

/** A timer, and a promise of the time at which it wakes next. */
function observe(create: CreateWakeTimer): { readonly timer: WakeTimer; woken(): Promise<number> } {
  let resolve: (nowMs: number) => void = () => {}
  const timer = create(() => resolve(monotonicClock.now()))
  open.push(timer)
  const woken = () =>
    new Promise<number>(done => {
      resolve = done
    })
  return { timer, woken }
}

testKernel('a kernel timer wakes after its time, again and again', async () => {
  const { timer, woken } = observe(timers(0))
  for (const delayMs of [0.05, 3.25, 0.3, 1001 / 1000]) {
    const beforeMs = monotonicClock.now()
    timer.set(delayMs)
    expect(await woken()).toBeGreaterThanOrEqual(beforeMs + delayMs)
  }
})

testKernel('a kernel timer wakes at the last time that was set', async () => {
  const { timer, woken } = observe(timers(0))
  const beforeMs = monotonicClock.now()
  timer.set(3_600_000)
  timer.set(1)
  expect(await woken()).toBeGreaterThanOrEqual(beforeMs + 1)
  timer.set(0.1)
  timer.set(5)
  const laterMs = monotonicClock.now()
  expect(await woken()).toBeGreaterThanOrEqual(laterMs + 4)
})

const everyTimer: [name: string, create: () => CreateWakeTimer][] = [
  ['milliseconds', () => createMillisecondTimer],
  ['the kernel', () => timers(0)],
  ['the kernel, polling within 50 us', () => timers(0.05)],
  ['the kernel, polling all the time', () => timers(10)],
]

const available = everyTimer.slice(0, typeof missing === 'string' ? 1 : undefined)

test.each(available)('Timeline runs no job early with timers of %s', async (_, create) => {
  const timeline = new Timeline(create())
  open.push(timeline)
  const earlyMs: number[] = []
  await new Promise<void>(resolve => {
    const dueIn = [0, 0.001, 0.02, 0.049, 0.051, 0.15, 0.15, 0.3, 1.2, 4]
    const beforeMs = timeline.now()
    for (const delayMs of dueIn) {
      const job = {
        dueMs: 0,
        sequence: 0,
        fire: (nowMs: number) => {
          earlyMs.push(beforeMs + delayMs - nowMs)
          if (earlyMs.length === dueIn.length) resolve()
        },
      }
      timeline.add(job, beforeMs + delayMs)
    }
  })
  expect(Math.max(...earlyMs)).toBeLessThanOrEqual(0)
  expect(timeline.fired).toBe(10)
})

testKernel('a closed kernel timer never wakes, and its descriptor is closed', async () => {
  const descriptors = () => readdirSync('/proc/self/fd').length
  const before = descriptors()
  let wakes = 0
  const closed = Array.from({ length: 50 }, () => timers(0.05)(() => wakes++))
  for (const [index, timer] of closed.entries()) {
    timer.set(index % 2 === 0 ? 0.01 : 1)
    timer.close()
    timer.set(0.01)
  }
  await new Promise(resolve => setTimeout(resolve, 10))
  expect(wakes).toBe(0)
  expect(descriptors()).toBeLessThan(before + closed.length)
})
