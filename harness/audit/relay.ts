import { formatDuration, formatPercent } from '../units.ts'
import type { Finding } from './finding.ts'
import { limits } from './limits.ts'

/** What a relay that simulates a network has counted over the run, and the round-trip time that it simulates. */
export interface RelayInputs {
  /** How often it passed on what was due, and by how many milliseconds that was late, all of it together. */
  readonly arrivals: number
  readonly lateMs: number
  /** Absent where it simulates none. */
  readonly rttMs?: number | undefined
}

/** Whether the relay kept the times that it was to simulate: a late one makes response times longer, and not the server's. */
export function auditRelay({ arrivals, lateMs, rttMs = 0 }: RelayInputs): Finding[] {
  if (arrivals === 0) return []
  // A request is passed on, and so is its reply.
  const addedMs = (2 * lateMs) / arrivals
  const limit = Math.max(limits.relayLateMs, limits.relayLate * rttMs)
  if (addedMs <= limit) return []
  const share =
    rttMs > 0 ? `, ${formatPercent(addedMs / rttMs)} of the round-trip time of ${formatDuration(rttMs)}` : ''
  return [
    {
      code: 'relay-late',
      severity: 'suspect',
      message: `the relay added ${formatDuration(addedMs)} to each round trip on average${share} (limit ${formatDuration(limit)})`,
      hint: 'it has no time to spare: use fewer connections or a lower rate, or give it a core that is idle; a real network needs no relay',
      value: addedMs,
      limit,
    },
  ]
}
