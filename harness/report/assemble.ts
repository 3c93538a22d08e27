import type { Histogram } from 'hdr-histogram-js'
import { type AuditInputs, audit } from '../audit/audit.ts'
import { mayBeClientLimited, moreWorkers } from '../audit/ceiling.ts'
import type { DeliveriesInputs } from '../audit/deliveries.ts'
import { verdictOf } from '../audit/finding.ts'
import { deliveriesInputs } from '../audit/inputs.ts'
import type { TimeSeriesInputs } from '../audit/timeSeries.ts'
import type { HostDifference } from '../host/counters.ts'
import type { Collector } from '../metrics/collector.ts'
import { bucketEndMs, encodeHistogram, ticksPerMs } from '../metrics/histogram.ts'
import type { Measured } from '../metrics/measured.ts'
import { quantilesOf } from '../metrics/quantiles.ts'
import { field, roleIndex } from '../metrics/slab.ts'
import { delayedModes } from '../metrics/statistics/modes.ts'
import {
  type CeilingRecord,
  type DatagramRecord,
  type DeliveriesRecord,
  type Latency,
  type Report,
  type RunFacts,
  reportSchema,
  type ServerRecord,
  type Spread,
  type TcpRecord,
  type Totals,
} from './record.ts'
import { errorShare, judgeThresholds } from './thresholds.ts'

