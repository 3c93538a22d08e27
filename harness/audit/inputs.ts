import type { HostDifference } from '../host/counters.ts'
import type { Environment } from '../host/processes.ts'
import type { Collector } from '../metrics/collector.ts'
import { bucketEndMs, ticksPerMs } from '../metrics/histogram.ts'
import type { Measured } from '../metrics/measured.ts'
import type { SampleRecord } from '../metrics/replies.ts'
import { field } from '../metrics/slab.ts'
import { delayedModes, type StandingDelay, standingDelay } from '../metrics/statistics/modes.ts'
import { errorShare, type Totals } from '../metrics/totals.ts'
import { createProtocol } from '../protocols/catalog.ts'
import type { Scenario } from '../scenario/scenario.ts'
import type { AuditInputs } from './audit.ts'
import type { CeilingRecord } from './ceiling.ts'
import { mayBeClientLimited, moreWorkers } from './ceiling.ts'
import type { DeliveriesInputs } from './deliveries.ts'
import type { EvidenceInputs } from './evidence.ts'
import { limits } from './limits.ts'
import { type MachineState, machineInputs } from './machine.ts'
import type { TargetInputs } from './target.ts'
import type { TimeSeriesInputs } from './timeSeries.ts'
import type { WorkersInputs } from './workers.ts'

/** CPU time is counted in ticks of 10 ms, and a process has work of its own at its start: a shorter part has no share. */
const cpuSecondsMin = 1

/** Connections opened again for each completed request, above which a loop does not keep all of its slots in use. */
const reopenedShareMax = 0.01

/** What the audit needs to know about a run besides its collector. */
export interface AuditedRun {
  readonly facts: { readonly scenario: Scenario; readonly workers: number; readonly environment: Environment }
  /** The run was extended by its own length. */
  readonly isExtended: boolean
  /** When counting stopped, on the collector's clock. */
  readonly endedAt: number
  /** Requests that a reference server counted. */
  readonly serverRequests?: number | undefined
  /** Deliveries that it counted: messages to connections other than the sender's. */
  readonly serverDeliveries?: number | undefined
  readonly targetIsLocal: boolean
  readonly overUdp?: boolean
  readonly clockDriftMs: number
  /** Differences of the machine's counters over the run. */
  readonly host: HostDifference
  /** Other programs and the client's ports; absent where nothing was read of them. */
  readonly machine?: MachineState | undefined
  readonly interrupted: boolean
  readonly error?: string | undefined
  /** A run by count that was ended because no request had got further for so long. */
  readonly stuckMs?: number | undefined
  /** The client's own ceiling, if it was measured. */
  readonly ceiling?: CeilingRecord | undefined
}

/**
 * The requests per busy second that the client has proven in a run which should be compared with its ceiling. Undefined
 * for a run that was cut short, or that the client cannot have limited.
 */
export function provenPerBusySecond(run: AuditedRun, measured: Measured): number | undefined {
  if (run.interrupted || run.error !== undefined) return undefined
  const inputs = timeSeriesInputs(run, measured, measured.windowMs / 1000)
  if (inputs === undefined || !mayBeClientLimited(inputs)) return undefined
  return inputs.throughput / inputs.timeSeries.busyShare
}

