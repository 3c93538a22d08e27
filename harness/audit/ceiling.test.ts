import { describe, expect, it, test } from 'vitest'
import { type AuditInputs, audit } from './audit.ts'
import { auditCeiling, mayBeClientLimited, moreWorkers } from './ceiling.ts'
import { enoughEvidence, oneWorker } from './testing/healthy.ts'
import type { TimeSeriesInputs } from './timeSeries.ts'

const windows = (value: number) => new Array<number>(100).fill(value)
const saturated: TimeSeriesInputs = {
  timeSeries: {
    throughputs: windows(1000),
    meansMs: windows(10),
    inFlights: windows(10),
    inFlightMean: 10,
    responseMeanMs: 10,
    halfWidthsMs: {},
    busyShare: 0.9,
    balance: 1,
  },
  completed: 10_000,
  throughput: 1000,
  response: { count: 10_000, mean: 10, p50: 10, p90: 12, p99: 20, max: 30 },
  slots: 10,
  connections: 10,
  isLoop: true,
  isSaturated: true,
  hasConstantLoad: true,
  nullPerSecond: 1200,
  moreWorkers: 2,
}
const busy = (busyShare: number): TimeSeriesInputs => ({
  ...saturated,
  timeSeries: { ...saturated.timeSeries, busyShare },
})

describe('auditCeiling()', () => {
  it('fires when the throughput is near the ceiling, with a hint that can be followed', () => {
    expect(auditCeiling(saturated)).toEqual([
      {
        code: 'client-limited',
        severity: 'suspect',
        message: "the throughput is 83.3 % of the client's ceiling, measured with a null server (limit 70 %)",
        hint: 'add workers (-w 2)',
        value: 1000 / 1200,
        limit: 0.7,
      },
    ])
    expect(auditCeiling({ ...saturated, moreWorkers: undefined })[0]?.hint).toBe(
      'run the client on a faster machine, or compare servers by their CPU per request',
    )
  })
  it('is a note where a server of one thread fills its core', () => {
    expect(auditCeiling({ ...saturated, serverCores: 0.97 })).toMatchObject([
      {
        severity: 'note',
        message: expect.stringContaining('the server used 97 % of a core: both are near their limits'),
      },
    ])
    for (const serverCores of [0.6, 1.6]) {
      expect(auditCeiling({ ...saturated, serverCores })).toMatchObject([{ severity: 'suspect' }])
    }
  })
  it('takes no ceiling below what the run has proven: its throughput over the busy share of the time', () => {
    const [finding] = auditCeiling({ ...busy(0.95), nullPerSecond: 800 })
    expect(finding?.message).toMatch(/^the throughput is 95 % of the client's ceiling/)
    expect(finding?.value).toBeCloseTo(0.95)
  })
  it('is silent when the client could have done much more', () => {
    expect(auditCeiling({ ...saturated, nullPerSecond: 1500 })).toEqual([])
  })
  it('is a note where the run itself disproves the ceiling, and the client had time to spare', () => {
    expect(auditCeiling({ ...busy(0.8), nullPerSecond: 1100 })).toMatchObject([
      {
        severity: 'note',
        message:
          'the busiest worker was busy for 80 % of the time (limit 70 %) and may have limited the throughput; its ceiling is not known: a null server gave 1,100/s, less than the 1,250/s that it has shown',
      },
    ])
  })
  it('is a note where the client was busy, and there is no ceiling to compare it with', () => {
    const unknown = { ...saturated, nullPerSecond: undefined, noCeiling: 'there is no null server for tls://' }
    expect(auditCeiling(unknown)).toMatchObject([
      {
        code: 'client-limited',
        severity: 'note',
        message: expect.stringMatching(
          /^the busiest worker was busy for 90 % .*: there is no null server for tls:\/\/$/,
        ),
        hint: 'add workers (-w 2): if the throughput grows, the client was the limit',
        value: 0.9,
        limit: 0.7,
      },
    ])
    const incomparable = { ...saturated, isLoop: false, incomparable: 'the load changes in stages' }
    expect(auditCeiling(incomparable)).toMatchObject([
      { severity: 'note', message: expect.stringMatching(/: the load changes in stages$/) },
    ])
    expect(auditCeiling({ ...incomparable, timeSeries: busy(0.5).timeSeries })).toEqual([])
    expect(auditCeiling({ ...unknown, isLoop: false })).toEqual([])
  })
  it('is silent when no ceiling was measured, or the client had time to spare', () => {
    expect(auditCeiling({ ...saturated, nullPerSecond: undefined })).toEqual([])
    expect(auditCeiling({ ...busy(0.69), nullPerSecond: 1000 })).toEqual([])
  })
  it('is part of the audit of every run', () => {
    const inputs: AuditInputs = {
      accounts: [],
      evidence: enoughEvidence,
      workers: oneWorker,
      completed: 10_000,
      completedInWindow: 10_000,
      errorShare: 0,
      interrupted: false,
      clockDriftMs: 0,
      cores: 2,
      response: saturated.response,
    }
    const codes = (timeSeries: TimeSeriesInputs) => audit({ ...inputs, timeSeries }).map(({ code }) => code)
    expect(codes(saturated)).toContain('client-limited')
    expect(codes({ ...saturated, nullPerSecond: 2000 })).not.toContain('client-limited')
  })
})

test('mayBeClientLimited() is true for a busy client in a loop of at least two seconds that can be compared', () => {
  expect(mayBeClientLimited(saturated)).toBe(true)
  expect(mayBeClientLimited({ ...saturated, isSaturated: false })).toBe(true)
  expect(mayBeClientLimited(busy(0.7))).toBe(false)
  expect(mayBeClientLimited({ ...saturated, isLoop: false })).toBe(false)
  expect(mayBeClientLimited({ ...saturated, incomparable: '3 % of the requests failed' })).toBe(false)
  expect(
    mayBeClientLimited({ ...saturated, timeSeries: { ...saturated.timeSeries, throughputs: windows(1).slice(81) } }),
  ).toBe(false)
})

test('moreWorkers() is one more if a core and a connection are left for it', () => {
  const local = { workers: 1, connections: 10, cores: 4, serverCores: 0.97 }
  expect(moreWorkers(local)).toBe(2)
  expect(moreWorkers({ ...local, workers: 3 })).toBeUndefined()
  expect(moreWorkers({ ...local, workers: 3, serverCores: 0 })).toBe(4)
  expect(moreWorkers({ ...local, cores: 2 })).toBeUndefined()
  expect(moreWorkers({ ...local, serverCores: 2.8 })).toBeUndefined()
  expect(moreWorkers({ ...local, connections: 1 })).toBeUndefined()
})
