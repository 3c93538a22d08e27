import type { Finding } from './finding.ts'
import { limits } from './limits.ts'
import { type TimeSeriesInputs, windowsMin } from './timeSeries.ts'

/** What the client itself can do at most, where the throughput may be its limit and not the server's. */
export interface CeilingRecord {
  /** Requests of the same plan against a server that does nothing, for each second that the client was busy. */
  readonly nullPerSecond: number
  /** It was measured at an earlier run on this machine. */
  readonly cached: boolean
}

/**
 * Whether the throughput of a run may be its client's own limit. By the utilisation law a client that was busy for a part
 * U of the time could do throughput / U at least: one that was idle for long enough is not what held the run back.
 */
export function mayBeClientLimited({ timeSeries, isSaturated, isSteady }: TimeSeriesInputs): boolean {
  return isSaturated && isSteady && timeSeries.throughputs.length >= windowsMin && timeSeries.busyShare > limits.ceiling
}

/** Check 7: in a saturated closed loop, whether the client could have done much more (measurement, section 2). */
export function auditCeiling(inputs: TimeSeriesInputs): Finding[] {
  const { timeSeries, throughput, nullPerSecond, moreWorkers } = inputs
  if (nullPerSecond === undefined || !mayBeClientLimited(inputs)) return []
  const shown = throughput / timeSeries.busyShare
  // A figure that the run itself has disproved is no reason for doubt; nor is one needed where the client was hardly idle.
  if (nullPerSecond < shown && timeSeries.busyShare <= limits.ceilingBusy) return []
  const value = throughput / Math.max(nullPerSecond, shown)
  if (value <= limits.ceiling) return []
  const timesFaster = (nullPerSecond / throughput).toFixed(1)
  return [
    {
      code: 'client-limited',
      severity: 'suspect',
      message:
        Number(timesFaster) > 1
          ? `the null server is only ${timesFaster} times faster`
          : 'a server that does nothing is no faster',
      hint:
        moreWorkers === undefined
          ? 'take a faster machine for the client, or compare the server by its CPU per request'
          : `add workers (-w ${moreWorkers})`,
      value,
      limit: limits.ceiling,
    },
  ]
}

/** One worker more than there are, where it would have a core of its own and a connection; `serverCores` are the server's. */
export function moreWorkers(run: {
  readonly workers: number
  readonly connections: number
  readonly cores: number
  readonly serverCores: number
}): number | undefined {
  const { workers, connections, cores, serverCores } = run
  return workers < connections && workers + Math.round(serverCores) < cores ? workers + 1 : undefined
}
