import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { IdleTimeout } from './idleTimeout.ts'

const timeoutMs = 15_000

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

function create() {
  const expired: { name: string; atMs: number }[] = []
  const startedAt = Date.now()
  const timeout = new IdleTimeout<{ name: string; activeTick: number; wheelSlot: number }>(timeoutMs, ({ name }) =>
    expired.push({ name, atMs: Date.now() - startedAt }),
  )
  const add = (name: string) => {
    const member = { name, activeTick: 0, wheelSlot: 0 }
    timeout.add(member)
    return member
  }
  return { timeout, expired, add }
}

test('IdleTimeout expires an idle member once, neither early nor more than two ticks late', () => {
  const { expired, add } = create()
  const addedAt = [0, 1, 700, 1499, 1500, 9000]
  let nowMs = 0
  for (const atMs of addedAt) {
    vi.advanceTimersByTime(atMs - nowMs)
    nowMs = atMs
    add(String(atMs))
  }
  vi.advanceTimersByTime(10 * timeoutMs)
  expect(expired.map(({ name }) => Number(name))).toEqual(addedAt)
  for (const { name, atMs } of expired) {
    expect(atMs - Number(name)).toBeGreaterThanOrEqual(timeoutMs)
    expect(atMs - Number(name)).toBeLessThanOrEqual(timeoutMs * 1.2)
  }
})

test('IdleTimeout counts from the last activity', () => {
  const { timeout, expired, add } = create()
  const busy = add('busy')
  for (let second = 0; second < 60; second++) {
    vi.advanceTimersByTime(1000)
    busy.activeTick = timeout.tick
  }
  expect(expired).toEqual([])
  vi.advanceTimersByTime(timeoutMs * 1.2)
  expect(expired).toHaveLength(1)
  expect(expired[0]!.atMs).toBeGreaterThanOrEqual(60_000 + timeoutMs)
})

test('IdleTimeout counts a busy member as active', () => {
  const expired: number[] = []
  let isBusy = true
  const timeout = new IdleTimeout(
    timeoutMs,
    () => expired.push(Date.now()),
    () => isBusy,
  )
  timeout.add({ activeTick: 0, wheelSlot: 0 })
  vi.advanceTimersByTime(10 * timeoutMs)
  expect(expired).toEqual([])
  isBusy = false
  vi.advanceTimersByTime(2.4 * timeoutMs)
  expect(expired).toHaveLength(1)
})

test('IdleTimeout forgets a deleted member, whichever slot it is in, and only that one', () => {
  const { timeout, expired, add } = create()
  const [deleted, kept] = [add('deleted'), add('kept')]
  // Long enough that both have moved to another slot.
  for (let second = 0; second < 40; second++) {
    vi.advanceTimersByTime(1000)
    deleted.activeTick = timeout.tick
    kept.activeTick = timeout.tick
  }
  timeout.delete(deleted)
  timeout.delete(deleted)
  vi.advanceTimersByTime(2 * timeoutMs)
  expect(expired.map(({ name }) => name)).toEqual(['kept'])
})

test('IdleTimeout has one timer for all members, and none once it is stopped', () => {
  const { timeout, expired, add } = create()
  for (let index = 0; index < 1000; index++) add(String(index))
  expect(vi.getTimerCount()).toBe(1)
  timeout.stop()
  expect(vi.getTimerCount()).toBe(0)
  vi.advanceTimersByTime(2 * timeoutMs)
  expect(expired).toEqual([])
})
