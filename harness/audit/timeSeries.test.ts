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
  connections: 10,
  isLoop: true,
  isSaturated: true,
  hasConstantLoad: true,
}
const planned: TimeSeriesInputs = {
  ...closed,
  isSaturated: false,
  isLoop: false,
  slots: 50,
  connections: 50,
  plan: { perSecond: 1000, arrivals: 'poisson' },
  timeSeries: { ...timeSeries, arrivals: { distance: 0.01, dispersion: 1.05, variation: 1, spans: 100, gaps: 10_000 } },
}
const withTimeSeries = (inputs: TimeSeriesInputs, change: Partial<TimeSeries>): TimeSeriesInputs => ({
  ...inputs,
  timeSeries: { ...inputs.timeSeries, ...change },
})
const found = (inputs: TimeSeriesInputs) => auditTimeSeries(inputs).map(({ code, severity }) => `${code} ${severity}`)

test('auditTimeSeries() finds nothing in a healthy run, in a closed loop or in mode rate', () => {
  expect(auditTimeSeries(closed)).toEqual([])
  expect(auditTimeSeries(planned)).toEqual([])
})

describe('arrivals', () => {
  const arrivals = { distance: 0.01, dispersion: 1, variation: 1, spans: 100, gaps: 10_000 }
  const constant = { ...planned, plan: { perSecond: 1000, arrivals: 'constant' } } as const
  const even = { distance: 0.6, dispersion: 0, variation: 0.02, spans: 100, gaps: 10_000 }

  it('fires when gaps are not exponential, or counts come in bursts', () => {
    expect(found(withTimeSeries(planned, { arrivals: { ...arrivals, distance: 0.06 } }))).toEqual(['arrivals suspect'])
    expect(found(withTimeSeries(planned, { arrivals: { ...arrivals, dispersion: 1.5 } }))).toEqual(['arrivals suspect'])
  })
  it('allows more dispersion in few spans, which are less certain', () => {
    expect(found(withTimeSeries(planned, { arrivals: { ...arrivals, dispersion: 1.5, spans: 20 } }))).toEqual([])
  })
  it('allows more distance of few gaps, which are less certain', () => {
    const bursts = withTimeSeries(planned, { arrivals: { ...arrivals, distance: 0.12 } })
    expect(found(bursts)).toEqual(['arrivals suspect'])
    expect(found(withTimeSeries(planned, { arrivals: { ...arrivals, distance: 0.12, gaps: 100 } }))).toEqual([])
    const late = { ...arrivals, distance: 0.9 }
    expect(found(withTimeSeries(planned, { arrivals: { ...late, gaps: 100 } }))).toEqual(['arrivals suspect'])
    expect(found(withTimeSeries(planned, { arrivals: { ...late, gaps: 99 } }))).toEqual([])
  })
  it('requires even gaps of constant arrivals', () => {
    expect(found(withTimeSeries(constant, { arrivals: even }))).toEqual([])
    expect(found(withTimeSeries(constant, { arrivals: { ...even, variation: 0.2 } }))).toEqual(['arrivals suspect'])
    expect(found(withTimeSeries(constant, { arrivals: { ...even, dispersion: 0.1 } }))).toEqual(['arrivals suspect'])
  })
})

describe('generator-busy', () => {
  it('fires in mode rate when a worker has too little time to spare', () => {
    expect(found(withTimeSeries(planned, { busyShare: 0.6 }))).toEqual(['generator-busy suspect'])
    expect(found(withTimeSeries(planned, { busyShare: 0.9 }))).toEqual(['generator-busy invalid'])
  })
  it('is silent about the first moments of a client', () => {
    const busy = withTimeSeries(planned, { busyShare: 0.9 })
    expect(found({ ...busy, completed: 500 })).toEqual(['generator-busy invalid'])
    expect(found({ ...busy, completed: 499 })).toEqual([])
  })
  it('accepts a busy client in a closed loop', () => {
    expect(found(withTimeSeries(closed, { busyShare: 1 }))).toEqual([])
  })
})

test('generator-busy fires in stages of a planned rate too', () => {
  const { plan: _, ...stages } = planned
  expect(found(withTimeSeries({ ...stages, isPaced: true }, { busyShare: 0.9 }))).toEqual(['generator-busy invalid'])
  expect(found(withTimeSeries(stages, { busyShare: 0.9 }))).toEqual([])
})

