import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DueJobs } from './dueJobs.ts'

test('DueJobs returns jobs by due time, and by sequence at the same instant', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50)), fc.nat(60), (dues, nowMs) => {
      const jobs = new DueJobs()
      const added = dues.map((dueMs, sequence) => ({ dueMs, sequence }))
      for (const job of added) jobs.add(job)
      const taken = []
      for (let job = jobs.takeDue(nowMs); job !== undefined; job = jobs.takeDue(nowMs)) taken.push(job)
      const sorted = added.toSorted((a, b) => a.dueMs - b.dueMs || a.sequence - b.sequence)
      const due = sorted.filter(({ dueMs }) => dueMs <= nowMs)
      expect(taken).toEqual(due)
      expect(jobs.count).toBe(added.length - due.length)
      expect(jobs.soonestMs).toBe(sorted[due.length]?.dueMs ?? Number.POSITIVE_INFINITY)
    }),
  )
})
