import { expect, test } from 'vitest'
import { Collector } from '../metrics/collector.ts'
import { bucketIndex, countsLength, toTicks } from '../metrics/histogram.ts'
import { createSlab, field, histogram, sum } from '../metrics/slab.ts'
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
  collector.read(endMs)
  const run: AuditedRun = {
    facts: { ...sampleReport, scenario: { ...sampleReport.scenario, ...settings } },
    isExtended: false,
    endedAt: endMs,
    targetIsLocal: true,
    clockDriftMs: 0,
    host: {},
    interrupted: false,
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

test('auditInputs() counts the retransmissions of its own connections only where the kernel told them', () => {
  expect(inputsOf(1, 0.05).host!.ownRetransmits).toBe(0)
  expect(inputsOf(1, undefined).host!.ownRetransmits).toBeUndefined()
})
