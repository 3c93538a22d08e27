import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { NoAnswer, startDeadline } from './deadline.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('startDeadline() fires when its time is over', () => {
  const { signal } = startDeadline(15_000)
  vi.advanceTimersByTime(14_999)
  expect(signal.aborted).toBe(false)
  vi.advanceTimersByTime(1)
  expect(signal.reason).toEqual(new NoAnswer(15_000))
  expect(signal.reason.message).toBe('no answer within 15s')
})

test('startDeadline() fires with another signal, with its reason', () => {
  const outer = new AbortController()
  const before = startDeadline(1000, outer.signal)
  const reason = new Error('stop')
  outer.abort(reason)
  expect(before.signal.reason).toBe(reason)
  expect(startDeadline(1000, outer.signal).signal.reason).toBe(reason)
})

test('end() takes the timer away', () => {
  const outer = new AbortController()
  const deadline = startDeadline(1000, outer.signal)
  deadline.end()
  expect(vi.getTimerCount()).toBe(0)
  outer.abort()
  expect(deadline.signal.aborted).toBe(false)
})
