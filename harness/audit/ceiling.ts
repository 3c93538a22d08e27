import { formatCount, formatPercent } from '../units.ts'
import type { Finding } from './finding.ts'
import { limits } from './limits.ts'
import { type TimeSeriesInputs, windowsMin } from './timeSeries.ts'
import { withTrial } from './workerTrial.ts'

/** The highest throughput of the client itself, for runs whose throughput may be limited by the client. */
export interface CeilingRecord {
  /** Requests per busy second of the client, with the same plan against a null server. */
  readonly nullPerSecond: number
  /** Measured in an earlier run on this machine. */
  readonly cached: boolean
}

/**
 * Whether the client may have limited the throughput of a run that can be compared with its ceiling. By the utilisation
 * law, a client that was busy for a share U of the time could do at least throughput / U: a client that was idle for long
 * enough did not limit the run.
 */
export function mayBeClientLimited(inputs: TimeSeriesInputs): boolean {
  return inputs.isLoop && inputs.incomparable === undefined && isBusy(inputs)
}

function isBusy({ timeSeries }: TimeSeriesInputs): boolean {
  return timeSeries.throughputs.length >= windowsMin && timeSeries.busyShare > limits.ceiling
}

/**
 * Check 7: whether the client could have done much more in a loop (docs/measurement.md). Where a busy client cannot be
 * compared with its ceiling, a note says so: its figures may be its own.
 */
export function auditCeiling(inputs: TimeSeriesInputs): Finding[] {
  const { timeSeries, throughput, completed, incomparable, workerTrial } = inputs
  if (!isBusy(inputs)) return []
  if (incomparable !== undefined) return [unknownFinding(inputs, incomparable)]
  if (!inputs.isLoop) return []
  const [limited] = nearCeiling(inputs)
  if (workerTrial === undefined) return limited === undefined ? [] : [limited]
  const { throughputs } = timeSeries
  const windowSeconds = completed / throughput / throughputs.length
  const finding = withTrial(limited, { ...workerTrial, throughput, throughputs, windowSeconds })
  return finding === undefined ? [] : [finding]
}

/** Whether the throughput of a busy client is near its ceiling, or why that is not known. */
function nearCeiling(inputs: TimeSeriesInputs): Finding[] {
  const { timeSeries, throughput, nullPerSecond, noCeiling, moreWorkers, serverCores = 0 } = inputs
  if (nullPerSecond === undefined) return noCeiling === undefined ? [] : [unknownFinding(inputs, noCeiling)]
  const proven = throughput / timeSeries.busyShare
  // A null server's figure below what the run itself has proven is wrong, unless the client was hardly ever idle.
  if (nullPerSecond < proven && timeSeries.busyShare <= limits.ceilingBusy) {
    const [least, shown] = [nullPerSecond, proven].map(formatCount)
    return [unknownFinding(inputs, `a null server gave ${least}/s, less than the ${shown}/s that it has shown`)]
  }
  const value = throughput / Math.max(nullPerSecond, proven)
  if (value <= limits.ceiling) return []
  const [least, most] = limits.oneCore
  // A server of one thread that fills its core is at its own limit too, and no other client would get more out of it.
  const isServerFull = serverCores >= least && serverCores <= most
  const both = isServerFull
    ? `, and the server used ${formatPercent(serverCores)} of a core: both are near their limits`
    : ''
  return [
    {
      code: 'client-limited',
      severity: isServerFull ? 'note' : 'suspect',
      message: `the throughput is ${formatPercent(value)} of the client's ceiling, measured with a null server (limit ${formatPercent(limits.ceiling)})${both}`,
      hint:
        moreWorkers === undefined
          ? 'run the client on a faster machine, or compare servers by their CPU per request'
          : `add workers (-w ${moreWorkers})`,
      value,
      limit: limits.ceiling,
    },
  ]
}

/** A busy client whose ceiling is not known; `why` ends the sentence. */
function unknownFinding({ timeSeries: { busyShare }, moreWorkers }: TimeSeriesInputs, why: string): Finding {
  return {
    code: 'client-limited',
    severity: 'note',
    message: `the busiest worker was busy for ${formatPercent(busyShare)} of the time (limit ${formatPercent(limits.ceiling)}) and may have limited the throughput; its ceiling is not known: ${why}`,
    hint:
      moreWorkers === undefined
        ? 'compare servers by their CPU per request, or run the client on a faster machine'
        : `add workers (-w ${moreWorkers}): if the throughput grows, the client was the limit`,
    value: busyShare,
    limit: limits.ceiling,
  }
}

/** One worker more than now, if a core and a connection are left for it; `serverCores` are in use by a local server. */
export function moreWorkers(run: {
  readonly workers: number
  readonly connections: number
  readonly cores: number
  readonly serverCores: number
}): number | undefined {
  const { workers, connections, cores, serverCores } = run
  return workers < connections && workers + Math.round(serverCores) < cores ? workers + 1 : undefined
}
