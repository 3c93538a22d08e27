import type { Quantiles } from '../metrics/snapshot.ts'
import { littlesLawError, littlesLawLimit } from '../metrics/statistics/littlesLaw.ts'
import { driftOf } from '../metrics/statistics/trend.ts'
import { mser5 } from '../metrics/statistics/warmup.ts'
import { mergeWindows, windowsWithEnough } from '../metrics/statistics/windows.ts'
import type { SteadyState } from '../metrics/steadyState.ts'
import { sectionCount, type TimeSeries } from '../metrics/timeSeries.ts'
import { formatCount, formatDuration, formatPercent, formatRatio } from '../units.ts'
import type { Finding } from './finding.ts'
import { limits } from './limits.ts'
import type { WorkerTrial } from './workerTrial.ts'

/** Two seconds; a shorter time series says nothing. */
export const windowsMin = 20
/** In its first moments a client is compiled, and busy with that. */
const busySecondsMin = 0.5
/** In fewer windows MSER-5 finds a warm-up in noise too often. */
const warmupWindowsMin = 50
const driftWindows = 20
/** Nobody tells larger ratios apart. */
const timesMax = 100
/** A server that answers this share of the planned rate keeps up. */
const answeredShareMin = 0.99

/** The inputs of the checks over time. */
export interface TimeSeriesInputs {
  readonly timeSeries: TimeSeries
  readonly completed: number
  readonly throughput: number
  readonly response: Quantiles
  /** Requests that all connections together may have in flight. */
  readonly slots: number
  /** Those that send. */
  readonly connections: number
  /** Not all of them have the same loop, so that some may complete more requests than others. */
  readonly hasSeveralLoops?: boolean
  /** Mode loop, with the same load from start to end. */
  readonly isLoop: boolean
  /** Closed loop in which every free slot is refilled at once: no pauses, and hardly a reconnect or a failure. */
  readonly isSaturated: boolean
  /** Mode rate, also with stages. */
  readonly isPaced?: boolean
  /** For how long requests were in flight that failed, all together. */
  readonly failedMs?: number
  /** The share of the time of all slots that went to such requests, or to connections that were down. */
  readonly lostShare?: number
  /** In a loop: why its throughput cannot be compared with the client's ceiling; absent where it can. */
  readonly incomparable?: string | undefined
  /** The load is the same from start to end: no stages. */
  readonly hasConstantLoad: boolean
  /** Only with an automatic warm-up: what was left out, and whether the run was extended. */
  readonly steadyState?: (SteadyState & { readonly warmupSeconds: number; readonly isExtended: boolean }) | undefined
  /** Only in mode rate without stages. */
  readonly plan?: { readonly perSecond: number; readonly arrivals: 'poisson' | 'constant' } | undefined
  /** The client's ceiling in requests per busy second, if it was measured. */
  readonly nullPerSecond?: number | undefined
  /** Why it was not measured. */
  readonly noCeiling?: string | undefined
  /** One worker more than now, if a core and a connection are left for it. */
  readonly moreWorkers?: number | undefined
  /** A trial with more workers than the run had, if there was one. */
  readonly workerTrial?: { readonly workers: number; readonly trial: WorkerTrial } | undefined
  /** Cores that a server on this machine used, where its processes are known. */
  readonly serverCores?: number | undefined
}

/** Checks of the measured part over time: 5, 6, 8 to 11 and 13 (docs/measurement.md). */
export function auditTimeSeries(inputs: TimeSeriesInputs): Finding[] {
  return [
    ...arrivals(inputs),
    ...generatorBusy(inputs),
    ...littlesLaw(inputs),
    ...changes(inputs),
    ...quantileIntervals(inputs),
    ...balance(inputs),
  ]
}

