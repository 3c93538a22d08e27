import type { FailureCounts, FailureKind } from '../failures.ts'
import { plural } from '../units.ts'
import { limits } from './limits.ts'

/** One second of a run, as far as an outage shows in it. */
export interface TargetSecond {
  /** 1 for the first second since the start. */
  readonly second: number
  /** Its length where that is less than a second: the last one. */
  readonly seconds?: number
  readonly completed: number
  /** The share of the wanted connection time in which the connections could be used; absent where that is all of it. */
  readonly availability?: number
  readonly failures?: FailureCounts
}

/** The inputs of what became of the connections over a run. */
export interface ConnectionsInputs {
  readonly seconds: readonly TargetSecond[]
  /** What is in no second: failures while connections were opened, and idle connections that were closed for good. */
  readonly failuresBefore?: FailureCounts
  /** Connections that the load wants. */
  readonly connections: number
  /** Connections that were wanted when the run ended, and those of them that were down. */
  readonly wantedAtEnd: number
  readonly downAtEnd: number
}

/** A part of the run, in seconds since its start. */
export interface Outage {
  readonly from: number
  readonly to: number
  readonly isAtEnd: boolean
  readonly what: string
}

/** What a server does to connections; the client closes those with replies that it cannot take. */
const serverKinds: readonly FailureKind[] = [
  ...(['connect-refused', 'connect-timeout', 'connect-failed', 'handshake-closed', 'unreachable'] as const),
  ...(['reset', 'closed-early'] as const),
]

/** How connections are lost to a server that does not answer, or does not even read. */
const silentKinds: readonly FailureKind[] = ['timeout', 'overflow']

/** The worst time in which connections were down for more than half of each second: at the end, else the longest. */
export function connectionOutage(inputs: ConnectionsInputs): Outage | undefined {
  const { seconds, connections, wantedAtEnd, downAtEnd } = inputs
  const end = seconds.length
  if (end === 0) return undefined
  const causes = causesOf(inputs)
  const isLost = (at: number) =>
    (seconds[at]!.availability ?? 1) < 1 - limits.downShare && isMostly(causes[at]!, serverKinds)
  const isGoneAtEnd = downAtEnd > limits.downShare * wantedAtEnd && isMostly(causes[end - 1]!, serverKinds)
  const outage = (from: number, to: number, isAtEnd: boolean): Outage => ({
    ...timesOf(seconds, from, to, isAtEnd),
    isAtEnd,
    what: whatFailed(causes.slice(from, to), connections),
  })
  let longest: Outage | undefined
  let start = 0
  for (let at = 0; at <= end; at++) {
    if (at < end && isLost(at)) continue
    if (at > start) {
      const found = outage(start, at, at === end && isGoneAtEnd)
      if (longest === undefined || found.isAtEnd || found.to - found.from > longest.to - longest.from) longest = found
    }
    start = at + 1
  }
  // Where the last second is not lost as a whole, the connections broke within it.
  return longest?.isAtEnd || !isGoneAtEnd ? longest : outage(end - 1, end, true)
}

/** Whether the server was the cause, in a second of `causesOf`: it closed connections, or answered nothing on them. */
export function isServersFault(cause: FailureCounts): boolean {
  return isMostly(cause, [...serverKinds, ...silentKinds])
}

/**
 * By second: the failures by which its connections are down. While all of them wait for their next attempt, which may
 * be for seconds, nothing fails, and they are down for the same cause as before.
 */
export function causesOf({ seconds, failuresBefore = {} }: ConnectionsInputs): FailureCounts[] {
  let cause = closing(failuresBefore)
  return seconds.map(({ failures = {} }) => {
    const own = closing(failures)
    if (Object.keys(own).length > 0) cause = own
    return cause
  })
}

/** Without planned requests that found no room to wait: they close no connection, and are many where none is open. */
function closing({ dropped: _, ...failures }: FailureCounts): FailureCounts {
  return failures
}

function isMostly(cause: FailureCounts, kinds: readonly FailureKind[]): boolean {
  const all = totalOf(cause, Object.keys(cause) as FailureKind[])
  return all > 0 && totalOf(cause, kinds) >= all / 2
}

function totalOf(counts: FailureCounts, kinds: readonly FailureKind[]): number {
  return kinds.reduce((sum, kind) => sum + (counts[kind] ?? 0), 0)
}

/**
 * When an outage of the seconds [from, to) began and ended, in seconds since the start of the run. Where its first second
 * is down throughout, it began in the second before, as long before its end as that was down; else within its first
 * second. A single connection that is lost in the second before is no part of it. In the same way at its end.
 */
function timesOf(
  seconds: readonly TargetSecond[],
  from: number,
  to: number,
  isAtEnd: boolean,
): { from: number; to: number } {
  const last = to - 1
  const lengthAt = (at: number) => seconds[at]?.seconds ?? 1
  const usableAt = (at: number) => (seconds[at]?.availability ?? 1) * lengthAt(at)
  const isThroughout = (at: number) => usableAt(at) <= limits.usableThroughout * lengthAt(at)
  const [before, after] = [from - 1, to].map(at => lengthAt(at) - usableAt(at)) as [number, number]
  const end = last + lengthAt(last)
  // A single second that is down in part has its usable part on one side: on the other are the neighbour's failures.
  const endedWithin = from === last && !isAtEnd && before > after
  const beganWithin = from === last && !endedWithin
  return {
    from: isThroughout(from) ? from - before : endedWithin ? from : from + usableAt(from),
    to: isAtEnd ? end : isThroughout(last) ? end + after : beganWithin ? end : end - usableAt(last),
  }
}

/** Names what happened to connections by the kind that failed most often. */
function whatFailed(causes: readonly FailureCounts[], connections: number): string {
  const total = (...kinds: FailureKind[]) => causes.reduce((sum, cause) => sum + totalOf(cause, kinds), 0)
  const refused = total('connect-refused')
  const silent = total('connect-timeout')
  const broken = total('reset', 'closed-early', 'handshake-closed')
  const most = Math.max(refused, silent, broken)
  const all = `its ${plural(connections, 'connection')}`
  if (most === 0) return `kept ${all} closed`
  if (most === refused) return `refused ${all}`
  return most === silent ? `did not accept ${all}` : `closed ${all}`
}
