import type { FailureCounts, FailureKind } from '../failures.ts'
import type { Quantiles } from '../metrics/snapshot.ts'
import { formatCount, formatDuration, plural } from '../units.ts'
import type { Finding } from './finding.ts'
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

/** The inputs of the checks of what became of the target, and of this process, over the run. */
export interface TargetInputs {
  readonly seconds: readonly TargetSecond[]
  /** Connections that the load wants. */
  readonly connections: number
  /** Connections that were down when the run ended. */
  readonly downAtEnd: number
  /** The measured part: when it began since the start of the run, and requests completed per second by equal windows. */
  readonly measured?:
    | { readonly fromMs: number; readonly windowMs: number; readonly throughputs: readonly number[] }
    | undefined
  /** Requests were still waiting for a reply when the run ended. */
  readonly isAwaiting: boolean
  /** The longest time that the loop of a worker stood still while requests were in flight. */
  readonly stall?: { readonly ms: number; readonly atMs: number; readonly requests: number } | undefined
  readonly response: Quantiles
  readonly interrupted: boolean
}

/** A part of the run, in seconds since its start. */
interface Outage {
  readonly from: number
  readonly to: number
  readonly isAtEnd: boolean
  readonly what: string
}

/** Checks 18 and 21 (docs/measurement.md): whether the target was there all the time, and whether this process ran. */
export function auditTarget(inputs: TargetInputs): Finding[] {
  return [...targetGone(inputs), ...clientStalled(inputs)]
}

function targetGone(inputs: TargetInputs): Finding[] {
  const outage = connectionOutage(inputs) ?? silence(inputs)
  if (outage === undefined) return []
  const { from, to, isAtEnd, what } = outage
  const length = to - from
  return [
    {
      code: 'target-gone',
      severity: isAtEnd ? 'invalid' : 'suspect',
      message: isAtEnd
        ? `the server ${what} from second ${formatSecond(from)} to the end, for ${formatDuration(length * 1000)}: it did not come back`
        : `the server ${what} from second ${formatSecond(from)} to ${formatSecond(to)}, and came back`,
      hint: isAtEnd
        ? 'look in its log for why it ended or hangs (dmesg names the victims of the OOM killer); the figures mix the time before and after'
        : 'the figures include the outage: look in its log for a restart, a reload or a pause',
      value: length,
      limit: 0,
    },
  ]
}

/** The longest run of seconds in which connections were down for more than half of the time. */
function connectionOutage({ seconds, connections, downAtEnd }: TargetInputs): Outage | undefined {
  const isLost = (second: TargetSecond) => (second.availability ?? 1) < 1 - limits.downShare && isServers(second)
  const end = seconds.length
  let longest: Outage | undefined
  let start = 0
  for (let at = 0; at <= end; at++) {
    if (at < end && isLost(seconds[at]!)) continue
    if (at > start) {
      const isAtEnd = at === end && downAtEnd > limits.downShare * connections
      const what = whatFailed(seconds.slice(start, at), connections)
      const outage = { ...timesOf(seconds, start, at), isAtEnd, what }
      if (longest === undefined || isAtEnd || outage.to - outage.from > longest.to - longest.from) longest = outage
    }
    start = at + 1
  }
  const last = seconds.slice(-1)
  const isGoneAtEnd = downAtEnd > limits.downShare * connections && last.every(isServers)
  if (longest?.isAtEnd || !isGoneAtEnd) return longest
  // The connections broke within the last second.
  const from = Math.max(0, end - 1)
  return { ...timesOf(seconds, from, end), isAtEnd: true, what: whatFailed(last, connections) }
}

/**
 * When an outage began and ended, in seconds since the start of the run: within its first second, or the one before that,
 * as the availability of that second says, and in the same way at its end.
 */
function timesOf(seconds: readonly TargetSecond[], from: number, to: number): { from: number; to: number } {
  const usable = (at: number) => (seconds[at]?.availability ?? 1) * lengthAt(at)
  const lengthAt = (at: number) => seconds[at]?.seconds ?? 1
  const before = from > 0 ? 1 - usable(from - 1) : 0
  const after = to < seconds.length ? lengthAt(to) - usable(to) : 0
  const isOpenAtEnd = to === seconds.length
  const end = to - 1 + lengthAt(to - 1)
  return {
    from: before > 0 ? from - before : from + usable(from),
    to: after > 0 ? to + after : isOpenAtEnd || to - 1 === from ? end : end - usable(to - 1),
  }
}