function arrivals({ timeSeries, plan }: TimeSeriesInputs): Finding[] {
  if (plan === undefined || timeSeries.arrivals === undefined) return []
  const { distance, dispersion, variation, spans, gaps } = timeSeries.arrivals
  if (gaps < limits.arrivalsMin) return []
  const isPoisson = plan.arrivals === 'poisson'
  const dispersionLimit = isPoisson
    ? Math.max(limits.dispersionPoisson, 3 * Math.sqrt(2 / Math.max(1, spans - 1)))
    : limits.dispersionConstant
  const doubts = [
    isPoisson
      ? {
          what: 'the distance of the gaps from the exponential distribution is',
          value: distance,
          limit: Math.max(limits.gapDistance, limits.gapDistanceChance / Math.sqrt(gaps)),
        }
      : { what: 'the variation of the gaps is', value: variation, limit: limits.gapVariation },
    {
      what: isPoisson ? 'the dispersion of counts differs from 1 by' : 'the dispersion of counts is',
      value: isPoisson ? Math.abs(dispersion - 1) : dispersion,
      limit: dispersionLimit,
    },
  ]
  const worst = doubts
    .filter(({ value, limit }) => value > limit)
    .sort((a, b) => b.value / b.limit - a.value / a.limit)[0]
  if (worst === undefined) return []
  const { what, value, limit } = worst
  return [
    {
      code: 'arrivals',
      severity: 'suspect',
      message: `requests did not start as planned (${plan.arrivals} arrivals): ${what} ${formatRatio(value)} (limit ${formatRatio(limit)})`,
      hint: 'the machine delayed the generator: close other programs, or lower the rate (-R)',
      value,
      limit,
    },
  ]
}

function generatorBusy(inputs: TimeSeriesInputs): Finding[] {
  const { timeSeries, completed, throughput, plan, isPaced = plan !== undefined } = inputs
  const value = timeSeries.busyShare
  // A busy client is no fault in a closed loop: it sends as fast as it can.
  if (!isPaced || completed / throughput < busySecondsMin || value <= limits.busySuspect) return []
  const isInvalid = value > limits.busyInvalid
  const limit = isInvalid ? limits.busyInvalid : limits.busySuspect
  return [
    {
      code: 'generator-busy',
      severity: isInvalid ? 'invalid' : 'suspect',
      message: `the busiest worker was busy for ${formatPercent(value)} of the time (limit ${formatPercent(limit)})`,
      hint: 'requests have to wait for the generator: add workers (-w), or lower the rate (-R)',
      value,
      limit,
    },
  ]
}

function littlesLaw(inputs: TimeSeriesInputs): Finding[] {
  const { timeSeries, completed, throughput, response, slots, isSaturated, failedMs = 0 } = inputs
  // Requests that failed were in flight too.
  const perCompletedMs = timeSeries.responseMeanMs + failedMs / Math.max(1, completed)
  const error = littlesLawError(timeSeries.inFlightMean, throughput, perCompletedMs / 1000)
  // Requests in flight at the edges of the measured part are in only one of the two figures, at most `max` per slot.
  const limit = littlesLawLimit(slots, completed) + (response.max / 1000) * (throughput / Math.max(1, completed))
  const findings: Finding[] = []
  if (isSaturated && completed > 0 && error > limit) {
    findings.push({
      code: 'littles-law',
      severity: 'suspect',
      message: `${formatCount(timeSeries.inFlightMean)} requests were in flight on average, but throughput times response time is ${formatCount((throughput * perCompletedMs) / 1000)}: ${formatPercent(error)} apart (limit ${formatPercent(limit)})`,
      hint: 'the measured part may be too short: run longer (-d); if that changes nothing, please report it with report.json',
      value: error,
      limit,
    })
  }
  const inUse = timeSeries.inFlightMean / slots
  if (isSaturated && timeSeries.throughputs.length >= windowsMin && inUse < limits.slotsInUse) {
    findings.push({
      code: 'littles-law',
      severity: 'suspect',
      message: `only ${formatPercent(inUse)} of the requests that may be in flight were (limit ${formatPercent(limits.slotsInUse)})`,
      hint: 'some connections were closed or idle: see whether connects failed, or add workers (-w)',
      value: inUse,
      limit: limits.slotsInUse,
    })
  }
  return findings
}

/** An overloaded server never reaches a steady state: that is one finding, not two. */
function changes(inputs: TimeSeriesInputs): Finding[] {
  const found = stationarity(inputs)
  return found.some(({ code }) => code === 'overloaded') ? found : [...warmup(inputs), ...found]
}

