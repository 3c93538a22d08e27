import { describe, expect, test } from 'vitest'
import { answers, frozenP99Ms, lostShare } from './answers.ts'
import { closedPerSecond, lossTolerance, md1Response, md1WaitCdf, type ResponseTruth, stallResponse } from './truth.ts'

type Row = [mean: number, p50: number, p90: number, p99: number, p999: number]

function rowOf({ meanMs, quantileMs }: ResponseTruth, digits: number): number[] {
  const values = [meanMs, ...[0.5, 0.9, 0.99, 0.999].map(quantileMs)]
  return values.map(value => Number(value.toFixed(digits)))
}

describe('answers', () => {
  test.each<[number, Row]>([
    [0.5, [1.5, 1.0, 2.516, 4.336, 6.168]],
    [0.7, [2.167, 1.73, 4.077, 7.485, 10.894]],
    [0.8, [3.0, 2.276, 6.012, 11.356, 16.7]],
    [0.9, [5.5, 4.013, 11.783, 22.898, 34.014]],
  ])('G1: M/D/1 at a utilisation of %s', (utilisation, row) => {
    expect(rowOf(answers.G1(1, utilisation), 3)).toEqual(row)
  })

  test.each<[number, Row]>([
    [0.5, [2.0, 1.386, 4.605, 9.21, 13.816]],
    [0.8, [5.0, 3.466, 11.513, 23.026, 34.539]],
  ])('G3: M/M/1 at a utilisation of %s', (utilisation, row) => {
    expect(rowOf(answers.G3(1, utilisation), 3)).toEqual(row)
  })

  test('G2: the service alone if requests never wait', () => {
    expect(rowOf(answers.G2(1), 3)).toEqual([1, 1, 1, 1, 1])
  })

  test('G4: mode rate shows the whole stall', () => {
    const truth = answers.G4(1)
    expect(truth.meanMs).toBe(51)
    expect([0.5, 0.95, 0.99, 0.999].map(q => Math.round(truth.quantileMs(q)))).toEqual([1, 501, 901, 991])
  })

  test('G4c: a closed loop hardly shows it', () => {
    const truth = answers.G4c(1)
    expect(rowOf(truth, 3)).toEqual([1.111, 1, 1, 1, 1])
    expect(truth.quantileMs(0.9999)).toBe(1001)
  })

  test('G6: a mix of two delays', () => {
    expect(rowOf(answers.G6(1), 2)).toEqual([1.98, 1, 1, 50, 50])
  })

  test('G8: a delay line in a closed loop', () => {
    const truth = answers.G8(10)
    expect(rowOf(truth, 0)).toEqual([10, 10, 10, 10, 10])
    expect(closedPerSecond(50, truth)).toBe(5000)
  })

  test('G9: a FIFO in a closed loop has the same throughput for every number of connections', () => {
    expect(rowOf(answers.G9(2, 16), 0)).toEqual([32, 32, 32, 32, 32])
    for (const connections of [1, 4, 16]) {
      expect(closedPerSecond(connections, answers.G9(2, connections))).toBe(500)
    }
  })

  test('G10: a FIFO with an exponential service in a closed loop', () => {
    const truth = answers.G10(2, 16)
    expect(truth.meanMs).toBe(32)
    expect(truth.quantileMs(0.5).toFixed(2)).toBe('31.34')
    expect(truth.quantileMs(0.99).toFixed(2)).toBe('53.49')
    expect(closedPerSecond(16, truth)).toBe(500)
  })

  test('G12: p99 of a server that freezes is that of a stall at the end of the run', () => {
    expect(frozenP99Ms(60_000)).toBe(5400)
    expect(stallResponse({ baseMs: 0, stallMs: 6000, periodMs: 60_000 }).quantileMs(0.99)).toBeCloseTo(5400, 6)
  })
})

/** Erlang's sum, for waits so short that no digits are lost. */
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
  test('equals the sum of Erlang and Crommelin while that is accurate', () => {
    for (const utilisation of [0.1, 0.5, 0.7, 0.9, 0.99]) {
      const cdf = md1WaitCdf({ serviceMs: 1, utilisation })
      for (let waitMs = 0; waitMs <= 12; waitMs += 0.125) {
        expect(cdf(waitMs)).toBeCloseTo(erlangWaitCdf(utilisation, waitMs), 8)
      }
    }
  })

  test('decays in the far tail as the pole of its transform says', () => {
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

  test('never decreases, and scales with the service', () => {
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

test('quantileMs() is the value at which the distribution function reaches q', () => {
  const load = { serviceMs: 2, utilisation: 0.7 }
  const cdf = md1WaitCdf(load)
  for (const q of [0.31, 0.5, 0.9, 0.9999]) {
    expect(cdf(md1Response(load).quantileMs(q) - load.serviceMs)).toBeCloseTo(q, 10)
  }
  // A share of 0.3 finds the server idle and does not wait.
  expect(md1Response(load).quantileMs(0.2)).toBe(2)
})

test('G13: lossTolerance(), and the share that is lost in one direction or the other', () => {
  expect(lossTolerance(0.02, 60_000)).toBeCloseTo(0.00171, 5)
  expect(lostShare).toBeCloseTo(0.0199, 10)
})