/** What a server does to connections; the client closes those with replies that it cannot take. */
const serverKinds: readonly FailureKind[] = [
  ...(['connect-refused', 'connect-timeout', 'connect-failed', 'handshake-closed', 'unreachable'] as const),
  ...(['reset', 'closed-early'] as const),
]

/** Whether it was the server that took the connections of a second, or kept them closed. */
function isServers({ failures = {} }: TargetSecond): boolean {
  const counts = Object.entries(failures) as [FailureKind, number][]
  const total = counts.reduce((sum, [, count]) => sum + count, 0)
  const servers = counts.reduce((sum, [kind, count]) => sum + (serverKinds.includes(kind) ? count : 0), 0)
  // While all of them wait for their next attempt, nothing fails.
  return servers >= total / 2
}

/** Names what happened to connections by the kind that failed most often. */
function whatFailed(seconds: readonly TargetSecond[], connections: number): string {
  const total = (...kinds: FailureKind[]) =>
    seconds.reduce((sum, { failures = {} }) => sum + kinds.reduce((count, kind) => count + (failures[kind] ?? 0), 0), 0)
  const refused = total('connect-refused')
  const silent = total('connect-timeout')
  const broken = total('reset', 'closed-early')
  const most = Math.max(refused, silent, broken)
  const all = `its ${plural(connections, 'connection')}`
  if (most === 0) return `kept ${all} closed`
  if (most === refused) return `refused ${all}`
  return most === silent ? `did not accept ${all}` : `closed ${all}`
}

/** The longest time without a reply in the measured part, where so many were to be expected that it is no accident. */
function silence({ measured, isAwaiting, interrupted }: TargetInputs): Outage | undefined {
  if (measured === undefined || interrupted) return undefined
  const { fromMs, windowMs, throughputs } = measured
  let longest = { from: 0, windows: 0 }
  let from = 0
  throughputs.forEach((throughput, at) => {
    if (throughput > 0) from = at + 1
    else if (at + 1 - from > longest.windows) longest = { from, windows: at + 1 - from }
  })
  const usual = throughputs.reduce((sum, throughput) => sum + throughput, 0) / (throughputs.length - longest.windows)
  const lengthMs = longest.windows * windowMs
  const isAtEnd = longest.from + longest.windows === throughputs.length && isAwaiting
  const isLong = lengthMs >= (isAtEnd ? limits.silentMsAtEnd : limits.silentMs)
  if (!isLong || !((usual * lengthMs) / 1000 >= limits.repliesMissed)) return undefined
  const second = (windows: number) => (fromMs + windows * windowMs) / 1000
  return {
    from: second(longest.from),
    to: second(longest.from + longest.windows),
    isAtEnd,
    what: 'answered nothing',
  }
}

function clientStalled({ stall, response }: TargetInputs): Finding[] {
  if (stall === undefined || stall.ms < limits.stallMs || response.max < stall.ms / 2) return []
  const { ms, atMs, requests } = stall
  return [
    {
      code: 'client-stalled',
      severity: 'suspect',
      message: `this process stood still for ${formatDuration(ms)} at second ${formatSecond(atMs / 1000)} (limit ${limits.stallMs} ms): ${plural(requests, 'reply')} waited for us, not for the server`,
      hint: `${touched(stall, response)} not the server's: the process was stopped, the machine suspended or too busy; run again`,
      value: ms,
      limit: limits.stallMs,
    },
  ]
}

/** The quantiles that replies which waited for a stall can have made. */
function touched({ ms, requests }: { ms: number; requests: number }, response: Quantiles): string {
  const beyond = { p50: 0.5, p90: 0.1, p99: 0.01, p999: 0.001 } as const
  const names = Object.entries(beyond).flatMap(([name, share]) => {
    const value = response[name as keyof typeof beyond]
    const isMade = value !== undefined && value >= ms / 2 && requests >= share * response.count
    return isMade ? [name === 'p999' ? 'p99.9' : name] : []
  })
  return names.length === 0 ? 'max is' : `${names.join(', ')} and max are`
}

function formatSecond(second: number): string {
  return formatCount(Math.round(second * 10) / 10)
}
