import { expect, test } from 'vitest'
import { Collector } from '../metrics/collector.ts'
import { bucketIndex, countsLength, toTicks } from '../metrics/histogram.ts'
import { createSlab, field, histogram, instant, sum } from '../metrics/slab.ts'
import { totalsOf } from '../metrics/totals.ts'
import { sampleReport } from '../report/testing/samples.ts'
import type { Scenario } from '../scenario/scenario.ts'
import { type AuditedRun, auditInputs } from './inputs.ts'

/** A run, of ten seconds by default, whose thousand replies all took `responseMs`, over a network with a least round trip. */
function inputsOf(
  responseMs: number,
  leastRoundTripMs: number | undefined,
  settings: Partial<Scenario> = {},
  endMs = 10_000,
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
  slab.fields[field.sent] = 1000
  slab.fields[field.completed] = 1000
  slab.sums[sum.responseMs] = 1000 * responseMs
  slab.counts[histogram.steps * countsLength + bucketIndex(toTicks(responseMs))] = 1000
  if (leastRoundTripMs !== undefined) {
    for (const name of [histogram.roundTripAtOpen, histogram.leastRoundTripAtEnd])
      slab.counts[name * countsLength + bucketIndex(toTicks(leastRoundTripMs))] = 1
  }
  slab.instants[instant.end] = endMs
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
  expect(inputsOf(1, undefined, counted, 10_000, { cutShort }).ending).toEqual({
    cutShort,
    givenUp: { count: 0, of: 10, attempts: 7 },
    hasConnected: false,
    handshakes: 0,
    completed: 1000,
    counted: { sent: 1000, wanted: 2000 },
  })
  // Its time has ended it, or its user.
  expect(inputsOf(1, undefined, { ...counted, duration: 10_000 }).ending).not.toHaveProperty('counted')
  expect(inputsOf(1, undefined, counted, 10_000, { interrupted: true }).ending).not.toHaveProperty('counted')
})

test('auditInputs() leaves room for the requests of a trial that the server need not have seen', () => {
  const trial = { result: { workers: 2, perSecond: 120, seconds: 1.5 }, sent: 100, answered: 98 }
  const { server, timeSeries } = inputsOf(1, undefined, {}, 10_000, { trial, serverRequests: 998 })
  expect(server).toEqual({ requests: 998, sent: 1000, answered: 998 })
  expect(timeSeries?.workerTrial).toEqual({ workers: 1, trial: trial.result })
  expect(inputsOf(1, undefined, {}, 10_000, { serverRequests: 1000 }).server).toMatchObject({ answered: 1000 })
})

test('auditInputs() counts the retransmissions of its own connections only where the kernel told them', () => {
  expect(inputsOf(1, 0.05).host!.ownRetransmits).toBe(0)
  expect(inputsOf(1, undefined).host!.ownRetransmits).toBeUndefined()
})
