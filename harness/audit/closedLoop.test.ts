import { expect, test } from 'vitest'
import { auditClosedLoop } from './closedLoop.ts'
import type { TimeSeriesInputs } from './timeSeries.ts'

const windows = (value: number) => new Array<number>(100).fill(value)
const stalled: TimeSeriesInputs = {
  timeSeries: {
    throughputs: windows(1000),
    meansMs: windows(1),
    inFlights: windows(1),
    inFlightMean: 1,
    responseMeanMs: 1,
    halfWidthsMs: {},
    busyShare: 0.3,
    balance: 1,
  },
  completed: 10_000,
  throughput: 1000,
  response: { count: 10_000, mean: 1, p50: 1, p90: 1.2, p99: 1.5, max: 990 },
  slots: 1,
  connections: 1,
  isLoop: true,
  isSaturated: true,
  hasConstantLoad: true,
}
const said = (change: Partial<TimeSeriesInputs>) =>
  auditClosedLoop({ ...stalled, ...change }).map(({ severity, message, hint }) => `${severity}: ${message}: ${hint}`)

test('auditClosedLoop() notes that one reply took far longer than p99, and which rate to try', () => {
  expect(said({})).toEqual([
    'note: one reply took 660 times p99 while its connection waited (limit 100): the p99 of users cannot be told from a loop: try -R 700/s',
  ])
})

test('auditClosedLoop() says that the loop stood still where it did, and that a reply never came', () => {
  const timeSeries = { ...stalled.timeSeries, throughputs: [...windows(1000), 100] }
  expect(said({ timeSeries })[0]).toMatch(/^note: one reply took 660 times p99 while the loop stood still/)
  const response = { ...stalled.response, censored: 1, lowerBounds: ['max'] }
  expect(said({ response })[0]).toMatch(/^note: one request took more than 660 times p99/)
})

test('auditClosedLoop() is silent up to a hundred times, without a loop, and where p99 is not known', () => {
  const { p99: _, ...unknown } = stalled.response
  expect(said({ response: { ...stalled.response, p99: 9.9 } })).toEqual([])
  expect(said({ isLoop: false })).toEqual([])
  expect(said({ response: unknown })).toEqual([])
  expect(said({ response: { ...stalled.response, lowerBounds: ['p99', 'max'] } })).toEqual([])
})
