import type { FailureCounts, FailureKind } from '../failures.ts'
import type { HostDifference } from '../host/counters.ts'
import type { Environment } from '../host/processes.ts'
import type { Collector } from '../metrics/collector.ts'
import { bucketEndMs, ticksPerMs } from '../metrics/histogram.ts'
import type { Measured } from '../metrics/measured.ts'
import type { SampleRecord } from '../metrics/replies.ts'
import { wantedSeconds } from '../metrics/seconds.ts'
import { field } from '../metrics/slab.ts'
import type { Interval } from '../metrics/snapshot.ts'
import { delayedModes, type StandingDelay, standingDelay } from '../metrics/statistics/modes.ts'
import { errorShare, messagesOf, type Totals } from '../metrics/totals.ts'
import { createProtocol } from '../protocols/catalog.ts'
import { loopOf, placedRequests, speakingConnections } from '../scenario/clients.ts'
import { isOneWay, type Scenario } from '../scenario/scenario.ts'
import { formatPercent, formatRatio } from '../units.ts'
import type { AuditInputs } from './audit.ts'
import type { CeilingRecord } from './ceiling.ts'
import { mayBeClientLimited, moreWorkers } from './ceiling.ts'
import type { DeliveriesInputs } from './deliveries.ts'
import type { CutShort, EndingInputs } from './endings.ts'
import type { EvidenceInputs } from './evidence.ts'
import { limits } from './limits.ts'
import { type MachineState, machineInputs } from './machine.ts'
import type { TargetInputs } from './target.ts'
import type { TimeSeriesInputs } from './timeSeries.ts'
import type { WorkersInputs } from './workers.ts'
import type { WorkerTrial } from './workerTrial.ts'

/** CPU time is counted in ticks of 10 ms, and a process has work of its own at its start: a shorter part has no share. */
const cpuSecondsMin = 1

/** A trial with more workers. */
export interface TrialRecord {
  /** Absent where it was interrupted, or anything went wrong. */
  readonly result?: WorkerTrial
  /** Messages that the server has, or may have, counted for it. */
  readonly sent: number
  readonly answered: number
}

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
  /** What the relay before the target has counted. */
  readonly relay?: { readonly arrivals: number; readonly lateMs: number } | undefined
  readonly targetIsLocal: boolean
  readonly overUdp?: boolean
  readonly clockDriftMs: number
  /** Differences of the machine's counters over the run. */
  readonly host: HostDifference
  /** Other programs and the client's ports; absent where nothing was read of them. */
  readonly machine?: MachineState | undefined
  readonly interrupted: boolean
  readonly error?: string | undefined
  /** Why the run was ended before its time. */
  readonly cutShort?: CutShort | undefined
  /** The client's own ceiling, if it was measured; else why it was not, where it may have been the limit. */
  readonly ceiling?: CeilingRecord | undefined
  readonly noCeiling?: string | undefined
  /** A trial with more workers against the same server, if there was one: its messages are not in `serverRequests`. */
  readonly trial?: TrialRecord | undefined
}

/**
 * The requests per busy second that the client has proven in a run which should be compared with its ceiling. Undefined
 * for a run that could not go on, or that the client cannot have limited.
 */
export function provenPerBusySecond(run: AuditedRun, measured: Measured): number | undefined {
  if (run.error !== undefined) return undefined
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
  const messages = messagesOf(totals)
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
            sent: messages.sent,
            answered: messages.answered - unansweredOf(run.trial),
          },
        }),
    ending: endingInputs(run, collector, totals, measured),
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
    relay: run.relay && { ...run.relay, rttMs: run.facts.scenario.target.relay?.rtt },
  }
}

function targetInputs(run: AuditedRun, collector: Collector, totals: Totals, measured: Measured): TargetInputs {
  const { connections, load, reconnect } = run.facts.scenario
  const seconds = collector.intervals
  // A connection that breaks off its single pass is retired, and the last of them ends the run: that is no outage.
  const isPassBroken = load.mode === 'once' && (seconds.at(-1)?.availability ?? 1) >= 1 - limits.downShare
  // Where a connection that the server closed as idle is not replaced, it is down without a failure.
  const idleCloses = reconnect.when === 'never' ? (totals.idleCloses ?? 0) : 0
  const before = failuresInNoSecond(totals.failures, seconds)
  // In mode rate the response time includes the wait for a connection, in which the server has no part.
  const answered = load.mode === 'rate' ? measured.service : measured.answered
  return {
    seconds: wantedSeconds(seconds),
    failuresBefore: idleCloses > 0 ? { ...before, 'closed-early': idleCloses + (before['closed-early'] ?? 0) } : before,
    connections,
    wantedAtEnd: collector.level(field.wanted),
    downAtEnd: isPassBroken ? 0 : collector.level(field.down),
    // Between its stages a load may ask for nothing.
    activity: load.stages === undefined ? measured.activity : [],
    completed: measured.completed,
    answered: bucketsOf(answered.counts),
    stall: measured.stall,
    response: measured.response.quantiles,
  }
}

