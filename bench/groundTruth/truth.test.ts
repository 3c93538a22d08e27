import { describe, expect, test } from 'vitest'
import {
  closedExponentialResponse,
  closedFixedResponse,
  closedPerSecond,
  closedStallResponse,
  fixedResponse,
  lossTolerance,
  lostBothWays,
  md1Response,
  md1WaitCdf,
  mixedResponse,
  mm1Response,
  type ResponseTruth,
  stallResponse,
} from './truth.ts'

type Row = [mean: number, p50: number, p90: number, p99: number, p999: number]

function rowOf({ meanMs, quantileMs }: ResponseTruth, digits: number): number[] {
  const values = [meanMs, ...[0.5, 0.9, 0.99, 0.999].map(quantileMs)]
  return values.map(value => Number(value.toFixed(digits)))
}

/** The table of measurement.md, section 3. */
describe('the table of experiments with a known answer', () => {
  test.each<[number, Row]>([
    [0.5, [1.5, 1.0, 2.516, 4.336, 6.168]],
    [0.7, [2.167, 1.73, 4.077, 7.485, 10.894]],
    [0.8, [3.0, 2.276, 6.012, 11.356, 16.7]],
    [0.9, [5.5, 4.013, 11.783, 22.898, 34.014]],
  ])('G1: md1Response() at a utilisation of %s', (utilisation, row) => {
    expect(rowOf(md1Response({ serviceMs: 1, utilisation }), 3)).toEqual(row)
  })

  test.each<[number, Row]>([
    [0.5, [2.0, 1.386, 4.605, 9.21, 13.816]],
    [0.8, [5.0, 3.466, 11.513, 23.026, 34.539]],
  ])('G3: mm1Response() at a utilisation of %s', (utilisation, row) => {
    expect(rowOf(mm1Response({ serviceMs: 1, utilisation }), 3)).toEqual(row)
  })

  test('G2: fixedResponse() is the service for requests that never meet', () => {
    expect(rowOf(fixedResponse(1), 3)).toEqual([1, 1, 1, 1, 1])
  })

  test('G4: stallResponse() holds the stall in full', () => {
    const truth = stallResponse({ baseMs: 1, stallMs: 1000, periodMs: 10_000 })
    expect(truth.meanMs).toBe(51)
    expect([0.5, 0.95, 0.99, 0.999].map(q => Math.round(truth.quantileMs(q)))).toEqual([1, 501, 901, 991])
  })

  test('G4c: closedStallResponse() hardly shows it', () => {
    const truth = closedStallResponse({ baseMs: 1, stallMs: 1000, periodMs: 10_000 })
    expect(rowOf(truth, 3)).toEqual([1.111, 1, 1, 1, 1])
    expect(truth.quantileMs(0.9999)).toBe(1001)
  })

  test('G6: mixedResponse()', () => {
    expect(rowOf(mixedResponse({ baseMs: 1, rareMs: 50, rareShare: 0.02 }), 2)).toEqual([1.98, 1, 1, 50, 50])
  })

  test('G8: fixedResponse() of a delay line in closed loop', () => {
    const truth = fixedResponse(10)
    expect(rowOf(truth, 0)).toEqual([10, 10, 10, 10, 10])
    expect(closedPerSecond(50, truth)).toBe(5000)
  })

  test('G9: closedFixedResponse() has the same throughput for every number of connections', () => {
    expect(rowOf(closedFixedResponse({ serviceMs: 2, connections: 16 }), 0)).toEqual([32, 32, 32, 32, 32])
    for (const connections of [1, 4, 16]) {
      expect(closedPerSecond(connections, closedFixedResponse({ serviceMs: 2, connections }))).toBe(500)
    }
  })

  test('G10: closedExponentialResponse()', () => {
    const truth = closedExponentialResponse({ serviceMs: 2, connections: 16 })
    expect(truth.meanMs).toBe(32)
    expect(truth.quantileMs(0.5).toFixed(2)).toBe('31.34')
    expect(truth.quantileMs(0.99).toFixed(2)).toBe('53.49')
    expect(closedPerSecond(16, truth)).toBe(500)
  })

  test('G12: stallResponse() of a stall that never ends bounds p99 from below', () => {
    expect(stallResponse({ baseMs: 0, stallMs: 6000, periodMs: 60_000 }).quantileMs(0.99)).toBeCloseTo(5400, 6)
  })
})

/** Erlang's sum as measurement.md writes it, for waits short enough that its digits hold. */
function erlangWaitCdf(utilisation: number, waitMs: number): number {
  let sum = 0
  for (let k = 0; k <= Math.floor(waitMs); k++) {
    const u = utilisation * (waitMs - k)
    let term = Math.exp(u)
    for (let j = 1; j <= k; j++) term *= -u / j
    sum += term
  }
  return (1 - utilisation) * sum
}

describe('md1WaitCdf()', () => {
  test('is the sum of Erlang and Crommelin where that can be added up', () => {
    for (const utilisation of [0.1, 0.5, 0.7, 0.9, 0.99]) {
      const cdf = md1WaitCdf({ serviceMs: 1, utilisation })
      for (let waitMs = 0; waitMs <= 12; waitMs += 0.125) {
        expect(cdf(waitMs)).toBeCloseTo(erlangWaitCdf(utilisation, waitMs), 8)
      }
    }
  })

  test('falls off in the far tail as the pole of its transform says', () => {
    // P(W > t) goes like C e^(-s t), where s is the positive root of utilisation * (e^s - 1) = s.
    const utilisation = 0.8
    let [low, high] = [0.01, 2]
    for (let step = 0; step < 60; step++) {
      const middle = (low + high) / 2
      if (utilisation * Math.expm1(middle) < middle) low = middle
      else high = middle
    }
    const constant = (1 - utilisation) / (utilisation * Math.exp(low) - 1)
    const cdf = md1WaitCdf({ serviceMs: 1, utilisation })
    for (const waitMs of [10.25, 20.5, 40.75]) {
      expect((1 - cdf(waitMs)) / (constant * Math.exp(-low * waitMs))).toBeCloseTo(1, 5)
    }
  })

  test('never falls, and scales with the service', () => {
    const cdf = md1WaitCdf({ serviceMs: 2, utilisation: 0.9 })
    const unit = md1WaitCdf({ serviceMs: 1, utilisation: 0.9 })
    let last = 0
    for (let waitMs = 0; waitMs <= 300; waitMs += 0.25) {
      const share = cdf(waitMs)
      expect(share).toBeGreaterThanOrEqual(last - 1e-14)
      expect(share).toBeLessThanOrEqual(1 + 1e-12)
      expect(share).toBeCloseTo(unit(waitMs / 2), 12)
      last = share
    }
    expect(cdf(-1)).toBe(0)
    expect(cdf(0)).toBeCloseTo(0.1, 12)
  })
})

test('quantileMs() is where the distribution function reaches q', () => {
  const load = { serviceMs: 2, utilisation: 0.7 }
  const cdf = md1WaitCdf(load)
  for (const q of [0.31, 0.5, 0.9, 0.9999]) {
    expect(cdf(md1Response(load).quantileMs(q) - load.serviceMs)).toBeCloseTo(q, 10)
  }
  // The share of 0.3 that finds the server idle has no wait at all.
  expect(md1Response(load).quantileMs(0.2)).toBe(2)
})

test('G13: lossTolerance() and lostBothWays()', () => {
  expect(lossTolerance(0.02, 60_000)).toBeCloseTo(0.00171, 5)
  expect(lostBothWays(0.01)).toBeCloseTo(0.0199, 10)
})
