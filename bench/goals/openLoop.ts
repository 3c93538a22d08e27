import type { Goal } from '../goal.ts'
import { noneMeasured } from '../judge.ts'

/** P4: how late requests leave that are sent by a plan. */
export const openLoop: Goal = {
  id: 'P4',
  title: 'open loop at 20 k/s: p99 client lag',
  async measure() {
    const claim = { name: 'epoll', figure: 'lagMicros', bound: { atMost: 50 } } as const
    return { groups: [], rows: noneMeasured([claim], 'open loop comes with a later version'), notes: [] }
  },
}
