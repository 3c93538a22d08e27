import { expect, test } from 'vitest'
import { Collector } from '../metrics/collector.ts'
import { bucketIndex, countsLength, toTicks } from '../metrics/histogram.ts'
import { createSlab, field, histogram, instant, type Slab, state, sum } from '../metrics/slab.ts'
import { totalsOf } from '../metrics/totals.ts'
import { sampleReport } from '../report/testing/samples.ts'
import type { Scenario } from '../scenario/scenario.ts'
import { auditCeiling } from './ceiling.ts'
import { type AuditedRun, auditInputs } from './inputs.ts'

/** A run, of ten seconds by default, whose thousand replies all took `responseMs`, over a network with a least round trip. */
function inputsOf(
  responseMs: number,
  leastRoundTripMs: number | undefined,
  settings: Partial<Scenario> = {},
  endMs = 10_000,
  change?: (slab: Slab) => void,
  more: Partial<AuditedRun> = {},
) {
  const slab = createSlab(1)
  let hasRun = false
  const collector = new Collector({
    slabs: [slab],
    connections: 1,
    warmupMs: 0,
    isWarmupAutomatic: false,
    clientCpuSeconds: () => 0,
    serverCpuSeconds: () => (hasRun ? (0.75 * endMs) / 1000 : 0),
    rssBytes: () => 0,
  })
  collector.begin(0)
  hasRun = true
  change?.(slab)
  slab.fields[field.sent] = 1000
  slab.fields[field.completed] = 1000
  slab.sums[sum.responseMs] = 1000 * responseMs
  slab.counts[histogram.steps * countsLength + bucketIndex(toTicks(responseMs))] = 1000
  if (leastRoundTripMs !== undefined) {
    for (const name of [histogram.roundTripAtOpen, histogram.leastRoundTripAtEnd])
      slab.counts[name * countsLength + bucketIndex(toTicks(leastRoundTripMs))] = 1
  }
  slab.instants[instant.end] = endMs
  slab.fields[field.state] = state.closed
  collector.read(endMs)
  const run: AuditedRun = {
    facts: { ...sampleReport, scenario: { ...sampleReport.scenario, ...settings } },
    isExtended: false,
    endedAt: endMs,
    targetIsLocal: true,
    clockDriftMs: 0,
    host: {},
    interrupted: false,
    ...more,
  }
  return auditInputs(run, collector, totalsOf(collector), collector.measured(endMs))
}

test('auditInputs() tells a delay of TCP from that of the network, which the kernel knows', () => {
  const standing = { offsetMs: 40, name: 'delayed ACK', share: 1 }
  expect(inputsOf(41, 0.05).host!.standing).toEqual(standing)
  expect(inputsOf(41, 38).host!.standing).toBeUndefined()
  expect(inputsOf(20, 0.05).host!.standing).toBeUndefined()
  expect(inputsOf(41, undefined).host!.standing).toBeUndefined()
})

test('auditInputs() knows a delay that was asked for: of a relay, or as the service time of a reference server', () => {
  const relayed = { target: { address: 'tcp://127.0.0.1:7', relay: { rtt: 40 } } }
  const serving = { target: { serve: 'echo', options: { serviceTime: 'fixed:40ms' } } } as const
  expect(inputsOf(41, 0.05, relayed).host!.standing).toBeUndefined()
  expect(inputsOf(41, 0.05, serving).host!.standing).toBeUndefined()
})

test('auditInputs() says how much was measured and asked for, and how many workers', () => {
  const { evidence, workers } = inputsOf(1, undefined, { workers: 4, warmup: 'auto' })
  expect(evidence).toEqual({
    measuredMs: 10_000,
    completed: 1000,
    interrupted: false,
    mode: 'loop',
    durationMs: 10_000,
    isCounted: false,
    hasStages: false,
    isWarmupAutomatic: true,
  })
  expect(workers).toEqual({ started: 1, asked: 4, cores: 2, connections: 10 })
  expect(inputsOf(1, undefined, { requests: 1000 })).toMatchObject({
    evidence: { isCounted: true, isWarmupAutomatic: false },
    workers: { asked: undefined },
  })
})

test('auditInputs() gives no share of the cores in less than a second, which is the start of the processes', () => {
  expect(inputsOf(1, undefined).sharedCores).toBe(0.75)
  expect(inputsOf(1, undefined, {}, 900).sharedCores).toBeUndefined()
})

test('auditInputs() tells whether a run was ended, and of connections that were given up', () => {
  expect(inputsOf(1, undefined).ending).toEqual({
    cutShort: undefined,
    hasConnected: false,
    handshakes: 0,
    completed: 1000,
  })
  const cutShort = { reason: 'unconnected', forMs: 3000 } as const
  const reconnect = { when: 'failure', backoff: { min: 1, max: 2 }, attempts: 7 } as const
  const counted = { reconnect, requests: 2000, duration: 60_000 }
  expect(inputsOf(1, undefined, counted, 10_000, undefined, { cutShort }).ending).toEqual({
    cutShort,
    givenUp: { count: 0, of: 10, attempts: 7 },
    hasConnected: false,
    handshakes: 0,
    completed: 1000,
    counted: { sent: 1000, wanted: 2000 },
  })
  // Its time has ended it, or its user.
  expect(inputsOf(1, undefined, { ...counted, duration: 10_000 }).ending).not.toHaveProperty('counted')
  expect(inputsOf(1, undefined, counted, 10_000, undefined, { interrupted: true }).ending).not.toHaveProperty('counted')
})