function warmup(inputs: TimeSeriesInputs): Finding[] {
  const { timeSeries, completed, throughput, hasConstantLoad, steadyState } = inputs
  if (steadyState !== undefined) return automaticWarmup(steadyState)
  const count = windowsWithEnough(timeSeries.throughputs.length, completed)
  if (!hasConstantLoad || count < warmupWindowsMin) return []
  const { throughputs, meansMs } = mergeWindows(timeSeries, count)
  // Where a run begins in its measured part, the first replies are due only after one response time.
  const windowMs = ((completed / throughput) * 1000) / count
  const skipped = Math.min(count, Math.ceil(meansMs[0]! / windowMs))
  const effects = [
    { what: 'throughput', ...mser5(throughputs.slice(skipped)) },
    { what: 'mean response time', ...mser5(meansMs.slice(skipped)) },
  ].map(({ what, cut, change }) => ({ what, cut, effect: (cut / count) * ratioOf(change) }))
  const worst = effects.sort((a, b) => Math.abs(b.effect) - Math.abs(a.effect))[0]!
  if (Math.abs(worst.effect) <= limits.warmupEffect) return []
  const does = worst.effect > 0 ? 'raises' : 'lowers'
  return [
    {
      code: 'warm-up',
      severity: 'suspect',
      message: `the first ${formatPercent((skipped + worst.cut) / count)} of the measured part differs from the rest, and ${does} the ${worst.what} by ${formatPercent(Math.abs(worst.effect))} (limit ${formatPercent(limits.warmupEffect)})`,
      hint: 'the server was still warming up, or was disturbed: set a longer warm-up (--warmup)',
      value: worst.effect,
      limit: limits.warmupEffect,
    },
  ]
}

/** By which share of the steady value the values before it differ from it; `change` is a share of the larger. */
function ratioOf(change: number): number {
  return change <= 0 ? change : Math.min(timesMax, 1 / (1 - change) - 1)
}

function automaticWarmup(steadyState: NonNullable<TimeSeriesInputs['steadyState']>): Finding[] {
  const { reachedAt, isUnsteady, what, change, warmupSeconds, isExtended } = steadyState
  if (reachedAt === undefined) return []
  if (!isUnsteady) {
    return [
      {
        code: 'warm-up',
        severity: 'note',
        message: `the first ${warmupSeconds} s were left out as warm-up${isExtended ? ', and the run was extended' : ''}: from 1 s to ${warmupSeconds} s the ${what} was ${comparisonOf(change)} in the rest`,
        hint: 'set the warm-up (--warmup) to have the same one in every run',
        value: Math.abs(change),
        limit: 0,
      },
    ]
  }
  return [
    {
      code: 'warm-up',
      severity: isExtended ? 'invalid' : 'suspect',
      message: `the run never reached a steady state${isExtended ? ', although it was extended to twice its length' : ''}: in its first half the ${what} was ${comparisonOf(change)} in its second (limit ${formatPercent(limits.drift)})`,
      hint: 'the figures average over a change: look for what grows or fills up in the server, run longer (-d), or set the warm-up (--warmup)',
      value: Math.abs(change),
      limit: limits.drift,
    },
  ]
}

