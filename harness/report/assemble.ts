import { audit } from '../audit/audit.ts'
import type { DeliveriesInputs } from '../audit/deliveries.ts'
import { verdictOf } from '../audit/finding.ts'
import { type AuditedRun, auditInputs } from '../audit/inputs.ts'
import type { WorkerTrial } from '../audit/workerTrial.ts'
import type { Collector } from '../metrics/collector.ts'
import { encodeHistogram } from '../metrics/hdrHistogram.ts'
import { ticksPerMs } from '../metrics/histogram.ts'
import type { LatencyDistribution } from '../metrics/latencyDistribution.ts'
import type { Measured } from '../metrics/measured.ts'
import type { Replies, SampleRecord } from '../metrics/replies.ts'
import { field } from '../metrics/slab.ts'
import {
  type DatagramRecord,
  type DeliveriesRecord,
  type Latency,
  type Spread,
  type TcpRecord,
  type Totals,
  totalsOf,
} from '../metrics/totals.ts'
import { Secrets } from '../shownBytes.ts'
import { passOutcome } from './pass.ts'
import { type MachineRecord, type Report, type RunFacts, reportSchema, type ServerRecord } from './record.ts'
import { type Explain, errorReplyCounts, type ShownWith, shownSamples, stepReplies } from './replies.ts'
import { isSilent, silenceText } from './silence.ts'
import { judgeThresholds } from './thresholds.ts'

/** A run that has ended, besides what its collector holds. */
export interface RunRecord extends AuditedRun {
  readonly facts: RunFacts
  readonly stepNames: readonly string[]
  /** What must not be shown of the replies that came. */
  readonly secrets?: Secrets
  readonly explain?: Explain
  /** The first request as it was encoded, unless it has data of a file. */
  readonly firstRequest?: Uint8Array | undefined
  /** The run is of a scenario file, not of a URL. */
  readonly isFromFile?: boolean
}

/** The report of a run: figures, findings, verdict and thresholds. */
export function assembleReport(run: RunRecord, collector: Collector, measured: Measured): Report {
  const totals = totalsOf(collector)
  const seconds = measured.windowMs / 1000
  const response = {
    ...latencyOf(measured.response),
    ...(measured.timeSeries && { halfWidths: measured.timeSeries.halfWidthsMs }),
  }
  const perRequest = (cpuSeconds: number) =>
    measured.completed > 0 ? round((cpuSeconds * 1e6) / measured.completed) : 0
  const server = serverOf(run, measured, seconds, perRequest)
  const throughput = seconds > 0 ? measured.completed / seconds : 0
  // With an automatic warm-up, only the end of the run tells which seconds belong to it.
  const intervals = collector.intervals.map(interval => ({
    ...interval,
    warmup: (interval.second - 1) * 1000 < measured.warmupMs,
  }))
  const { availability } = measured
  const replies = collector.replies()
  const samples = shownSamples(replies, shownWith(run, collector))
  const inputs = auditInputs(run, collector, totals, measured, samples)
  const findings = audit(inputs)
  return {
    schema: reportSchema,
    ...run.facts,
    window: windowOf(run, measured),
    totals,
    throughput: {
      mean: round(throughput),
      perSecond: intervals
        .filter(({ warmup, seconds }) => !warmup && seconds === undefined)
        .map(({ perSecond }) => perSecond),
    },
    ...(availability !== undefined && { availability: round(availability) }),
    latencyMs: latenciesOf(run, measured, response),
    ...deliveriesOf(inputs.deliveries, collector, measured, seconds),
    ...tcpOf(measured, collector),
    ...(run.overUdp && { datagrams: datagramsOf(totals, collector) }),
    steps: stepsOf(run, measured, replies),
    ...repliesOf(run, collector, totals, samples),
    intervals,
    client: {
      cpuMicrosPerRequest: perRequest(measured.clientCpuSeconds),
      cores: seconds > 0 ? round(measured.clientCpuSeconds / seconds) : 0,
      ...(measured.stall && { stall: measured.stall }),
      ...(measured.readingGap && { readingGap: measured.readingGap }),
      ...(run.trial?.result && { trial: roundedTrial(run.trial.result) }),
      ...(run.ceiling && { ceiling: { ...run.ceiling, nullPerSecond: round(run.ceiling.nullPerSecond) } }),
    },
    ...(server === undefined ? {} : { server }),
    ...machineOf(run),
    findings,
    verdict: verdictOf(findings),
    thresholds: judgeThresholds(run.facts.scenario.thresholds, {
      throughput: seconds > 0 ? throughput : undefined,
      availability,
      totals,
      response,
    }),
    interrupted: run.interrupted,
    ...(run.error === undefined ? {} : { error: run.error }),
  }
}

