import { expect, test } from 'vitest'
import { mser5 } from './statistics/warmup.ts'
import { findSteadyState } from './steadyState.ts'
import type { Window } from './timeSeries.ts'

/** Eight seconds in windows of 100 ms; the mean response time is 50 ms in the first two, then 10 ms. */
function windowsOf(perSecond: number): Window[] {
  return Array.from({ length: 80 }, (_, index) => ({
    from: index * 100,
    throughput: perSecond,
    meanMs: index < 20 ? 50 : 10,
    inFlight: 1,
  }))
}

test('findSteadyState() says when the response times became steady, and how they differed before', () => {
  expect(findSteadyState(windowsOf(1000))).toEqual({
    reachedAt: 2000,
    isUnsteady: false,
    what: 'mean response time',
    change: 0.8,
  })
})

test('findSteadyState() merges windows with few requests, and places the cut on their clock', () => {
  // Half of the windows are left, with ten requests each.
  expect(findSteadyState(windowsOf(50))).toMatchObject({ reachedAt: 2000, change: 0.8 })
})

test('findSteadyState() leaves nothing out of a run whose windows have too few requests to differ by more than chance', () => {
  const sparse = windowsOf(5)
  expect(mser5(sparse.map(({ meanMs }) => meanMs)).cut).toBeGreaterThan(0)
  expect(findSteadyState(sparse)).toEqual({ isUnsteady: false, what: 'mean response time', change: 0 })
})

test('findSteadyState() bounds the change of a run whose replies stopped', () => {
  const stopping = windowsOf(1000).map((window, index) => ({ ...window, throughput: index < 30 ? 1000 : 0 }))
  expect(Math.abs(findSteadyState(stopping).change)).toBeLessThanOrEqual(1)
})