/** Failures from before the start, while connections were being opened. */
function failuresInNoSecond(failures: FailureCounts, seconds: readonly Interval[]): FailureCounts {
  const kinds = Object.entries(failures) as [FailureKind, number][]
  const counts = kinds.map(([kind, count]) => {
    return [kind, seconds.reduce((rest, second) => rest - (second.failures?.[kind] ?? 0), count)] as const
  })
  return Object.fromEntries(counts.filter(([, count]) => count > 0))
}

function evidenceInputs(run: AuditedRun, measured: Measured): EvidenceInputs {
  const { load, duration, requests, warmup, clients } = run.facts.scenario
  return {
    measuredMs: measured.windowMs,
    completed: measured.completed,
    interrupted: run.interrupted,
    mode: load.mode,
    durationMs: duration,
    isCounted: requests !== undefined,
    hasStages: load.stages !== undefined,
    ...(clients !== undefined && { hasGroups: true }),
    isWarmupAutomatic: warmup === 'auto',
  }
}

function workersInputs({ facts }: AuditedRun): WorkersInputs {
  const { scenario, workers, environment } = facts
  return {
    started: workers,
    asked: scenario.workers === 'auto' ? undefined : scenario.workers,
    cores: environment.cores,
    connections: speakingConnections(scenario),
    ...(scenario.clients !== undefined && { areSpeakers: true }),
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

/** Messages of a trial that the server need not have seen. */
function unansweredOf(trial: TrialRecord | undefined): number {
  return trial === undefined ? 0 : trial.sent - trial.answered
}

function endingInputs(
  { cutShort, facts, interrupted }: AuditedRun,
  collector: Collector,
  totals: Totals,
  measured: Measured,
): EndingInputs {
  const { connections, reconnect, requests, duration } = facts.scenario
  // While a run lasts, and where its time ends it, not all requests have been sent.
  const isDone = collector.endedAt(0) !== undefined && !interrupted && measured.elapsedMs < duration
  const { sent, completed, givenUp = 0 } = totals
  return {
    cutShort,
    ...(reconnect.attempts !== undefined && {
      givenUp: { count: givenUp, of: connections, attempts: reconnect.attempts },
    }),
    hasConnected: collector.total(field.ready) > 0,
    handshakes: totals.handshakes.sent,
    completed,
    ...(requests !== undefined && isDone && { counted: { sent, wanted: requests } }),
  }
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
  const { load, reconnect, heartbeat, clients = [] } = facts.scenario
  // Connections that only listen have no requests in flight.
  const connections = speakingConnections(facts.scenario)
  const slots = connections * load.pipeline
  const failedMs = timeOf(measured.timeToFailure)
  const serverCores =
    targetIsLocal && measured.serverCpuSeconds !== undefined ? measured.serverCpuSeconds / seconds : undefined
  // The time of connects is none in which a request is in flight, whether the scenario or the server's replies want them.
  const reopened = measured.connect.count - facts.scenario.connections
  const steps = placedRequests(facts.scenario)
  const hasPauses = steps.some(({ step }) => step.think !== 0)
  const hasOneWay = steps.some(({ step }) => isOneWay(step))
  return {
    timeSeries,
    completed,
    throughput: completed / seconds,
    response,
    slots,
    connections,
    hasSeveralLoops: clients.filter(group => loopOf(group).length > 0).length > 1,
    isLoop: load.mode === 'loop' && load.stages === undefined,
    isSaturated:
      load.mode === 'loop' &&
      load.stages === undefined &&
      !hasPauses &&
      !hasOneWay &&
      reconnect.when !== 'every-request' &&
      !heartbeat &&
      reopened <= limits.otherWork * completed &&
      // Above that share failures have a finding of their own.
      failedShareOf(measured) <= limits.errorsSuspect,
    isPaced: load.mode === 'rate',
    failedMs,
    lostShare: failedMs / (slots * measured.windowMs) + 1 - (measured.availability ?? 1),
    incomparable: load.mode === 'loop' ? incomparableBy(run, measured, reopened) : undefined,
    hasConstantLoad: load.stages === undefined && load.mode !== 'once',
    ...(measured.steadyState && {
      steadyState: { ...measured.steadyState, warmupSeconds: measured.warmupMs / 1000, isExtended },
    }),
    ...(load.rate === undefined || load.stages !== undefined || load.arrivals === undefined
      ? {}
      : { plan: { perSecond: load.rate, arrivals: load.arrivals } }),
    nullPerSecond: ceiling?.nullPerSecond,
    noCeiling: run.noCeiling,
    workerTrial: run.trial?.result && { workers: facts.workers, trial: run.trial.result },
    serverCores,
    moreWorkers: moreWorkers({
      workers: facts.workers,
      connections,
      cores: facts.environment.cores,
      serverCores: targetIsLocal ? Math.max(1, serverCores ?? 0) : 0,
    }),
  }
}

function failedShareOf({ failed, completed }: Measured): number {
  return failed / Math.max(1, failed + completed)
}

/** All times of a distribution together, in milliseconds. */
function timeOf({ histogram }: Measured['timeToFailure']): number {
  return histogram.totalCount === 0 ? 0 : (histogram.mean * histogram.totalCount) / ticksPerMs
}

/** Why the work of a loop's client is not that of the same loop against a null server; undefined where it is, or nearly. */
function incomparableBy(run: AuditedRun, measured: Measured, reopened: number): string | undefined {
  const { load, reconnect, heartbeat, connections, protocol } = run.facts.scenario
  const { completed, windowMs, deliveries } = measured
  if (load.stages !== undefined) return 'the load changes in stages'
  if (reconnect.when === 'every-request')
    return 'a null server keeps connections open, and here each request has its own'
  const failed = failedShareOf(measured)
  if (failed > limits.otherWork) return `${formatPercent(failed)} of the requests failed`
  const opened = reopened / completed
  if (opened > limits.otherWork) {
    return `a null server keeps connections open, and here there was a new one for ${formatPercent(opened)} of the requests`
  }
  // Of a broadcast there is no null server at all.
  if (deliveries > limits.otherWork * completed && !createProtocol(protocol).broadcasts) {
    return `a null server sends no deliveries, and here came ${formatRatio(deliveries / completed)} for each request`
  }
  const beats = heartbeat === undefined ? 0 : (connections * windowMs) / heartbeat.every / completed
  return beats > limits.otherWork ? `heartbeats come to ${formatPercent(beats)} of the requests` : undefined
}

function bucketsOf(counts: Float64Array): { valueMs: number; count: number }[] {
  const used: { valueMs: number; count: number }[] = []
  counts.forEach((count, bucket) => {
    if (count > 0) used.push({ valueMs: bucketEndMs(bucket), count })
  })
  return used
}

/** The inputs of the deliveries check; undefined where nobody knows how many are to come, and for runs that stopped early. */
export function deliveriesInputs(run: AuditedRun, collector: Collector, totals: Totals): DeliveriesInputs | undefined {
  const { scenario, workers } = run.facts
  if (!createProtocol(scenario.protocol).broadcasts || run.error !== undefined) return undefined
  const { sent, answered } = messagesOf(broadcastTotals(scenario, totals))
  const inexact = inexactReason(run, collector, totals)
  return {
    count: collector.total(field.deliveries) + collector.total(field.deliveriesAfter),
    sent,
    acknowledged: answered + collector.total(field.nonCompletingReplies),
    others: scenario.connections - 1,
    // Each worker counts for its own connections only; those of the other workers may miss as many.
    possiblyMissed: collector.total(field.possiblyMissed) * workers,
    serverSent: run.serverDeliveries,
    pieces: collector.total(field.deliveryPieces),
    ...(inexact !== undefined && { inexact }),
  }
}

/** What was sent to be delivered: neither the upgrades of connections nor answers to what the server asks. */
function broadcastTotals({ protocol }: Pick<Scenario, 'protocol'>, totals: Totals): Totals {
  if (!createProtocol(protocol).isUpgraded) return totals
  const { answers: _, handshakes, connects, ...others } = totals
  const own = (messages: number) => Math.max(0, messages - connects)
  const later = { ...handshakes, sent: own(handshakes.sent), completed: own(handshakes.completed) }
  return { ...others, connects, handshakes: later }
}

/** Why the expected number of deliveries is not exact: each message goes to the connections open at that moment. */
function inexactReason(run: AuditedRun, collector: Collector, totals: Totals): string | undefined {
  const { scenario, workers } = run.facts
  const { connections, load, requests } = scenario
  if (broadcastTotals(scenario, totals).handshakes.sent > 0)
    return 'messages were sent while connections were being opened'
  if (load.stages?.some(stage => stage.connections !== undefined)) return 'connections opened and closed in stages'
  const stayedOpen = totals.connects === connections && collector.level(field.open) === connections
  if (!stayedOpen) return 'connections opened or closed during the run'
  if (workers > 1 && requests !== undefined) return 'one worker may have finished before another'
  return collector.level(field.deliveriesCut) > 0 ? 'deliveries were still arriving a second after the end' : undefined
}