test('auditInputs() leaves room for the requests of a trial that the server need not have seen', () => {
  const trial = { result: { workers: 2, perSecond: 120, seconds: 1.5 }, sent: 100, answered: 98 }
  const { server, timeSeries } = inputsOf(1, undefined, {}, 10_000, undefined, { trial, serverRequests: 998 })
  expect(server).toEqual({ requests: 998, sent: 1000, answered: 998 })
  expect(timeSeries?.workerTrial).toEqual({ workers: 1, trial: trial.result })
  expect(inputsOf(1, undefined, {}, 10_000, undefined, { serverRequests: 1000 }).server).toMatchObject({
    answered: 1000,
  })
})

test('auditInputs() counts the retransmissions of its own connections only where the kernel told them', () => {
  expect(inputsOf(1, 0.05).host!.ownRetransmits).toBe(0)
  expect(inputsOf(1, undefined).host!.ownRetransmits).toBeUndefined()
})

/** The checks over time of a run with a thousand replies in 5 ms, besides which so many requests failed after a second. */
function failing(failed: number, settings: Partial<Scenario> = {}, more: (slab: Slab) => void = () => {}) {
  const { timeSeries } = inputsOf(5, undefined, settings, 10_000, slab => {
    slab.fields[field.failed] = failed
    slab.counts[histogram.failed * countsLength + bucketIndex(toTicks(1000))] = failed
    more(slab)
  })
  return timeSeries!
}

test('auditInputs() compares a loop with its ceiling and its slots although a request has failed', () => {
  const { connections } = sampleReport.scenario
  expect(failing(0)).toMatchObject({ isLoop: true, isSaturated: true, failedMs: 0, lostShare: 0 })
  expect(failing(0).incomparable).toBeUndefined()
  const one = failing(1)
  expect(one).toMatchObject({ isSaturated: true, incomparable: undefined })
  expect(one.failedMs).toBeCloseTo(1000, -1)
  expect(one.lostShare).toBeCloseTo(1 / (10 * connections * sampleReport.scenario.load.pipeline), 3)
  // Errors are a finding above one in a thousand, and their work is that of the client up to one in a hundred.
  expect(failing(5)).toMatchObject({ isSaturated: false, incomparable: undefined })
  expect(failing(30)).toMatchObject({ isSaturated: false, incomparable: '2.91 % of the requests failed' })
  const down = failing(1, {}, slab => {
    slab.sums[sum.wantedMs] = 10_000
    slab.sums[sum.downMs] = 500
  })
  expect(down.lostShare! - one.lostShare!).toBeCloseTo(0.05)
})

test('auditInputs() has what it takes to find a busy client in a loop in which one request has failed', () => {
  const inputs = failing(1)
  const timeSeries = { ...inputs.timeSeries, busyShare: 0.95, throughputs: Array<number>(100).fill(100) }
  const found = auditCeiling({ ...inputs, timeSeries, nullPerSecond: 120 })
  expect(found).toMatchObject([{ code: 'client-limited', severity: 'suspect', value: 100 / 120 }])
})

const reconnecting = 'a null server keeps connections open, and here'

test.each<[string, Partial<Scenario>, string | undefined, number?]>([
  ['pauses', { loop: [{ send: 'a', think: 20 }] }, undefined],
  ['few heartbeats', { heartbeat: { every: 10_000, send: 'b', reply: true } }, undefined],
  [
    'many heartbeats',
    { heartbeat: { every: 1000, send: 'b', reply: true } },
    'heartbeats come to 10 % of the requests',
  ],
  ['stages', { load: { mode: 'loop', pipeline: 1, stages: [] } }, 'the load changes in stages'],
  [
    'a connection for each request',
    { reconnect: { when: 'every-request', backoff: { min: 10, max: 80 } } },
    `${reconnecting} each request has its own`,
  ],
  ['connections that end', {}, `${reconnecting} there was a new one for 4 % of the requests`, 50],
  ['a planned rate', { load: { mode: 'rate', rate: 100, pipeline: 1 } }, undefined],
])(
  'auditInputs() of a run with %s says whether it can be compared with its ceiling',
  (_, settings, why, opened = 10) => {
    const inputs = failing(0, settings, slab => {
      slab.counts[histogram.connect * countsLength + bucketIndex(toTicks(1))] = opened
    })
    expect(inputs.incomparable).toBe(why)
  },
)

test('auditInputs() counts the connections that send where others only listen', () => {
  const loop = [{ send: 'a', think: 0 }]
  const listeners = { connections: 100, connect: [] }
  const clients = [listeners, { connections: 4, connect: [], loop }]
  const scenario = { clients, connections: 104 }
  const open = (slab: Slab) => {
    slab.counts[histogram.connect * countsLength + bucketIndex(toTicks(1))] = 104
  }
  const { timeSeries, workers, evidence } = inputsOf(5, undefined, scenario, 10_000, open)
  expect(timeSeries).toMatchObject({ slots: 4, connections: 4, isSaturated: true, hasSeveralLoops: false })
  expect(timeSeries!.incomparable).toBeUndefined()
  expect(workers).toMatchObject({ connections: 4, areSpeakers: true })
  expect(evidence).toMatchObject({ hasGroups: true })
  const two = [...clients, { connections: 1, connect: [], mix: [{ send: 'b', think: 9, weight: 1 }] }]
  const several = inputsOf(5, undefined, { ...scenario, clients: two }, 10_000, open).timeSeries
  expect(several).toMatchObject({ slots: 5, hasSeveralLoops: true, isSaturated: false })
  const delivered = inputsOf(5, undefined, scenario, 10_000, slab => {
    open(slab)
    slab.fields[field.deliveries] = 100_000
  }).timeSeries
  expect(delivered!.incomparable).toBe('a null server sends no deliveries, and here came 100 for each request')
})