describe('littles-law', () => {
  it('counts the time in which requests that failed were in flight', () => {
    const timedOut = withTimeSeries(closed, { responseMeanMs: 9.5 })
    expect(found({ ...timedOut, failedMs: 5000 })).toEqual([])
    expect(found({ ...closed, failedMs: 5000 })).toEqual(['littles-law suspect'])
  })
  it('fires when throughput times response time differs from the requests in flight', () => {
    expect(found(withTimeSeries(closed, { responseMeanMs: 9.5 }))).toEqual(['littles-law suspect'])
  })
  it('fires when a closed loop leaves slots empty', () => {
    expect(found(withTimeSeries(closed, { inFlightMean: 9.7, responseMeanMs: 9.7 }))).toEqual(['littles-law suspect'])
  })
  it('is silent when pauses leave slots empty', () => {
    expect(found({ ...withTimeSeries(closed, { inFlightMean: 5, responseMeanMs: 5 }), isSaturated: false })).toEqual([])
  })
})

describe('automatic warm-up', () => {
  const steadyState = {
    isUnsteady: false,
    what: 'mean response time',
    change: 0,
    warmupSeconds: 1,
    isExtended: false,
  } as const
  const late = { ...steadyState, reachedAt: 9000, change: 0.8, warmupSeconds: 4 }
  const messages = (change: Partial<TimeSeriesInputs>) =>
    auditTimeSeries({ ...closed, ...change }).map(({ severity, message }) => `${severity}: ${message}`)
  it('is silent when only the minimum was left out', () => {
    expect(messages({ steadyState })).toEqual([])
  })
  it('notes what was left out', () => {
    expect(messages({ steadyState: late })).toEqual([
      'note: the first 4 s were left out as warm-up: from 1 s to 4 s the mean response time was 5 times as high as in the rest',
    ])
    expect(messages({ steadyState: { ...late, what: 'throughput', change: -0.25 } })[0]).toContain(
      'the throughput was 25 % lower than in the rest',
    )
    expect(messages({ steadyState: { ...late, change: 0.2 } })[0]).toContain('was 25 % higher than in the rest')
    // Nothing was answered in the rest.
    expect(messages({ steadyState: { ...late, change: 1 } })[0]).toContain(
      'was more than 100 times as high as in the rest',
    )
  })
  it('is invalid for an extended run without a steady state, and suspect for one that could not be extended', () => {
    const unsteady = { ...late, isUnsteady: true, change: 3 / 13 }
    expect(messages({ steadyState: { ...unsteady, isExtended: true } })).toEqual([
      'invalid: the run never reached a steady state, although it was extended to twice its length: in its first half the mean response time was 30 % higher than in its second (limit 5 %)',
    ])
    expect(messages({ steadyState: unsteady })).toEqual([
      'suspect: the run never reached a steady state: in its first half the mean response time was 30 % higher than in its second (limit 5 %)',
    ])
  })
  it('leaves an overloaded server to the overloaded finding', () => {
    const rising = { throughputs: windows(() => 900), inFlights: windows(index => 10 + index) }
    const unsteady = { ...late, isUnsteady: true, isExtended: false }
    expect(found({ ...withTimeSeries(planned, rising), throughput: 900, steadyState: unsteady })).toEqual([
      'overloaded suspect',
    ])
  })
})