/** What is known of a run once it is over, apart from what its collector holds. */
export interface RunRecord {
  readonly facts: RunFacts
  readonly stepNames: readonly string[]
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
export function shownToCeiling(run: RunRecord, measured: Measured): number | undefined {
  if (run.interrupted || run.error !== undefined) return undefined
  const inputs = timeSeriesInputs(run, measured, measured.windowMs / 1000)
  if (inputs === undefined || !mayBeClientLimited(inputs)) return undefined
  return inputs.throughput / inputs.timeSeries.busyShare
}

/** Makes the report of a run: figures, findings, verdict and thresholds. */
export function assembleReport(run: RunRecord, collector: Collector, measured: Measured): Report {
  const totals = totalsOf(collector)
  const seconds = measured.windowMs / 1000
  const isPaced = run.facts.scenario.load.mode === 'rate'
  const response = {
    ...latencyOf(measured.response),
    ...measured.responseQuantiles,
    ...(measured.timeSeries && { halfWidths: measured.timeSeries.halfWidthsMs }),
  }
  const perRequest = (cpuSeconds: number) =>
    measured.completed > 0 ? round((cpuSeconds * 1e6) / measured.completed) : 0
  const server = serverOf(run, measured, seconds, perRequest)
  const throughput = seconds > 0 ? measured.completed / seconds : 0
  // Which seconds belong to the warm-up may be known only now.
  const intervals = collector.intervals.map(interval => ({
    ...interval,
    warmup: (interval.second - 1) * 1000 < measured.warmupMs,
  }))
  const inputs = auditInputs(run, collector, totals, measured)
  const findings = audit(inputs)
  return {
    schema: reportSchema,
    ...run.facts,
    window: {
      seconds: round(seconds),
      warmupSeconds: measured.warmupMs / 1000,
      completed: measured.completed,
      failed: measured.failed,
      elapsedSeconds: round(measured.elapsedMs / 1000),
      ...(run.isExtended && { extended: true }),
      ...(isPaced && { planned: measured.planned, sent: measured.sent }),
    },
    totals,
    throughput: {
      mean: round(throughput),
      perSecond: intervals.filter(interval => !interval.warmup).map(interval => interval.perSecond),
    },
    latencyMs: {
      response,
      service: isPaced ? latencyOf(measured.service) : response,
      ...(isPaced && { clientLag: latencyOf(measured.clientLag), admissionWait: latencyOf(measured.admissionWait) }),
      ...(measured.timeToFailure.totalCount > 0 && { failed: latencyOf(measured.timeToFailure) }),
      connect: latencyOf(measured.connect),
    },
    ...(inputs.deliveries && { deliveries: deliveriesOf(inputs.deliveries, measured, seconds) }),
    ...tcpOf(measured, collector),
    ...(run.overUdp && { datagrams: datagramsOf(totals, collector) }),
    steps:
      measured.steps.length < 2
        ? []
        : measured.steps.map((histogram, step) => ({ name: run.stepNames[step]!, response: latencyOf(histogram) })),
    intervals,
    client: {
      cpuMicrosPerRequest: perRequest(measured.clientCpuSeconds),
      cores: seconds > 0 ? round(measured.clientCpuSeconds / seconds) : 0,
      ...(run.ceiling && { ceiling: { ...run.ceiling, nullPerSecond: round(run.ceiling.nullPerSecond) } }),
    },
    ...(server === undefined ? {} : { server }),
    findings,
    verdict: verdictOf(findings),
    thresholds: judgeThresholds(run.facts.scenario.thresholds, { throughput, totals, response }),
    interrupted: run.interrupted,
    ...(run.error === undefined ? {} : { error: run.error }),
  }
}

/** The run's totals, warm-up included. */
export function totalsOf(collector: Collector): Totals {
  const pair = (role: number) => ({
    sent: collector.total(field.sent + role),
    completed: collector.total(field.completed + role),
  })
  return {
    ...pair(roleIndex.request),
    failed: collector.total(field.failed),
    inFlightAtEnd: collector.inFlight(),
    bytesSent: collector.total(field.bytesSent),
    bytesReceived: collector.total(field.bytesReceived),
    failures: collector.failures(),
    late: collector.total(field.late),
    connects: collector.total(field.connects),
    handshakes: pair(roleIndex.handshake),
    heartbeats: pair(roleIndex.heartbeat),
  }
}

function latencyOf(histogram: Histogram): Latency {
  const quantiles = quantilesOf(histogram)
  return quantiles.count === 0 ? quantiles : { ...quantiles, hdr: encodeHistogram(histogram) }
}

function deliveriesOf(inputs: DeliveriesInputs, { deliveries, delivery }: Measured, seconds: number): DeliveriesRecord {
  const { count, acknowledged, others, serverSent, inexact } = inputs
  return {
    count,
    expected: acknowledged * others,
    ...(inexact !== undefined && { inexact }),
    ...(serverSent !== undefined && { serverSent }),
    perSecond: seconds > 0 ? round(deliveries / seconds) : 0,
    latencyMs: latencyOf(delivery),
  }
}

function tcpOf(measured: Measured, collector: Collector): { tcp?: TcpRecord } {
  if (measured.roundTripAtOpen.totalCount === 0) return {}
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
  // What comes late was not lost.
  const lost = Math.max(0, (failures.timeout ?? 0) - collector.total(field.late))
  return {
    lost,
    duplicates: collector.total(field.duplicates),
    reordered: collector.total(field.reordered),
  }
}

function spreadOf(histogram: Histogram): Spread {
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

/** What the audit looks at, out of what is known of a run at its end, or so far. */
export function auditInputs(run: RunRecord, collector: Collector, totals: Totals, measured: Measured): AuditInputs {
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
            clientLag: quantilesOf(measured.clientLag),
          },
        }),
    response: measured.responseQuantiles,
    timeSeries: timeSeriesInputs(run, measured, seconds),
    host: {
      host: run.host,
      ownRetransmits: measured.roundTripAtOpen.totalCount > 0 ? collector.total(field.retransmits) : undefined,
      overUdp: run.overUdp,
      completed: measured.completed,
      modes: delayedModes(bucketsOf(measured.responseBuckets), measured.responseQuantiles.p50 ?? 0),
    },
    sharedCores,
    cores: run.facts.environment.cores,
    deliveries: deliveriesInputs(run, collector, totals),
  }
}

function timeSeriesInputs(run: RunRecord, measured: Measured, seconds: number): TimeSeriesInputs | undefined {
  const { facts, ceiling, targetIsLocal, isExtended } = run
  const { timeSeries, completed, responseQuantiles: response } = measured
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

/** Six significant figures: more would only look exact. */
function round(value: number): number {
  return Number(value.toPrecision(6))
}
