import type { HostDifference } from '../host/counters.ts'
import type { Environment } from '../host/processes.ts'
import type { Collector } from '../metrics/collector.ts'
import { bucketEndMs } from '../metrics/histogram.ts'
import type { Measured } from '../metrics/measured.ts'
import { field } from '../metrics/slab.ts'
import { delayedModes } from '../metrics/statistics/modes.ts'
import { errorShare, type Totals } from '../metrics/totals.ts'
import { createProtocol } from '../protocols/catalog.ts'
import type { Scenario } from '../scenario/scenario.ts'
import type { AuditInputs } from './audit.ts'
import type { CeilingRecord } from './ceiling.ts'
import { mayBeClientLimited, moreWorkers } from './ceiling.ts'
import type { DeliveriesInputs } from './deliveries.ts'
import type { TimeSeriesInputs } from './timeSeries.ts'

/** What the audit has to know of a run, apart from what its collector holds. */
export interface AuditedRun {
  readonly facts: { readonly scenario: Scenario; readonly workers: number; readonly environment: Environment }
  /** The end was put off once. */
  readonly isExtended: boolean
  /** When the books were closed, on the collector's clock. */
  readonly endedAt: number
  /** What a server of ours counted in all. */
  readonly serverRequests?: number | undefined
  /** What it counted in all of messages that answer none of the same connection. */
  readonly serverDeliveries?: number | undefined
  readonly targetIsLocal: boolean
  readonly overUdp?: boolean
  readonly clockDriftMs: number
  /** What the machine counted from the start to the end. */
  readonly host: HostDifference
  readonly interrupted: boolean
  readonly error?: string | undefined
  /** What the client can do at most, where that was measured. */
  readonly ceiling?: CeilingRecord | undefined
}

/**
 * Where a run is to be held against what its client can do at most: the requests a busy second that it has shown it can.
 * Undefined for a run that was cut short, or whose client was not what held it back.
 */
export function shownToCeiling(run: AuditedRun, measured: Measured): number | undefined {
  if (run.interrupted || run.error !== undefined) return undefined
  const inputs = timeSeriesInputs(run, measured, measured.windowMs / 1000)
  if (inputs === undefined || !mayBeClientLimited(inputs)) return undefined
  return inputs.throughput / inputs.timeSeries.busyShare
}

/** What the audit looks at, out of what is known of a run at its end, or so far. */
export function auditInputs(run: AuditedRun, collector: Collector, totals: Totals, measured: Measured): AuditInputs {
  const { handshakes, heartbeats } = totals
  const seconds = measured.windowMs / 1000
  const sharedCores =
    run.targetIsLocal && measured.serverCpuSeconds !== undefined && seconds > 0
      ? (measured.clientCpuSeconds + measured.serverCpuSeconds) / seconds
      : undefined
  return {
    accounts: collector.accounts(),
    ...(run.serverRequests === undefined
      ? {}
      : {
          server: {
            requests: run.serverRequests,
            sent: totals.sent + handshakes.sent + heartbeats.sent,
            answered: totals.completed + handshakes.completed + heartbeats.completed,
          },
        }),
    completed: totals.completed,
    completedInWindow: measured.completed,
    errorShare: errorShare(totals) ?? 0,
    interrupted: run.interrupted,
    clockDriftMs: run.clockDriftMs,
    ...(run.facts.scenario.load.mode !== 'rate'
      ? {}
      : {
          plan: {
            planned: measured.planned,
            sent: measured.sent,
            clientLag: measured.clientLag.quantiles,
          },
        }),
    response: measured.response.quantiles,
    timeSeries: timeSeriesInputs(run, measured, seconds),
    host: {
      host: run.host,
      ownRetransmits: measured.roundTripAtOpen.count > 0 ? collector.total(field.retransmits) : undefined,
      overUdp: run.overUdp,
      completed: measured.completed,
      modes: delayedModes(bucketsOf(measured.response.counts), measured.response.quantiles.p50 ?? 0),
    },
    sharedCores,
    cores: run.facts.environment.cores,
    deliveries: deliveriesInputs(run, collector, totals),
  }
}

