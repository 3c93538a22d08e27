import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FakeTime } from './testing/fakeTime.ts'
import { Timeline } from './timeline.ts'

test.each([
  ['millisecondTimer', 1.001],
  ['exactTimer', 0.00001],
] as const)('Timeline runs jobs in the order of their due times, never early and little later: %s', (timer, lateMs) => {
  const times = fc.array(fc.record({ addMs: fc.nat(50), afterMs: fc.double({ min: 0, max: 40, noNaN: true }) }))
  fc.assert(
    fc.property(times, jobs => {
      const time = new FakeTime()
      const timeline = new Timeline(time[timer], time)
      const fired: { dueMs: number; sequence: number; atMs: number }[] = []
      for (const { addMs, afterMs } of jobs.toSorted((a, b) => a.addMs - b.addMs)) {
        time.advanceTo(addMs)
        const job = {
          dueMs: 0,
          sequence: 0,
          fire: (atMs: number) => void fired.push({ dueMs: job.dueMs, sequence: job.sequence, atMs }),
        }
        timeline.add(job, addMs + afterMs)
      }
      time.advanceTo(1000)
      expect(fired).toHaveLength(jobs.length)
      for (const { dueMs, atMs } of fired) {
        expect(atMs).toBeGreaterThanOrEqual(dueMs)
        expect(atMs).toBeLessThan(dueMs + lateMs)
      }
      // Jobs that are found due at the same check of the clock run in the order of their due times.
      const sorted = fired.toSorted((a, b) => a.atMs - b.atMs || a.dueMs - b.dueMs || a.sequence - b.sequence)
      expect(fired).toEqual(sorted)
      expect(timeline.fired).toBe(jobs.length)
      expect(timeline.lateMs).toBeCloseTo(
        fired.reduce((sum, { dueMs, atMs }) => sum + atMs - dueMs, 0),
        9,
      )
    }),
  )
})

test('Timeline runs due jobs on request, before its timer fires', () => {
  const time = new FakeTime()
  const timeline = new Timeline(time.exactTimer, { now: () => now })
  let now = 0
  let firedMs = -1
  timeline.add(
    {
      dueMs: 0,
      sequence: 0,
      fire: nowMs => {
        firedMs = nowMs
      },
    },
    5.25,
  )
  now = 5.2
  timeline.fireDue()
  expect(firedMs).toBe(-1)
  now = 5.25
  timeline.fireDue()
  expect(firedMs).toBe(5.25)
})

test('Timeline never runs a job that is never due', () => {
  const time = new FakeTime()
  const timeline = new Timeline(time.exactTimer, time)
  timeline.add({ dueMs: 0, sequence: 0, fire: () => expect.unreachable() }, Number.POSITIVE_INFINITY)
  time.advanceTo(1e9)
  timeline.fireDue()
})