/** Response times, failures and sent requests by step, where there are several. */
function stepsOf({ stepNames }: RunRecord, { steps }: Measured, replies: Replies): Report['steps'] {
  if (steps.length < 2) return []
  return steps.map((response, step) => ({
    name: stepNames[step]!,
    response: latencyOf(response),
    failed: replies.failedByStep[step] ?? 0,
    ...(replies.oneWayByStep[step]! > 0 && { oneWay: replies.oneWayByStep[step]! }),
  }))
}

/** What it takes to show the replies of a run. */
export function shownWith(
  run: Pick<RunRecord, 'facts' | 'stepNames' | 'secrets' | 'explain'>,
  collector: Collector,
): ShownWith {
  const { facts, stepNames, secrets = new Secrets(), explain } = run
  return { scenario: facts.scenario, stepNames, secrets, startsAt: collector.startsAt(), ...(explain && { explain }) }
}

function repliesOf(run: RunRecord, collector: Collector, totals: Totals, samples: readonly SampleRecord[]) {
  const { secrets = new Secrets(), firstRequest, facts, isFromFile = false } = run
  const replies = collector.replies()
  const { bytesSent, bytesReceived } = totals
  const protocol = facts.scenario.protocol.name
  const pass = passOutcome({ scenario: facts.scenario, totals })
  const isQuiet = totals.sent + totals.handshakes.sent > 0 && isSilent(replies, totals.completed)
  return {
    samples,
    ...(pass && { pass, replies: stepReplies(replies, shownWith(run, collector)) }),
    ...(Object.keys(replies.statusCodes).length > 0 && { statusCodes: replies.statusCodes }),
    ...(replies.errorWords.length > 0 && { errorReplies: errorReplyCounts(replies, secrets) }),
    ...(isQuiet && {
      silence: silenceText({
        ...{ protocol, bytesSent, bytesReceived, samples: replies.samples, firstRequest, secrets, isFromFile },
        explain: run.explain,
        deliveries: protocol === 'broadcast' ? collector.total(field.deliveries) : 0,
      }),
    }),
  }
}

function windowOf(run: RunRecord, measured: Measured): Report['window'] {
  return {
    seconds: round(measured.windowMs / 1000),
    warmupSeconds: measured.warmupMs / 1000,
    completed: measured.completed,
    failed: measured.failed,
    elapsedSeconds: round(measured.elapsedMs / 1000),
    ...(run.isExtended && { extended: true }),
    ...(isPaced(run) && { planned: measured.planned, sent: measured.sent }),
  }
}

function latenciesOf(run: RunRecord, measured: Measured, response: Latency): Report['latencyMs'] {
  const { service, clientLag, admissionWait, timeToFailure, connect } = measured
  return {
    response,
    service: isPaced(run) ? latencyOf(service) : response,
    ...(isPaced(run) && { clientLag: latencyOf(clientLag), admissionWait: latencyOf(admissionWait) }),
    ...(timeToFailure.count > 0 && { failed: latencyOf(timeToFailure) }),
    connect: latencyOf(connect),
  }
}

function isPaced({ facts }: RunRecord): boolean {
  return facts.scenario.load.mode === 'rate'
}

function latencyOf({ quantiles, histogram }: LatencyDistribution): Latency {
  return histogram.totalCount === 0 ? quantiles : { ...quantiles, hdr: encodeHistogram(histogram) }
}

