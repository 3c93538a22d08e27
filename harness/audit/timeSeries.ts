import type { Quantiles } from '../metrics/snapshot.ts'
import { littlesLawError, littlesLawLimit } from '../metrics/statistics/littlesLaw.ts'
import { driftOf } from '../metrics/statistics/trend.ts'
import { mser5 } from '../metrics/statistics/warmup.ts'
import type { SteadyState } from '../metrics/steadyState.ts'
import type { TimeSeries } from '../metrics/timeSeries.ts'
import { type Finding, percent } from './finding.ts'
import { limits } from './limits.ts'

/** Windows of a run below which its course says nothing: two seconds. */
export const windowsMin = 20
/** Below this MSER-5 finds a warm-up in noise too often. */
const warmupWindowsMin = 50
const driftWindows = 20
/** The part of a plan's rate that a server answers which keeps up with it. */
const keptUp = 0.99

/** What is looked at beside the course itself. */
export interface TimeSeriesInputs {
  readonly timeSeries: TimeSeries
  readonly completed: number
  readonly throughput: number
  readonly response: Quantiles
  /** Requests that all connections together may have in flight. */
  readonly slots: number
  /** Every slot is filled again as soon as it is free: no pauses, no reconnecting, nothing failed. */
  readonly isSaturated: boolean
  /** The same load from the start to the end. */
  readonly isSteady: boolean
  /** Where the warm-up was looked for in the run itself: what was left out, and whether the end was put off for it. */
  readonly steadyState?: (SteadyState & { readonly warmupSeconds: number; readonly isExtended: boolean }) | undefined
  /** The plan's rate and arrivals, where there is a plan of one rate. */
  readonly plan?: { readonly perSecond: number; readonly arrivals: 'poisson' | 'constant' } | undefined
  /** Requests a busy second of the same plan against a server that does nothing, where that was measured. */
  readonly nullPerSecond?: number | undefined
  /** How many workers there could be, where there is a core and a connection for one more. */
  readonly moreWorkers?: number | undefined
}

/** Checks of how the measured part went on: 5, 6, 8 to 11 and 13 (measurement, section 2). */
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
  const { distance, dispersion, variation, spans } = timeSeries.arrivals
  const isPoisson = plan.arrivals === 'poisson'
  const dispersionLimit = isPoisson
    ? Math.max(limits.dispersionPoisson, 3 * Math.sqrt(2 / Math.max(1, spans - 1)))
    : limits.dispersionConstant
  const doubts = [
    isPoisson
      ? {
          what: 'the distance of the gaps from the exponential distribution',
          value: distance,
          limit: limits.gapDistance,
        }
      : { what: 'the variation of the gaps', value: variation, limit: limits.gapVariation },
    {
      what: isPoisson ? 'the dispersion of counts is off 1 by' : 'the dispersion of counts',
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
      message: `requests did not start as the ${plan.arrivals} plan has it: ${what} ${figure(value)} (limit ${figure(limit)})`,
      hint: 'the machine held the generator up: close other programs, or lower the rate',
      value,
      limit,
    },
  ]
}

function generatorBusy({ timeSeries: { busyShare: value }, plan }: TimeSeriesInputs): Finding[] {
  // In a closed loop a busy client is no fault: it is what saturates.
  if (plan === undefined || value <= limits.busySuspect) return []
  const isInvalid = value > limits.busyInvalid
  const limit = isInvalid ? limits.busyInvalid : limits.busySuspect
  return [
    {
      code: 'generator-busy',
      severity: isInvalid ? 'invalid' : 'suspect',
      message: `the busiest worker had work for ${percent(value)} of the time (limit ${percent(limit)})`,
      hint: 'requests wait for the generator itself: add workers (-w), or lower the rate',
      value,
      limit,
    },
  ]
}

function littlesLaw({ timeSeries, completed, throughput, response, slots, isSaturated }: TimeSeriesInputs): Finding[] {
  const error = littlesLawError(timeSeries.inFlightMean, throughput, timeSeries.responseMeanMs / 1000)
  // What is in flight at the edges is in the one figure and not in the other: at most so long in each slot.
  const limit = littlesLawLimit(slots, completed) + (response.max / 1000) * (throughput / Math.max(1, completed))
  const findings: Finding[] = []
  if (isSaturated && completed > 0 && error > limit) {
    findings.push({
      code: 'littles-law',
      severity: 'suspect',
      message: `${figure(timeSeries.inFlightMean)} requests in flight on average, but throughput times response time makes ${figure((throughput * timeSeries.responseMeanMs) / 1000)}`,
      hint: 'requests were lost sight of, or the figures are of too short a time: run longer',
      value: error,
      limit,
    })
  }
  const inUse = timeSeries.inFlightMean / slots
  if (isSaturated && timeSeries.throughputs.length >= windowsMin && inUse < limits.slotsInUse) {
    findings.push({
      code: 'littles-law',
      severity: 'suspect',
      message: `only ${percent(inUse)} of what may be in flight was (limit ${percent(limits.slotsInUse)})`,
      hint: 'connections stood still: some were not open, or the client did not come round to them',
      value: inUse,
      limit: limits.slotsInUse,
    })
  }
  return findings
}

/** What is too much for a server never settles, which is one finding and not two. */
function changes(inputs: TimeSeriesInputs): Finding[] {
  const found = stationarity(inputs)
  return found.some(({ code }) => code === 'overloaded') ? found : [...warmup(inputs), ...found]
}

