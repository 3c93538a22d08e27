import { expect, test } from 'vitest'
import { Collector } from '../metrics/collector.ts'
import { bucketIndex, countsLength, toTicks } from '../metrics/histogram.ts'
import { createSlab, field, histogram, sum } from '../metrics/slab.ts'
import { sampleReport } from '../report/testing/samples.ts'
import { LiveAudit } from './live.ts'

const rate = { mode: 'rate', rate: 1000, arrivals: 'poisson', pipeline: 1 } as const
const facts = { ...sampleReport, scenario: { ...sampleReport.scenario, load: rate } }

/** A plan that is kept to some part, while the worker is busy all the time; what is sent is answered in a millisecond. */
function started(lookMs = 0) {
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
  let looks = 0
  const liveAudit = new LiveAudit({
    collector,
    run: { facts, targetIsLocal: true },
    host: () => {
      looks++
      return {}
    },
    clockDriftMs: () => 0,
    clock: { now: () => looks * lookMs },
  })
  const goOn = (now: number, planned: number, sent: number) => {
    slab.fields[field.planned] = planned
    slab.fields[field.sent] = sent
    slab.fields[field.completed] = sent
    slab.counts[histogram.steps * countsLength + bucketIndex(toTicks(1))] = sent
    collector.read(now)
  }
  return { slab, liveAudit, goOn, looks: () => looks }
}

const codes = (notes: readonly string[]) => notes.map(note => note.split(':')[0])

test('LiveAudit says nothing before there is something to go by', () => {
  const { liveAudit, goOn } = started()
  goOn(1000, 1000, 0)
  expect(liveAudit.notes(1000)).toEqual([])
})

test('LiveAudit does not call a server wrong whose first reply is yet to come', () => {
  const { liveAudit, goOn } = started()
  goOn(3000, 3000, 0)
  expect(liveAudit.notes(3000)).toEqual([])
})

test('LiveAudit tells what is in doubt, in the same words for as long as it stands', () => {
  const { liveAudit, goOn, slab } = started()
  goOn(3000, 3000, 1500)
  const notes = liveAudit.notes(3000)
  expect(codes(notes)).toEqual(['rate', 'generator-busy'])
  expect(notes[0]).toContain('50 % of the planned requests were sent')
  goOn(6000, 6000, 2000)
  expect(liveAudit.notes(6000)[0]).toBe(notes[0])
  goOn(9000, 9000, 9000)
  slab.sums[sum.idleMs] = 9000
  expect(liveAudit.notes(9000)).toEqual([])
})

test('LiveAudit looks every few seconds only, and never at the accounts, which are open', () => {
  const { liveAudit, goOn, looks } = started()
  for (let now = 2500; now < 8500; now += 500) {
    goOn(now, now, now - 7)
    expect(codes(liveAudit.notes(now))).not.toContain('conservation')
  }
  expect(looks()).toBe(2)
})

test('LiveAudit looks less often where a look takes long', () => {
  const { liveAudit, goOn, looks } = started(50)
  for (let now = 3000; now <= 40_000; now += 500) {
    goOn(now, now, now)
    liveAudit.notes(now)
  }
  // 15 s apart.
  expect(looks()).toBe(3)
})
