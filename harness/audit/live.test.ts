import { expect, test } from 'vitest'
import { Collector } from '../metrics/collector.ts'
import { bucketIndex, countsLength, toTicks } from '../metrics/histogram.ts'
import { createSlab, field, histogram, sum } from '../metrics/slab.ts'
import { sampleReport } from '../report/testing/samples.ts'
import { LiveAudit } from './live.ts'
import type { MachineState } from './machine.ts'

const rate = { mode: 'rate', rate: 1000, arrivals: 'poisson', pipeline: 1 } as const
const facts = { ...sampleReport, scenario: { ...sampleReport.scenario, load: rate } }

/** A run in mode rate whose worker is always busy; every request that is sent is answered within a millisecond. */
function started(auditMs = 0, machine?: (fromMs: number) => MachineState) {
  const slab = createSlab(1)
  const collector = new Collector({
    slabs: [slab],
    connections: 1,
    warmupMs: 0,
    isWarmupAutomatic: false,
    clientCpuSeconds: () => 0,
    serverCpuSeconds: () => undefined,
    rssBytes: () => 0,
  })
  collector.begin(0)
  let audits = 0
  const liveAudit = new LiveAudit({
    collector,
    run: { facts, targetIsLocal: true },
    host: () => {
      audits++
      return {}
    },
    clockDriftMs: () => 0,
    ...(machine && { machine }),
    clock: { now: () => audits * auditMs },
  })
  const readAt = (now: number, planned: number, sent: number) => {
    slab.fields[field.planned] = planned
    slab.fields[field.sent] = sent
    slab.fields[field.completed] = sent
    slab.counts[histogram.steps * countsLength + bucketIndex(toTicks(1))] = sent
    collector.read(now)
  }
  return { slab, liveAudit, readAt, audits: () => audits }
}

const codes = (notes: readonly string[]) => notes.map(note => note.split(':')[0])

test('LiveAudit has no notes before two seconds are measured', () => {
  const { liveAudit, readAt } = started()
  readAt(1000, 1000, 0)
  expect(liveAudit.notes(1000)).toEqual([])
})

test('LiveAudit has no notes before the first reply', () => {
  const { liveAudit, readAt } = started()
  readAt(3000, 3000, 0)
  expect(liveAudit.notes(3000)).toEqual([])
})

test('LiveAudit keeps the wording of a note as long as the doubt persists', () => {
  const { liveAudit, readAt, slab } = started()
  readAt(3000, 3000, 1500)
  const notes = liveAudit.notes(3000)
  expect(codes(notes)).toEqual(['generator-busy', 'rate'])
  expect(notes[1]).toContain('50 % of the planned requests were sent')
  readAt(6000, 6000, 2000)
  expect(liveAudit.notes(6000)[1]).toBe(notes[1])
  readAt(9000, 9000, 9000)
  slab.sums[sum.idleMs] = 9000
  expect(liveAudit.notes(9000)).toEqual([])
})

test('LiveAudit has no note for what another finding explains, nor for too little to look at', () => {
  const { slab, liveAudit, readAt } = started()
  readAt(0, 0, 0)
  // Requests leave half a response time late, because their worker is always busy.
  slab.counts[histogram.clientLag * countsLength + bucketIndex(toTicks(0.5))] = 3000
  readAt(3000, 3000, 3000)
  expect(codes(liveAudit.notes(3000))).toEqual(['generator-busy'])
  slab.sums[sum.idleMs] = 6000
  slab.counts[histogram.clientLag * countsLength + bucketIndex(toTicks(0.5))] = 6000
  readAt(6000, 6000, 6000)
  expect(codes(liveAudit.notes(6000))).toEqual(['client-lag'])
})

test('LiveAudit tells of busy programs as soon as two seconds are measured', () => {
  const asked: number[] = []
  const { liveAudit, readAt, slab } = started(50, fromMs => {
    asked.push(fromMs)
    return { use: { seconds: 2, cores: 2, otherCores: 1.2, programs: [{ name: 'yes', cores: 1.2 }] } }
  })
  for (let now = 100; now <= 2000; now += 100) {
    readAt(now, now, now)
    slab.sums[sum.idleMs] = now
    expect(codes(liveAudit.notes(now))).toEqual(now < 2000 ? [] : ['machine-busy'])
  }
  expect(asked).toEqual([0])
})

test('LiveAudit audits every few seconds only, and never checks the accounts, which are incomplete', () => {
  const { liveAudit, readAt, audits } = started()
  for (let now = 2500; now < 8500; now += 500) {
    readAt(now, now, now - 7)
    expect(codes(liveAudit.notes(now))).not.toContain('conservation')
  }
  expect(audits()).toBe(2)
})

test('LiveAudit audits less often when an audit takes long', () => {
  const { liveAudit, readAt, audits } = started(50)
  for (let now = 3000; now <= 40_000; now += 500) {
    readAt(now, now, now)
    liveAudit.notes(now)
  }
  // 15 s apart.
  expect(audits()).toBe(3)
})