function stationarity({ timeSeries, plan, completed, throughput, hasConstantLoad }: TimeSeriesInputs): Finding[] {
  const { length } = timeSeries.throughputs
  if (!hasConstantLoad || length < windowsMin || windowsWithEnough(length, completed) < driftWindows) return []
  const { throughputs, meansMs, inFlights } = mergeWindows(timeSeries, driftWindows)
  // A backlog is in flight, or waits for a connection: then the response times grow.
  const grows = [inFlights, meansMs]
    .map(driftOf)
    .some(({ relative, z }) => relative > limits.drift && z > limits.driftZ)
  if (plan !== undefined && grows && throughput < answeredShareMin * plan.perSecond) {
    return [
      {
        code: 'overloaded',
        severity: 'suspect',
        message: `no steady latency exists; ${formatCount(throughput)} of ${formatCount(plan.perSecond)} requests/s are answered (limit ${formatPercent(answeredShareMin)}), and the backlog grows`,
        hint: 'the latencies grow with the length of the run: lower the rate (-R)',
        value: throughput / plan.perSecond,
        limit: answeredShareMin,
      },
    ]
  }
  const series = [
    ...(plan === undefined ? [{ what: 'throughput', shown: formatPerSecond, ...driftOf(throughputs) }] : []),
    { what: 'mean response time', shown: formatDuration, ...driftOf(meansMs) },
  ]
  const worst = series
    .filter(({ relative, error, z }) => {
      const isCertain = Math.abs(relative) - limits.driftErrors * error > limits.drift
      return isCertain && relative * z > Math.abs(relative) * limits.driftZ
    })
    .sort((a, b) => Math.abs(b.relative) - Math.abs(a.relative))[0]
  if (worst === undefined) return []
  const { what, shown, first, last, relative } = worst
  return [
    {
      code: 'stationarity',
      severity: 'suspect',
      message: `the ${what} ${relative > 0 ? 'rose' : 'fell'} from ${shown(first)} to ${shown(last)} over the measured part (limit ${formatPercent(limits.drift)})`,
      hint: 'the figures average over a change: run longer (-d), or look for what else uses the machine',
      value: relative,
      limit: limits.drift,
    },
  ]
}

function quantileIntervals({ timeSeries, completed, response }: TimeSeriesInputs): Finding[] {
  if (timeSeries.throughputs.length < windowsMin) return []
  if (completed < sectionCount * limits.requestsPerSectionMin) return []
  const doubts = Object.entries(limits.interval).flatMap(([name, limit]) => {
    const key = name as keyof typeof limits.interval
    const halfWidth = timeSeries.halfWidthsMs[key]
    const value = response[key]
    if (halfWidth === undefined || value === undefined || !((halfWidth / value) * limits.intervalCertain > limit))
      return []
    return [{ name, share: halfWidth / value, limit }]
  })
  const worst = doubts.sort((a, b) => b.share / b.limit - a.share / a.limit)[0]
  if (worst === undefined) return []
  return [
    {
      code: 'quantile-ci',
      severity: 'suspect',
      message: `the 95 % interval of ${worst.name} is ± ${worst.share > 1 ? '> 100 %' : formatPercent(worst.share)} (limit ± ${formatPercent(worst.limit)})`,
      hint: 'it differs between parts of the run: run longer (-d)',
      value: worst.share,
      limit: worst.limit,
    },
  ]
}

function balance(inputs: TimeSeriesInputs): Finding[] {
  const { timeSeries, completed, connections, isSaturated, hasSeveralLoops = false, lostShare = 0 } = inputs
  const { balance: value, throughputs } = timeSeries
  // With m requests on each connection, chance alone makes Jain's index 1 / (1 + 1 / m).
  const byChance = 1 / (1 + (limits.balanceChance * connections) / Math.max(1, completed))
  // A connection that waited for a timeout has served fewer: with a share f lost on some of them the index is 1 - f or more.
  const limit = Math.min(limits.balance, byChance) * (1 - Math.min(1, lostShare))
  if (!isSaturated || hasSeveralLoops || throughputs.length < windowsMin || value >= limit) return []
  return [
    {
      code: 'balance',
      severity: 'suspect',
      message: `some connections were served far more often than others: Jain's index is ${formatRatio(value)} (limit ${formatRatio(limit)})`,
      hint: 'check how the server spreads connections over its threads, and whether it prefers some',
      value,
      limit,
    },
  ]
}

/** How one value compares with another: `25 % lower than`, `5 times as high as`; `change` is a share of the larger. */
function comparisonOf(change: number): string {
  if (change <= 0) return `${formatPercent(-change)} lower than`
  const ratio = 1 / (1 - change)
  if (ratio < 2) return `${formatPercent(ratio - 1)} higher than`
  return ratio > timesMax
    ? `more than ${timesMax} times as high as`
    : `${Number(ratio.toPrecision(2))} times as high as`
}

function formatPerSecond(rate: number): string {
  return `${formatCount(rate)}/s`
}