/** The inputs of the audit for a run that has ended, or so far. */
export function auditInputs(
  run: AuditedRun,
  collector: Collector,
  totals: Totals,
  measured: Measured,
  samples?: readonly SampleRecord[],
): AuditInputs {
  const { handshakes, heartbeats } = totals
  const seconds = measured.windowMs / 1000
  const sharedCores =
    run.targetIsLocal && measured.serverCpuSeconds !== undefined && seconds >= cpuSecondsMin
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
    stuck: stuckInputs(run, totals),
    failures: totals.failures,
    endedInWarmup: run.facts.scenario.requests !== undefined && measured.elapsedMs < measured.warmupMs,
    completed: totals.completed,
    completedInWindow: measured.completed,
    errorShare: errorShare(totals) ?? 0,
    interrupted: run.interrupted,
    evidence: evidenceInputs(run, measured),
    clockDriftMs: run.clockDriftMs,
    ...(run.facts.scenario.load.mode !== 'rate'
      ? {}
      : {
          plan: {
            planned: measured.planned,
            sent: measured.sent,
            clientLag: measured.clientLag.quantiles,
            service: measured.service.quantiles,
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
      standing: standingDelayOf(run, measured),
    },
    target: targetInputs(run, collector, totals, measured),
    machine: machineInputs(run.machine, run.facts.scenario, { collector, totals, measured }),
    sharedCores,
    cores: run.facts.environment.cores,
    workers: workersInputs(run),
    pairing: samples && { isOrdered: isOrdered(run), samples },
    deliveries: deliveriesInputs(run, collector, totals),
  }
}

function targetInputs(run: AuditedRun, collector: Collector, totals: Totals, measured: Measured): TargetInputs {
  const { connections, load, reconnect } = run.facts.scenario
  const seconds = collector.intervals
  // Connections that come and go are not down because they are closed at this moment.
  const staysOpen = load.stages === undefined && load.mode !== 'once' && reconnect.when === 'failure'
  const lastAvailability = seconds.at(-1)?.availability ?? 1
  const lost = lastAvailability < 1 - limits.downShare ? connections : 0
  const closed = connections - collector.level(field.open)
  const throughputs = measured.timeSeries?.throughputs ?? []
  return {
    seconds,
    connections,
    downAtEnd: staysOpen && lastAvailability < 1 ? closed : lost,
    measured:
      throughputs.length === 0
        ? undefined
        : { fromMs: measured.warmupMs, windowMs: measured.windowMs / throughputs.length, throughputs },
    isAwaiting: totals.inFlightAtEnd > 0,
    stall: measured.stall,
    response: measured.response.quantiles,
    interrupted: run.interrupted,
  }
}

function evidenceInputs(run: AuditedRun, measured: Measured): EvidenceInputs {
  const { load, duration, requests, warmup } = run.facts.scenario
  return {
    measuredMs: measured.windowMs,
    completed: measured.completed,
    interrupted: run.interrupted,
    mode: load.mode,
    durationMs: duration,
    isCounted: requests !== undefined,
    isWarmupAutomatic: warmup === 'auto',
  }
}

function workersInputs({ facts }: AuditedRun): WorkersInputs {
  const { scenario, workers, environment } = facts
  return {
    started: workers,
    asked: scenario.workers === 'auto' ? undefined : scenario.workers,
    cores: environment.cores,
    connections: scenario.connections,
  }
}

/**
 * A delay of TCP at which the replies stand, where the kernel's round-trip times show that it is not the network's. A
 * relay and a service time are delays that were asked for.
 */
function standingDelayOf({ facts }: AuditedRun, measured: Measured): StandingDelay | undefined {
  const { target } = facts.scenario
  const isAskedFor = target.relay !== undefined || ('serve' in target && target.options['serviceTime'] !== undefined)
  const { histogram } = measured.leastRoundTripAtEnd
  if (isAskedFor || histogram.totalCount === 0) return undefined
  const leastRoundTripMs = histogram.minNonZeroValue / ticksPerMs
  return standingDelay(bucketsOf(measured.response.counts), measured.response.quantiles.p50 ?? 0, leastRoundTripMs)
}

function stuckInputs({ stuckMs, facts }: AuditedRun, { completed }: Totals): AuditInputs['stuck'] {
  return stuckMs === undefined ? undefined : { stuckMs, completed, wanted: facts.scenario.requests ?? completed }
}

/** Whether replies find their request by their order alone. */
function isOrdered({ facts, overUdp }: AuditedRun): boolean {
  return !overUdp && createProtocol(facts.scenario.protocol).requestId === undefined
}

function timeSeriesInputs(run: AuditedRun, measured: Measured, seconds: number): TimeSeriesInputs | undefined {
  const { facts, ceiling, targetIsLocal, isExtended } = run
  const { timeSeries, completed } = measured
  const response = measured.response.quantiles
  if (timeSeries === undefined || completed === 0) return undefined
  const { load, connections, loop = [], mix = [], reconnect, heartbeat } = facts.scenario
  const serverCores =
    targetIsLocal && measured.serverCpuSeconds !== undefined ? measured.serverCpuSeconds / seconds : undefined
  // The time of connects is none in which a request is in flight, whether the scenario or the server's replies want them.
  const reopened = measured.connect.count - connections
  const hasPauses = [...loop, ...mix].some(({ think }) => think > 0)
  return {
    timeSeries,
    completed,
    throughput: completed / seconds,
    response,
    slots: connections * load.pipeline,
    connections,
    isLoop: load.mode === 'loop' && load.stages === undefined,
    isSaturated:
      load.mode === 'loop' &&
      load.stages === undefined &&
      !hasPauses &&
      reconnect.when !== 'every-request' &&
      !heartbeat &&
      reopened <= reopenedShareMax * completed &&
      measured.failed === 0,
    hasConstantLoad: load.stages === undefined && load.mode !== 'once',
    ...(measured.steadyState && {
      steadyState: { ...measured.steadyState, warmupSeconds: measured.warmupMs / 1000, isExtended },
    }),
    ...(load.rate === undefined || load.stages !== undefined || load.arrivals === undefined
      ? {}
      : { plan: { perSecond: load.rate, arrivals: load.arrivals } }),
    nullPerSecond: ceiling?.nullPerSecond,
    serverCores,
    moreWorkers: moreWorkers({
      workers: facts.workers,
      connections,
      cores: facts.environment.cores,
      serverCores: targetIsLocal ? Math.max(1, serverCores ?? 0) : 0,
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

/** The inputs of the deliveries check; undefined for protocols without deliveries and for runs that stopped early. */
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
    // Each worker counts for its own connections only; those of the other workers may miss as many.
    possiblyMissed: collector.total(field.possiblyMissed) * workers,
    serverSent: run.serverDeliveries,
    pieces: collector.total(field.deliveryPieces),
    ...(inexact !== undefined && { inexact }),
  }
}

/** Why the expected number of deliveries is not exact: each message goes to the connections open at that moment. */
function inexactReason(run: AuditedRun, collector: Collector, totals: Totals): string | undefined {
  const { scenario, workers } = run.facts
  const { connections, load, requests } = scenario
  if (totals.handshakes.sent > 0) return 'messages were sent while connections were being opened'
  if (load.stages?.some(stage => stage.connections !== undefined)) return 'connections opened and closed in stages'
  const stayedOpen = totals.connects === connections && collector.level(field.open) === connections
  if (!stayedOpen) return 'connections opened or closed during the run'
  if (workers > 1 && requests !== undefined) return 'one worker may have finished before another'
  return collector.level(field.deliveriesCut) > 0 ? 'deliveries were still arriving a second after the end' : undefined
}