function warmup({ timeSeries, isSteady, steadyState }: TimeSeriesInputs): Finding[] {
  if (steadyState !== undefined) return automaticWarmup(steadyState)
  const { throughputs, meansMs } = timeSeries
  if (!isSteady || throughputs.length < warmupWindowsMin) return []
  const cut = Math.max(mser5(throughputs).cut, mser5(meansMs).cut)
  if (cut === 0) return []
  const share = cut / throughputs.length
  return [
    {
      code: 'warm-up',
      severity: 'suspect',
      message: `the first ${percent(share)} of the measured part is unlike the rest`,
      hint: 'the server was still warming up, or something disturbed it: give it a longer warm-up (--warmup)',
      value: share,
      limit: 0,
    },
  ]
}

function automaticWarmup(steadyState: NonNullable<TimeSeriesInputs['steadyState']>): Finding[] {
  const { reachedAt, isUnsteady, what, change, warmupSeconds, isExtended } = steadyState
  if (reachedAt === undefined) return []
  const differs = `${percent(Math.abs(change))} ${change > 0 ? 'higher' : 'lower'}`
  if (!isUnsteady) {
    return [
      {
        code: 'warm-up',
        severity: 'note',
        message: `the first ${warmupSeconds} s were left out${isExtended ? ', and the run went on for that' : ''}: from 1 s on the ${what} was ${differs} there`,
        hint: 'a warm-up that is set (--warmup) is the same in every run',
        value: Math.abs(change),
        limit: 0,
      },
    ]
  }
  return [
    {
      code: 'warm-up',
      severity: isExtended ? 'invalid' : 'suspect',
      message: `the run never settled${isExtended ? ', though it went on for twice as long' : ''}: the ${what} was ${differs} in its first half`,
      hint: 'the figures are a mean over change: what grows or fills up in the server? run longer, or set the warm-up (--warmup)',
      value: Math.abs(change),
      limit: limits.drift,
    },
  ]
}

function stationarity({ timeSeries, plan, throughput, isSteady }: TimeSeriesInputs): Finding[] {
  if (!isSteady || timeSeries.throughputs.length < windowsMin) return []
  // Those that wait are in flight, or wait for a connection: then it is their response times that grow.
  const grows = [timeSeries.inFlights, timeSeries.meansMs].some(values => {
    const { relative, z } = driftOf(inWindows(values))
    return relative > limits.drift && z > limits.driftZ
  })
  if (plan !== undefined && grows && throughput < keptUp * plan.perSecond) {
    return [
      {
        code: 'overloaded',
        severity: 'suspect',
        message: `no steady latency exists; ${figure(throughput)} of ${figure(plan.perSecond)} requests/s are answered, and those that wait grow in number`,
        hint: 'the latencies grow with the length of the run: lower the rate',
        value: throughput / plan.perSecond,
        limit: keptUp,
      },
    ]
  }
  const series =
    plan === undefined
      ? { throughput: timeSeries.throughputs, 'mean response': timeSeries.meansMs }
      : { 'mean response': timeSeries.meansMs }
  const drifts = Object.entries(series).map(([what, values]) => ({ what, ...driftOf(inWindows(values)) }))
  const worst = drifts
    .filter(({ relative, z }) => Math.abs(relative) > limits.drift && Math.abs(z) > limits.driftZ)
    .sort((a, b) => Math.abs(b.relative) - Math.abs(a.relative))[0]
  if (worst === undefined) return []
  return [
    {
      code: 'stationarity',
      severity: 'suspect',
      message: `the ${worst.what} ${worst.relative > 0 ? 'rose' : 'fell'} by ${percent(Math.abs(worst.relative))} over the measured part (limit ${percent(limits.drift)})`,
      hint: 'the figures are a mean over change: run longer, or look for what else uses the machine',
      value: worst.relative,
      limit: limits.drift,
    },
  ]
}

function quantileIntervals({ timeSeries, response }: TimeSeriesInputs): Finding[] {
  if (timeSeries.throughputs.length < windowsMin) return []
  const doubts = Object.entries(limits.interval).flatMap(([name, limit]) => {
    const key = name as keyof typeof limits.interval
    const halfWidth = timeSeries.halfWidthsMs[key]
    const value = response[key]
    if (halfWidth === undefined || value === undefined || !(halfWidth / value > limit)) return []
    return [{ name, share: halfWidth / value, limit }]
  })
  const worst = doubts.sort((a, b) => b.share / b.limit - a.share / a.limit)[0]
  if (worst === undefined) return []
  return [
    {
      code: 'quantile-ci',
      severity: 'suspect',
      message: `${worst.name} is known to no better than ± ${percent(worst.share)} (limit ${percent(worst.limit)})`,
      hint: 'it differs from one part of the run to the next: run longer',
      value: worst.share,
      limit: worst.limit,
    },
  ]
}

function balance({ timeSeries: { balance: value, throughputs }, isSaturated }: TimeSeriesInputs): Finding[] {
  if (!isSaturated || throughputs.length < windowsMin || value >= limits.balance) return []
  return [
    {
      code: 'balance',
      severity: 'suspect',
      message: `some connections were served far more often than others: Jain's index ${figure(value)} (limit ${limits.balance})`,
      hint: 'the server prefers some connections, or spreads them unevenly over its threads',
      value,
      limit: limits.balance,
    },
  ]
}

/** The means of a series in twenty equal windows. */
function inWindows(values: readonly number[]): number[] {
  return Array.from({ length: driftWindows }, (_, index) => {
    const from = Math.floor((index * values.length) / driftWindows)
    const part = values.slice(from, Math.max(from + 1, Math.floor(((index + 1) * values.length) / driftWindows)))
    return part.reduce((sum, value) => sum + value, 0) / part.length
  })
}

function figure(value: number): string {
  return String(Number(value.toPrecision(3)))
}
