import { describe, expect, it, test } from 'vitest'
import type { TimeSeries } from '../metrics/timeSeries.ts'
import { createPrng } from '../prng.ts'
import { auditTimeSeries, type TimeSeriesInputs } from './timeSeries.ts'

const prng = createPrng(3)
const noisy = (value: number) => value * (1 + 0.04 * (prng.next32() / 0x1_0000_0000 - 0.5))
const windows = (value: (index: number) => number) => Array.from({ length: 100 }, (_, index) => noisy(value(index)))

const timeSeries: TimeSeries = {
  throughputs: windows(() => 1000),
  meansMs: windows(() => 10),
  inFlights: windows(() => 10),
  inFlightMean: 10,
  responseMeanMs: 10,
  halfWidthsMs: { p50: 0.1, p90: 0.3, p99: 1 },
  busyShare: 0.3,
  balance: 0.999,
}
const closed: TimeSeriesInputs = {
  timeSeries,
  completed: 10_000,
  throughput: 1000,
  response: { count: 10_000, mean: 10, p50: 10, p90: 12, p99: 20, max: 30 },
  slots: 10,
  isSaturated: true,
  isSteady: true,
}
const planned: TimeSeriesInputs = {
  ...closed,
  isSaturated: false,
  slots: 50,
  plan: { perSecond: 1000, arrivals: 'poisson' },
  timeSeries: { ...timeSeries, arrivals: { distance: 0.01, dispersion: 1.05, variation: 1, spans: 100 } },
}
const withTimeSeries = (inputs: TimeSeriesInputs, change: Partial<TimeSeries>): TimeSeriesInputs => ({
  ...inputs,
  timeSeries: { ...inputs.timeSeries, ...change },
})
const found = (inputs: TimeSeriesInputs) => auditTimeSeries(inputs).map(({ code, severity }) => `${code} ${severity}`)

test('auditTimeSeries() finds nothing in a healthy run, closed loop or by a plan', () => {
  expect(auditTimeSeries(closed)).toEqual([])
  expect(auditTimeSeries(planned)).toEqual([])
})

describe('arrivals', () => {
  const arrivals = { distance: 0.01, dispersion: 1, variation: 1, spans: 100 }
  const constant = { ...planned, plan: { perSecond: 1000, arrivals: 'constant' } } as const
  const even = { distance: 0.6, dispersion: 0, variation: 0.02, spans: 100 }

  it('fires when gaps are not exponential, or counts come in bursts', () => {
    expect(found(withTimeSeries(planned, { arrivals: { ...arrivals, distance: 0.06 } }))).toEqual(['arrivals suspect'])
    expect(found(withTimeSeries(planned, { arrivals: { ...arrivals, dispersion: 1.5 } }))).toEqual(['arrivals suspect'])
  })
  it('allows the dispersion more in few spans, where it is less sure', () => {
    expect(found(withTimeSeries(planned, { arrivals: { ...arrivals, dispersion: 1.5, spans: 20 } }))).toEqual([])
  })
  it('holds a constant plan to even gaps', () => {
    expect(found(withTimeSeries(constant, { arrivals: even }))).toEqual([])
    expect(found(withTimeSeries(constant, { arrivals: { ...even, variation: 0.2 } }))).toEqual(['arrivals suspect'])
    expect(found(withTimeSeries(constant, { arrivals: { ...even, dispersion: 0.1 } }))).toEqual(['arrivals suspect'])
  })
})

describe('generator-busy', () => {
  it('fires by a plan when a worker has too little time to spare', () => {
    expect(found(withTimeSeries(planned, { busyShare: 0.6 }))).toEqual(['generator-busy suspect'])
    expect(found(withTimeSeries(planned, { busyShare: 0.9 }))).toEqual(['generator-busy invalid'])
  })
  it('takes a busy client of a closed loop for what it should be', () => {
    expect(found(withTimeSeries(closed, { busyShare: 1 }))).toEqual([])
  })
})

describe('littles-law', () => {
  it('fires when throughput and response time do not make what was in flight', () => {
    expect(found(withTimeSeries(closed, { responseMeanMs: 9.5 }))).toEqual(['littles-law suspect'])
  })
  it('fires when a closed loop leaves slots empty', () => {
    expect(found(withTimeSeries(closed, { inFlightMean: 9.7, responseMeanMs: 9.7 }))).toEqual(['littles-law suspect'])
  })
  it('says nothing where pauses leave slots empty', () => {
    expect(found({ ...withTimeSeries(closed, { inFlightMean: 5, responseMeanMs: 5 }), isSaturated: false })).toEqual([])
  })
})