/** The deliveries of a run: compared with what was to come where that is known, and otherwise counted if there are any. */
function deliveriesOf(
  inputs: DeliveriesInputs | undefined,
  collector: Collector,
  { deliveries, delivery }: Measured,
  seconds: number,
): { deliveries?: DeliveriesRecord } {
  const figures = { perSecond: seconds > 0 ? round(deliveries / seconds) : 0, latencyMs: latencyOf(delivery) }
  if (inputs === undefined) {
    const count = collector.total(field.deliveries) + collector.total(field.deliveriesAfter)
    return count === 0 ? {} : { deliveries: { count, ...figures } }
  }
  const { count, acknowledged, others, serverSent, inexact, pieces = 0 } = inputs
  const known = {
    ...(inexact !== undefined && { inexact }),
    ...(serverSent !== undefined && { serverSent }),
    ...(pieces > 0 && { pieces }),
  }
  return { deliveries: { count, expected: acknowledged * others, ...known, ...figures } }
}

function tcpOf(measured: Measured, collector: Collector): { tcp?: TcpRecord } {
  if (measured.roundTripAtOpen.count === 0) return {}
  return {
    tcp: {
      roundTripAtOpenMs: spreadOf(measured.roundTripAtOpen),
      roundTripAtEndMs: spreadOf(measured.roundTripAtEnd),
      leastRoundTripAtEndMs: spreadOf(measured.leastRoundTripAtEnd),
      retransmits: collector.total(field.retransmits),
    },
  }
}

function datagramsOf({ failures }: Totals, collector: Collector): DatagramRecord {
  // A request whose reply came late was not lost.
  const lost = Math.max(0, (failures.timeout ?? 0) - collector.total(field.lateReplies))
  return {
    lost,
    duplicates: collector.total(field.duplicates),
    reordered: collector.total(field.reordered),
  }
}

function spreadOf({ histogram }: LatencyDistribution): Spread {
  const count = histogram.totalCount
  if (count === 0) return { count, min: 0, mean: 0, max: 0 }
  return {
    count,
    min: histogram.minNonZeroValue / ticksPerMs,
    mean: round(histogram.mean / ticksPerMs),
    max: histogram.maxValue / ticksPerMs,
  }
}

function serverOf(
  { serverRequests }: RunRecord,
  { serverCpuSeconds }: Measured,
  seconds: number,
  perRequest: (cpuSeconds: number) => number,
): ServerRecord | undefined {
  if (serverRequests === undefined && serverCpuSeconds === undefined) return undefined
  return {
    ...(serverRequests === undefined ? {} : { requests: serverRequests }),
    ...(serverCpuSeconds === undefined || seconds === 0
      ? {}
      : { cpuMicrosPerRequest: perRequest(serverCpuSeconds), cores: round(serverCpuSeconds / seconds) }),
  }
}

function machineOf({ machine }: RunRecord): { machine?: MachineRecord } {
  if (machine?.use === undefined) return {}
  const { otherCores, cores, isPart, programs, waitShare, serverWaitShare, pressureShare, takenForServer } = machine.use
  return {
    machine: {
      otherCores: round(otherCores),
      ...(isPart && { cores }),
      programs: programs.map(({ name, cores }) => ({ name, cores: round(cores) })),
      ...(waitShare !== undefined && { waitShare: round(waitShare) }),
      ...(serverWaitShare !== undefined && { serverWaitShare: round(serverWaitShare) }),
      ...(pressureShare !== undefined && { pressureShare: round(pressureShare) }),
      ...(takenForServer !== undefined && { takenForServer: takenForServer.name }),
    },
  }
}

function roundedTrial({ workers, perSecond, seconds }: WorkerTrial): WorkerTrial {
  return { workers, perSecond: round(perSecond), seconds: round(seconds) }
}

/** Six significant figures: more would suggest a precision that there is not. */
function round(value: number): number {
  return Number(value.toPrecision(6))
}
