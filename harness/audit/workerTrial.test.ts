import { describe, expect, test } from 'vitest'
import { auditCeiling } from './ceiling.ts'
import type { TimeSeriesInputs } from './timeSeries.ts'
import { trialGain } from './workerTrial.ts'

/** Ten seconds of 1,000 requests/s in windows of 100 ms, of which `change` makes others. */
function steady(change: (window: number) => number = () => 1000) {
  const throughputs = Array.from({ length: 100 }, (_, window) => change(window))
  return { workers: 1, throughput: 1000, throughputs, windowSeconds: 0.1 }
}
const trial = (perSecond: number) => ({ workers: 2, perSecond, seconds: 1.5 })

describe('trialGain()', () => {
  test('is what the trial found more, from a twentieth on', () => {
    expect(trialGain({ ...steady(), trial: trial(1160) })).toBeCloseTo(0.16)
    expect(trialGain({ ...steady(), trial: trial(1051) })).toBeCloseTo(0.051)
    for (const perSecond of [1049, 1000, 800]) expect(trialGain({ ...steady(), trial: trial(perSecond) })).toBe(0)
  })

  test('is 0 where the run itself was as fast for as long', () => {
    const fast = (windows: number) => steady(window => (window >= 40 && window < 40 + windows ? 1200 : 990))
    expect(trialGain({ ...fast(15), trial: trial(1160) })).toBe(0)
    // For half of that time it tells nothing.
    expect(trialGain({ ...fast(7), trial: trial(1160) })).toBeCloseTo(0.16)
  })
})

describe('auditCeiling() with a trial', () => {
  const saturated: TimeSeriesInputs = {
    timeSeries: {
      throughputs: steady().throughputs,
      meansMs: [],
      inFlights: [],
      inFlightMean: 10,
      responseMeanMs: 10,
      halfWidthsMs: {},
      busyShare: 0.9,
      balance: 1,
    },
    completed: 10_000,
    throughput: 1000,
    response: { count: 10_000, mean: 10, p50: 10, max: 30 },
    slots: 10,
    connections: 10,
    isLoop: true,
    isSaturated: true,
    hasConstantLoad: true,
    moreWorkers: 2,
  }
  const found = (perSecond: number, nullPerSecond?: number) =>
    auditCeiling({ ...saturated, nullPerSecond, workerTrial: { workers: 1, trial: trial(perSecond) } })

  test('doubts a run of which another worker finds a tenth more', () => {
    expect(found(1160, 2000)).toEqual([
      {
        code: 'client-limited',
        severity: 'suspect',
        message:
          'another worker finds 16 % more: 1,160/s in a short trial with 2 workers, against 1,000/s with 1 (limit 10 %)',
        hint: 'add workers (-w 2)',
        value: expect.closeTo(0.16),
        limit: 0.1,
      },
    ])
    expect(found(1070)).toMatchObject([{ severity: 'note', value: expect.closeTo(0.07) }])
    expect(found(1030)).toEqual([])
  })

  test('says what the trial found where the client is near its ceiling', () => {
    expect(found(1070, 1200)).toMatchObject([
      {
        severity: 'suspect',
        message: expect.stringMatching(/83\.3 % of the client's ceiling.*; another worker finds 7 % more: 1,070\/s/),
        hint: 'add workers (-w 2)',
        limit: 0.7,
      },
    ])
  })

  test('does not advise more workers where one more found no more', () => {
    expect(found(1010, 1200)).toMatchObject([
      {
        severity: 'note',
        message: expect.stringMatching(
          /83\.3 % of the client's ceiling.*; but one worker more found no more: 1,010\/s/,
        ),
        hint: 'the server is the limit, or the machine as a whole: compare servers by their CPU per request',
      },
    ])
  })

  test('is silent where the client was not busy', () => {
    const idle = { ...saturated, timeSeries: { ...saturated.timeSeries, busyShare: 0.5 } }
    expect(auditCeiling({ ...idle, workerTrial: { workers: 1, trial: trial(1500) } })).toEqual([])
  })
})
