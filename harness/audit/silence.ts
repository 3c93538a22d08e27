import type { FailureCounts } from '../failures.ts'
import type { Activity } from '../metrics/activity.ts'
import { limits } from './limits.ts'
import { type ConnectionsInputs, causesOf, isServersFault, type Outage } from './outages.ts'

/** A time in which a part of this process stood still, and read nothing. */
interface Standstill {
  readonly ms: number
  readonly atMs: number
}

/** Readings are evenly spaced: a window so many times longer than most shows that the main thread stood still. */
const standstillTimes = 2

/** The inputs of whether the server answered all the time. */
export interface SilenceInputs extends ConnectionsInputs {
  /** The measured part, window by window; empty where the load changes on purpose. */
  readonly activity: readonly Activity[]
  /** Requests completed in the measured part. */
  readonly completed: number
  /** How long the replies took from the server's side, as counts of ascending times. */
  readonly answered: readonly { readonly valueMs: number; readonly count: number }[]
  /** The longest time that the loop of a worker stood still while requests were in flight or came due. */
  readonly stall?: (Standstill & { readonly requests: number }) | undefined
}

/** Successive windows in which nothing came although something was awaited. */
interface Gap {
  readonly fromMs: number
  readonly toMs: number
  /** Without the time in which this process stood still. */
  readonly lengthMs: number
  /** The most that was awaited at a time, or could not be sent as its connection was down. */
  readonly awaited: number
  readonly isAtEnd: boolean
}

/**
 * The time in which the server answered nothing although something was awaited: that at the end, else the longest. It
 * has to be longer than replies usually take, as connections that began together are answered together, and so many
 * replies have to be missing that it is no accident.
 */
export function silence(inputs: SilenceInputs): Outage | undefined {
  const gaps = gapsOf(inputs)
  const found = gaps.filter(gap => isOutage(gap, inputs))
  const longest = found.toSorted((a, b) => b.lengthMs - a.lengthMs)[0]
  const worst = found.find(gap => gap.isAtEnd) ?? longest
  if (worst === undefined) return undefined
  const { fromMs, toMs, isAtEnd } = worst
  return { from: fromMs / 1000, to: toMs / 1000, isAtEnd, what: 'answered nothing' }
}

function gapsOf(inputs: SilenceInputs): Gap[] {
  const { activity } = inputs
  const standstills = standstillsOf(inputs)
  const causes = causesOf(inputs)
  const gaps: Gap[] = []
  let start = 0
  activity.forEach((window, at) => {
    if (isAlive(window) || !isAwaited(window, causes)) start = at + 1
    const isAtEnd = at + 1 === activity.length
    const isOver = isAtEnd || isAlive(activity[at + 1]!) || !isAwaited(activity[at + 1]!, causes)
    if (start > at || !isOver) return
    const [fromMs, toMs] = [activity[start]!.fromMs, window.toMs]
    const awaited = Math.max(...activity.slice(start, at + 1).map(({ awaited, down }) => awaited + down))
    gaps.push({ fromMs, toMs, lengthMs: toMs - fromMs - sharedMs(fromMs, toMs, standstills), awaited, isAtEnd })
  })
  return gaps
}

/** Whether the server sent something, or read on where it is not to answer. */
function isAlive({ bytesReceived, oneWay }: Activity): boolean {
  return bytesReceived > 0 || oneWay > 0
}

/**
 * Whether the server had something to answer. Where most connections are down, what is due cannot be sent: then the
 * server is awaited only where they are down because of it, not of wrong replies or of this machine's ports.
 */
function isAwaited({ fromMs, awaited, wanted, down }: Activity, causes: readonly FailureCounts[]): boolean {
  if (down <= limits.downShare * wanted) return awaited > 0
  const second = Math.min(Math.floor(fromMs / 1000), causes.length - 1)
  return isServersFault(causes[second] ?? {})
}

function isOutage({ lengthMs, awaited, isAtEnd }: Gap, inputs: SilenceInputs): boolean {
  const { activity, completed, connections, answered } = inputs
  // One connection that hangs says nothing of a server from which the others want nothing at this moment.
  if (awaited < Math.min(limits.downShare * connections, limits.repliesMissed)) return false
  // What waits for a silence at the end has no reply.
  const usualMs = usualResponseMs(answered, isAtEnd ? 0 : awaited)
  if (lengthMs < (isAtEnd ? limits.silentMsAtEnd : limits.silentMs) + usualMs) return false
  const measuredMs = activity.at(-1)!.toMs - activity[0]!.fromMs
  return completed * (lengthMs / (measuredMs - lengthMs)) >= limits.repliesMissed
}

/**
 * The time up to which replies took that account for half of all waiting. With a few long replies among many short ones
 * that is a long one, as all connections may wait for long ones at once; a quantile of the replies may be a short one.
 * The `late` slowest are left out, which waited for the silence itself, but no more than half of all.
 */
function usualResponseMs(answered: SilenceInputs['answered'], late: number): number {
  const all = answered.reduce((sum, { count }) => sum + count, 0)
  let left = all - Math.min(late, all / 2)
  const waits = answered.map(({ valueMs, count }) => {
    const taken = Math.min(count, left)
    left -= taken
    return { valueMs, waitedMs: taken * valueMs }
  })
  let rest = waits.reduce((sum, { waitedMs }) => sum + waitedMs, 0) / 2
  const usual = waits.find(({ waitedMs }) => {
    rest -= waitedMs
    return rest <= 0
  })
  return usual?.valueMs ?? 0
}

/** When this process stood still, in order: the main thread, and the worker that did so for the longest time. */
function standstillsOf({ activity, stall }: SilenceInputs): Standstill[] {
  const parts = activity.map(({ fromMs, toMs }) => ({ atMs: fromMs, ms: toMs - fromMs }))
  const usual = parts.map(({ ms }) => ms).toSorted((a, b) => a - b)[Math.floor(parts.length / 2)] ?? 0
  const ofMainThread = parts.filter(({ ms }) => ms > standstillTimes * usual)
  return [...ofMainThread, ...(stall === undefined ? [] : [stall])].toSorted((a, b) => a.atMs - b.atMs)
}

/** How much of a time this process stood still. */
function sharedMs(fromMs: number, toMs: number, standstills: readonly Standstill[]): number {
  let shared = 0
  let countedUntil = fromMs
  for (const { ms, atMs } of standstills) {
    const [from, to] = [Math.max(atMs, countedUntil), Math.min(atMs + ms, toMs)]
    if (to <= from) continue
    shared += to - from
    countedUntil = to
  }
  return shared
}
