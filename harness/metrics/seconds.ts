import { type FailureCounts, failureCounts } from '../failures.ts'
import { availabilityBetween, type Reading, usageBetween } from './reading.ts'
import { field } from './slab.ts'
import type { Interval, Quantiles } from './snapshot.ts'

const secondMs = 1000
/** The end of a run is written down this much before or after a second is over, or else there is a part of one. */
const partMsMin = 1
/** Readings are never closer together: no rate is of a shorter time. */
const countedMsMin = 1

/** What was counted over one or several seconds together, without where they are in the run. */
export type Counted = Omit<Interval, 'second' | 'seconds' | 'warmup'>

/** What is known at the later of two readings besides its counters. */
export interface Levels extends Pick<Interval, 'connections' | 'rssBytes' | 'heapBytes'> {
  /** When the run ended; Infinity while it goes on. */
  readonly endedAt: number
  /** The response times between the readings. */
  readonly response: Quantiles
  readonly otherCores: number | undefined
  readonly coreDistanceNs: number | undefined
}

/** What was counted between two readings. */
export function countedBetween(before: Reading, after: Reading, levels: Levels): Counted {
  const { endedAt, response, connections, otherCores, coreDistanceNs, rssBytes, heapBytes } = levels
  const since = (counter: number) => after.counters[counter]! - before.counters[counter]!
  const { clientCores, serverCores } = usageBetween(before, after)
  const completed = since(field.completed)
  const failures = failureCounts(index => since(field.failures + index))
  const availability = availabilityBetween(before, after)
  // Readings are late by up to 100 ms, and after the end nothing is counted.
  const countedMs = Math.max(countedMsMin, Math.min(after.at, endedAt) - before.at)
  const { p50, p90, p99, max } = response
  return {
    completed,
    failed: since(field.failed),
    ...(Object.keys(failures).length > 0 && { failures }),
    ...(availability === undefined && { unwanted: true as const }),
    ...(availability !== undefined && availability < 1 && { availability: Number(availability.toFixed(4)) }),
    perSecond: Math.round((completed / countedMs) * 10_000) / 10,
    bytesSent: since(field.bytesSent),
    bytesReceived: since(field.bytesReceived),
    connections,
    connects: since(field.connects),
    ...(p50 !== undefined && { p50 }),
    ...(p90 !== undefined && { p90 }),
    ...(p99 !== undefined && { p99 }),
    ...(completed > 0 && { max }),
    clientCores: round3(clientCores),
    ...(serverCores !== undefined && { serverCores: round3(serverCores) }),
    ...(otherCores !== undefined && { otherCores: round3(otherCores) }),
    ...(coreDistanceNs !== undefined && { coreDistanceNs: Math.round(coreDistanceNs) }),
    rssBytes,
    heapBytes,
  }
}

/**
 * The lengths in seconds of the seconds that are over, `elapsedMs` after the start of the first of them; in a run that has
 * ended by then, with the part of a second that is left. Mostly that is none or one, and more where the reader stood still.
 */
export function secondLengths(elapsedMs: number, hasEnded: boolean): number[] {
  const whole = Math.max(0, Math.floor((elapsedMs + (hasEnded ? partMsMin : 0)) / secondMs))
  const restMs = elapsedMs - whole * secondMs
  const lengths = new Array<number>(whole).fill(1)
  return hasEnded && restMs >= partMsMin ? [...lengths, restMs / secondMs] : lengths
}

/**
 * Divides what was counted over several seconds in proportion to their lengths: no reading tells them apart, and all of it
 * in the first would make an outage of the others.
 */
export function divided(counted: Counted, lengths: readonly number[]): Counted[] {
  if (lengths.length === 1) return [counted]
  const { failures = {} } = counted
  const completed = shares(counted.completed, lengths)
  const failed = shares(counted.failed, lengths)
  const bytesSent = shares(counted.bytesSent, lengths)
  const bytesReceived = shares(counted.bytesReceived, lengths)
  const connects = shares(counted.connects, lengths)
  const byKind = Object.entries(failures).map(([kind, count]) => ({ kind, shares: shares(count, lengths) }))
  return lengths.map((_, at) => {
    const { failures: _failures, ...rest } = counted
    const own = byKind.filter(({ shares }) => shares[at]! > 0).map(({ kind, shares }) => [kind, shares[at]!])
    return {
      ...rest,
      completed: completed[at]!,
      failed: failed[at]!,
      ...(own.length > 0 && { failures: Object.fromEntries(own) as FailureCounts }),
      bytesSent: bytesSent[at]!,
      bytesReceived: bytesReceived[at]!,
      connects: connects[at]!,
    }
  })
}

/**
 * The seconds of a run as far as an outage shows in them. One in which no connection was wanted says nothing of the server,
 * so it is as available as the one before it, and none at the end.
 */
export function wantedSeconds(intervals: readonly Interval[]): Interval[] {
  const end = intervals.findLastIndex(({ unwanted }) => unwanted !== true) + 1
  let before: number | undefined
  return intervals.slice(0, end).map(interval => {
    if (interval.unwanted !== true) {
      before = interval.availability
      return interval
    }
    return before === undefined ? interval : { ...interval, availability: before }
  })
}

/** Whole numbers in proportion to the lengths, whose sum is the total. */
function shares(total: number, lengths: readonly number[]): number[] {
  const whole = lengths.reduce((sum, length) => sum + length, 0)
  let length = 0
  let given = 0
  return lengths.map(each => {
    length += each
    const share = Math.round((total * length) / whole) - given
    given += share
    return share
  })
}

function round3(value: number): number {
  return Math.round(value * 1000) / 1000
}