function timeSeriesInputs(run: AuditedRun, measured: Measured, seconds: number): TimeSeriesInputs | undefined {
  const { facts, ceiling, targetIsLocal, isExtended } = run
  const { timeSeries, completed } = measured
  const response = measured.response.quantiles
  if (timeSeries === undefined || completed === 0) return undefined
  const { load, connections, loop = [], mix = [], reconnect, heartbeat } = facts.scenario
  const hasPauses = [...loop, ...mix].some(({ think }) => think > 0)
  return {
    timeSeries,
    completed,
    throughput: completed / seconds,
    response,
    slots: connections * load.pipeline,
    isSaturated:
      load.mode === 'loop' &&
      load.stages === undefined &&
      !hasPauses &&
      reconnect.when !== 'every-request' &&
      !heartbeat &&
      measured.failed === 0,
    isSteady: load.stages === undefined && load.mode !== 'once',
    ...(measured.steadyState && {
      steadyState: { ...measured.steadyState, warmupSeconds: measured.warmupMs / 1000, isExtended },
    }),
    ...(load.rate === undefined || load.stages !== undefined || load.arrivals === undefined
      ? {}
      : { plan: { perSecond: load.rate, arrivals: load.arrivals } }),
    nullPerSecond: ceiling?.nullPerSecond,
    moreWorkers: moreWorkers({
      workers: facts.workers,
      connections,
      cores: facts.environment.cores,
      serverCores: targetIsLocal ? Math.max(1, (measured.serverCpuSeconds ?? 0) / seconds) : 0,
    }),
  }
}

function bucketsOf(counts: Float64Array): { valueMs: number; count: number }[] {
  const used: { valueMs: number; count: number }[] = []
  counts.forEach((count, bucket) => {
    if (count > 0) used.push({ valueMs: bucketEndMs(bucket), count })
  })
  return used
}

/** What the audit looks at of deliveries; undefined where the protocol has none, or the run could not go on to its end. */
export function deliveriesInputs(run: AuditedRun, collector: Collector, totals: Totals): DeliveriesInputs | undefined {
  const { scenario, workers } = run.facts
  if (createProtocol(scenario.protocol).delivery === undefined || run.error !== undefined) return undefined
  const { handshakes, heartbeats } = totals
  const inexact = inexactReason(run, collector, totals)
  return {
    count: collector.total(field.deliveries) + collector.total(field.deliveriesAfter),
    sent: totals.sent + handshakes.sent + heartbeats.sent,
    acknowledged:
      totals.completed + handshakes.completed + heartbeats.completed + collector.total(field.nonCompletingReplies),
    others: scenario.connections - 1,
    // A worker knows of its own connections only; those of the others miss as many.
    possiblyMissed: collector.total(field.possiblyMissed) * workers,
    serverSent: run.serverDeliveries,
    ...(inexact !== undefined && { inexact }),
  }
}

/** Why it is not known how many deliveries were to come: each is to those connections that stand at that moment. */
function inexactReason(run: AuditedRun, collector: Collector, totals: Totals): string | undefined {
  const { scenario, workers } = run.facts
  const { connections, load, requests } = scenario
  if (totals.handshakes.sent > 0) return 'messages were sent while connections were being opened'
  if (load.stages?.some(stage => stage.connections !== undefined)) return 'connections came and went in stages'
  const haveStood = totals.connects === connections && collector.level(field.open) === connections
  if (!haveStood) return 'connections came or went meanwhile'
  if (workers > 1 && requests !== undefined) return 'one worker may have ended before another'
  return collector.level(field.deliveriesCut) > 0 ? 'more were still coming a second after the end' : undefined
}