describe('warm-up', () => {
  const slowStart = windows(index => (index < 20 ? 500 : 1000))
  it('fires when the start of the measured part differs from the rest', () => {
    expect(found(withTimeSeries(closed, { throughputs: slowStart }))).toContain('warm-up suspect')
  })
  it('says by how much the start changes the figure, and is silent where that is little', () => {
    const started = (from: number) => windows(index => (index < 20 ? from : 1000))
    const message = (change: Partial<TimeSeries>) =>
      auditTimeSeries(withTimeSeries(closed, change)).find(({ code }) => code === 'warm-up')?.message
    expect(message({ throughputs: started(500) })).toBe(
      'the first 21 % of the measured part differs from the rest, and lowers the throughput by 9.49 % (limit 2 %)',
    )
    expect(message({ meansMs: windows(index => (index < 10 ? 40 : 10)) })).toMatch(
      /raises the mean response time by 2\d/,
    )
    expect(message({ throughputs: started(920) })).toBeUndefined()
  })
  it('is silent when the windows have too few requests to tell', () => {
    const slow = withTimeSeries(closed, { throughputs: slowStart.map(value => value / 100) })
    expect(found({ ...slow, completed: 500 })).toContain('warm-up suspect')
    expect(found({ ...slow, completed: 499 })).not.toContain('warm-up suspect')
  })
  it('is silent when the load changes in stages', () => {
    expect(found({ ...withTimeSeries(closed, { throughputs: slowStart }), hasConstantLoad: false })).toEqual([])
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
  it('is silent where the same drift may be the scatter of the windows', () => {
    // 8 % in all: with windows that scatter by 15 % either way it may be 2 %, or 14.
    const drifting = (scatter: number) =>
      Array.from({ length: 100 }, (_, at) => 10 - 0.008 * at + (at % 10 < 5 ? scatter : -scatter) * (1 + (at % 3) / 3))
    expect(found(withTimeSeries(planned, { meansMs: drifting(0) }))).toEqual(['stationarity suspect'])
    expect(found(withTimeSeries(planned, { meansMs: drifting(1.2) }))).toEqual([])
  })
  it('says from what to what, which is bounded where the replies stop', () => {
    const stops = auditTimeSeries(withTimeSeries(closed, { throughputs: windows(index => (index < 70 ? 1000 : 0)) }))
    const stationarity = stops.find(({ code }) => code === 'stationarity')
    expect(stationarity?.message).toMatch(/^the throughput fell from [\d,]+\/s to 0\/s over the measured part/)
    expect(stationarity?.value).toBe(-1)
  })
  it('is silent when the windows have too few requests to tell', () => {
    const slow = withTimeSeries(planned, { meansMs: rising })
    expect(found({ ...slow, completed: 200 })).toContain('stationarity suspect')
    expect(found({ ...slow, completed: 199 })).not.toContain('stationarity suspect')
  })
  it('is overloaded when requests in flight grow while the server falls behind the planned rate', () => {
    const overloaded = { ...withTimeSeries(planned, { inFlights: rising, meansMs: rising }), throughput: 900 }
    expect(found(overloaded)).toContain('overloaded suspect')
    const messages = auditTimeSeries(overloaded).map(({ message }) => message)
    expect(messages.join('\n')).toContain('no steady latency exists; 900 of 1,000 requests/s are answered (limit 99 %)')
  })
  it('is not overloaded when the server keeps up', () => {
    expect(found(withTimeSeries(planned, { inFlights: rising }))).not.toContain('overloaded suspect')
  })
})

test('quantile-ci fires for the least certain quantile', () => {
  const [finding, ...others] = auditTimeSeries(
    withTimeSeries(closed, { halfWidthsMs: { p50: 0.2, p99: 15, p999: 100 } }),
  )
  expect(others).toEqual([])
  expect(finding).toMatchObject({ code: 'quantile-ci', severity: 'suspect', value: 0.75 })
  expect(finding!.message).toBe('the 95 % interval of p99 is ± 75 % (limit ± 50 %)')
})

test('quantile-ci fires where an interval is beyond its limit for certain, not by the chance of ten sections', () => {
  // p50 is 10 ms, so that its limit is 1 ms.
  expect(found(withTimeSeries(closed, { halfWidthsMs: { p50: 1.36 } }))).toEqual([])
  expect(found(withTimeSeries(closed, { halfWidthsMs: { p50: 1.38 } }))).toEqual(['quantile-ci suspect'])
})

describe('balance', () => {
  it('fires in a closed loop', () => {
    expect(found(withTimeSeries(closed, { balance: 0.9 }))).toEqual(['balance suspect'])
    // A connection that waited for a timeout is not one that the server served less.
    expect(found({ ...withTimeSeries(closed, { balance: 0.9 }), lostShare: 0.06 })).toEqual([])
    expect(found({ ...withTimeSeries(closed, { balance: 0.9 }), lostShare: 0.01 })).toEqual(['balance suspect'])
  })
  it('does not fire where connections have different loops', () => {
    expect(found({ ...withTimeSeries(closed, { balance: 0.5 }), hasSeveralLoops: true })).toEqual([])
  })
  it('allows what chance makes of few requests on each connection', () => {
    // Two requests on each connection on average: chance alone makes an index of 0.67.
    const few = { ...closed, completed: 200, connections: 100 }
    expect(found(withTimeSeries(few, { balance: 0.6 }))).toEqual([])
    expect(found(withTimeSeries(few, { balance: 0.3 }))).toEqual(['balance suspect'])
  })
  it('is silent in mode rate, which need not use all connections', () => {
    expect(found(withTimeSeries(planned, { balance: 0.5 }))).toEqual([])
  })
})

test('quantile-ci is silent where the sections have too few requests to differ by more than chance', () => {
  const wide = withTimeSeries(closed, { halfWidthsMs: { p50: 5 } })
  expect(found({ ...wide, completed: 100 })).toEqual(['quantile-ci suspect'])
  expect(found({ ...wide, completed: 99 })).toEqual([])
})

test('auditTimeSeries() finds nothing in a run of under two seconds', () => {
  const short = { throughputs: [500, 1000, 1500], meansMs: [30, 20, 10], inFlights: [1, 5, 10], balance: 0.5 }
  expect(found(withTimeSeries(closed, short))).toEqual([])
})