describe('warm-up that is looked for', () => {
  const steadyState = {
    isUnsteady: false,
    what: 'mean response',
    change: 0,
    warmupSeconds: 1,
    isExtended: false,
  } as const
  const settled = { ...steadyState, reachedAt: 9000, change: 4, warmupSeconds: 4 }
  const messages = (change: Partial<TimeSeriesInputs>) =>
    auditTimeSeries({ ...closed, ...change }).map(({ severity, message }) => `${severity}: ${message}`)
  it('is silent when nothing more than the least was left out', () => {
    expect(messages({ steadyState })).toEqual([])
  })
  it('tells what was left out', () => {
    expect(messages({ steadyState: settled })).toEqual([
      'note: the first 4 s were left out: from 1 s on the mean response was 400 % higher there',
    ])
    expect(messages({ steadyState: { ...settled, what: 'throughput', change: -0.25 } })[0]).toContain(
      'the throughput was 25 % lower',
    )
  })
  it('calls a run invalid that went on and did not settle, and doubts one that could not go on', () => {
    const unsettled = { ...settled, isUnsteady: true, change: 0.3 }
    expect(messages({ steadyState: { ...unsettled, isExtended: true } })).toEqual([
      'invalid: the run never settled, though it went on for twice as long: the mean response was 30 % higher in its first half',
    ])
    expect(messages({ steadyState: unsettled })).toEqual([
      'suspect: the run never settled: the mean response was 30 % higher in its first half',
    ])
  })
  it('leaves a load that is too much to that finding', () => {
    const rising = { throughputs: windows(() => 900), inFlights: windows(index => 10 + index) }
    const unsettled = { ...settled, isUnsteady: true, isExtended: false }
    expect(found({ ...withTimeSeries(planned, rising), throughput: 900, steadyState: unsettled })).toEqual([
      'overloaded suspect',
    ])
  })
})

describe('warm-up', () => {
  const slowStart = windows(index => (index < 20 ? 500 : 1000))
  it('fires when the measured part begins unlike its rest', () => {
    expect(found(withTimeSeries(closed, { throughputs: slowStart }))).toContain('warm-up suspect')
  })
  it('says nothing of a load that is to change', () => {
    expect(found({ ...withTimeSeries(closed, { throughputs: slowStart }), isSteady: false })).toEqual([])
  })
})

describe('stationarity', () => {
  const rising = windows(index => 10 + index / 5)
  it('fires when the response time or the throughput drifts', () => {
    expect(found(withTimeSeries(planned, { meansMs: rising }))).toContain('stationarity suspect')
    expect(found(withTimeSeries(closed, { throughputs: windows(index => 1000 - index) }))).toContain(
      'stationarity suspect',
    )
  })
  it('calls a plan overloaded whose requests in flight grow while the server falls behind', () => {
    const overloaded = { ...withTimeSeries(planned, { inFlights: rising, meansMs: rising }), throughput: 900 }
    expect(found(overloaded)).toContain('overloaded suspect')
    const messages = auditTimeSeries(overloaded).map(({ message }) => message)
    expect(messages.join('\n')).toContain('no steady latency exists; 900 of 1000 requests/s are answered')
  })
  it('does not call it that when the server keeps up', () => {
    expect(found(withTimeSeries(planned, { inFlights: rising }))).not.toContain('overloaded suspect')
  })
})

test('quantile-ci fires for the quantile that is known least', () => {
  const [finding, ...others] = auditTimeSeries(
    withTimeSeries(closed, { halfWidthsMs: { p50: 0.2, p99: 15, p999: 100 } }),
  )
  expect(others).toEqual([])
  expect(finding).toMatchObject({ code: 'quantile-ci', severity: 'suspect', value: 0.75 })
  expect(finding!.message).toBe('p99 is known to no better than ± 75 % (limit 50 %)')
})

describe('balance', () => {
  it('fires in a closed loop', () => {
    expect(found(withTimeSeries(closed, { balance: 0.9 }))).toEqual(['balance suspect'])
  })
  it('says nothing by a plan, which need not use all connections', () => {
    expect(found(withTimeSeries(planned, { balance: 0.5 }))).toEqual([])
  })
})

test('a run of a second is too short for its time series to be judged', () => {
  const short = { throughputs: [500, 1000, 1500], meansMs: [30, 20, 10], inFlights: [1, 5, 10], balance: 0.5 }
  expect(found(withTimeSeries(closed, short))).toEqual([])
})
