import type { CutShort } from '../audit/endings.ts'
import type { LiveAudit } from '../audit/live.ts'
import { sharedOffsetMs, systemTimers, type Timers } from '../clock.ts'
import type { Fleet } from '../engine/fleet.ts'
import type { Collector } from '../metrics/collector.ts'
import type { Phase, Progress } from '../metrics/snapshot.ts'
import { totalsOf } from '../metrics/totals.ts'
import { type StepRanges, speaks } from '../plan/bank.ts'
import type { Plan } from '../plan/plan.ts'
import { createProtocol } from '../protocols/catalog.ts'
import type { RunningTarget } from '../target/target.ts'
import type { LiveReplies } from './liveReplies.ts'
import type { Observer } from './observer.ts'
import { ProgressWatch } from './progress.ts'

const readMs = 100
/** Delay before the start, so that every worker sees the start time first. */
export const startDelayMs = 20
/**
 * The same where connections get what others send. A connection is open before the server has accepted it, many servers
 * accept one at a time, and a connection that is not accepted yet, or whose subscription is still on its way, gets no message.
 */
const startDelayMsToAll = 250
/** A server's exit is reported a moment after its connections break: how long it is waited for after a run with failures. */
const targetExitGraceMs = 100
/**
 * How long before the end of a run it is decided whether to extend it: long enough for the workers to see the decision.
 */
const extendBeforeMs = 500
/** How late a worker may see a signal in its slab. */
const controlLatencyMs = 100
const extendedNote = 'latency is still changing: the run is extended by its own length'
/** The share of planned requests that a server which keeps up may leave unanswered. */
const fallenBehindMax = 0.01

export interface Outcome {
  /** When the last worker stopped counting, on this thread's clock. */
  readonly endedAt: number
  readonly error: string | undefined
  /** The run was extended by its own length, because it had not reached a steady state. */
  readonly isExtended: boolean
  /** Why the run was ended before its time. */
  readonly cutShort: CutShort | undefined
}

export interface DrivenRun {
  readonly plan: Plan
  readonly fleet: Fleet
  readonly collector: Collector
  readonly target: Pick<RunningTarget, 'ended'>
  readonly observers: readonly Observer[]
  readonly liveAudit: Pick<LiveAudit, 'notes'>
  /** Says what comes back that is not as expected; without it nothing is said. */
  readonly liveReplies?: Pick<LiveReplies, 'notes'>
  /** Ends the run early when it fires. */
  readonly signal: AbortSignal
  /** What is done when the last worker has ended, while the run is still shown; it may say so to the observers. */
  readonly afterwards?: (outcome: Outcome, say: (text: string) => void) => Promise<void>
  readonly timers?: Timers
  /** Added to a time of `timers`, it gives a time on the clock that all threads share. */
  readonly sharedOffsetMs?: number
}

/** Drives a fleet from its first connect to the end of its last worker, and reads its slabs meanwhile; ends the observers. */
export async function drive(run: DrivenRun): Promise<Outcome> {
  const { plan, fleet, collector, signal, timers = systemTimers } = run
  const delayMs = startDelayOf(plan)
  const watch = new RunWatch(run, timers)
  const stop = () => fleet.stop()
  signal.addEventListener('abort', stop)
  if (signal.aborted) stop()
  const cancels = [timers.every(readMs, () => watch.read())]
  try {
    await Promise.race([fleet.ready, fleet.ended])
    fleet.start(watch.begin(delayMs))
    // The measured part begins with the reading at the end of the warm-up, so that has a timer of its own.
    cancels.push(timers.after(delayMs + collector.measuredAfterMs, () => watch.read()))
    if (plan.extensionMs > 0) {
      cancels.push(timers.after(delayMs + plan.lengthMs - extendBeforeMs, () => watch.extendIfUnsteady()))
    }
    const outcome = await watch.end(await fleet.ended)
    // From here on nothing is read of the run.
    for (const cancel of cancels.splice(0)) cancel()
    await run.afterwards?.(outcome, text => {
      for (const observer of run.observers) observer.said?.(text)
    })
    return outcome
  } finally {
    for (const cancel of cancels) cancel()
    signal.removeEventListener('abort', stop)
    for (const observer of run.observers) observer.ended?.()
  }
}

/**
 * How long after `now` the workers start: long enough for every connection to be accepted where that matters. Where the
 * handshake of those that listen ends with a reply, that proves it.
 */
function startDelayOf({ workers }: Plan): number {
  const { protocol, groups, bank } = workers[0]!
  const isProven = ({ handshakeFrom, handshakeEnd }: StepRanges) =>
    handshakeEnd > handshakeFrom && bank.steps[handshakeEnd - 1]!.reply
  const mayMiss = groups.some(group => !speaks(group) && !isProven(group))
  return createProtocol(protocol.spec).broadcasts || mayMiss ? startDelayMsToAll : startDelayMs
}

/** Reads the slabs of a run, notifies its observers, and decides whether it is extended. */
class RunWatch {
  readonly #run: DrivenRun
  readonly #timers: Timers
  #startAt = Number.POSITIVE_INFINITY
  #lengthMs: number
  readonly #progress: ProgressWatch
  #cutShort: CutShort | undefined

  constructor(run: DrivenRun, timers: Timers) {
    this.#run = run
    this.#timers = timers
    this.#lengthMs = run.plan.lengthMs
    this.#progress = new ProgressWatch(run.collector, run.plan)
  }

  /** The connections are open or have failed; returns when the requests start. */
  begin(delayMs: number): number {
    const { collector } = this.#run
    collector.read(this.#timers.now())
    this.#startAt = this.#timers.now() + delayMs
    // Begin before the start signal: workers may count as soon as they see it.
    collector.begin(this.#startAt)
    return this.#startAt
  }

  read(): void {
    const { plan, fleet, collector, target, observers } = this.#run
    const now = this.#timers.now()
    // Asked first: what is read afterwards is all that was counted up to the end.
    const endedAt = this.#endedAt()
    collector.read(now)
    // Workers may have stopped at the planned end and say so a moment later.
    if (endedAt !== undefined || now < this.#plannedEnd()) this.#endSeconds(endedAt)
    // A server that this run started is not restarted: the remaining requests would stay unanswered.
    if (plan.counted && target.ended() !== undefined) fleet.stop()
    if (this.#cutShort === undefined && now >= this.#startAt) {
      this.#cutShort = this.#progress.cutShort(now)
      if (this.#cutShort !== undefined) fleet.stop()
    }
    const progress = this.#progressAt(now)
    const view = {
      progress,
      snapshot: () => collector.snapshot(progress),
      notes: () => this.#notes(progress.phase, now),
    }
    for (const observer of observers) observer.progressed?.(view)
  }

  /** Shortly before the end: a run whose latency still changes is extended once, unless the load is more than the server can take. */
  extendIfUnsteady(): void {
    const { plan, fleet, collector } = this.#run
    const now = this.#timers.now()
    collector.read(now)
    const isLate = now - this.#startAt > this.#lengthMs - controlLatencyMs
    if (isLate || collector.fallenBehind() > fallenBehindMax || !collector.steadyState(now)?.isUnsteady) return
    fleet.extend()
    this.#lengthMs += plan.extensionMs
  }

  /** Ends the watch after all workers have ended, with `error` if one of them failed. */
  async end(error: string | undefined): Promise<Outcome> {
    const { plan, collector, target } = this.#run
    const now = this.#timers.now()
    // A worker that died has not said when it stopped.
    const endedAt = this.#endedAt() ?? Math.min(now, this.#plannedEnd())
    collector.read(now)
    this.#endSeconds(endedAt)
    if (Object.keys(collector.failures()).length > 0) {
      await new Promise<void>(resolve => void this.#timers.after(targetExitGraceMs, resolve))
    }
    return {
      endedAt,
      error: error ?? targetError(target),
      isExtended: endedAt - this.#startAt > plan.lengthMs + readMs,
      cutShort: this.#cutShort,
    }
  }

  /** Ends the seconds that are over; once the run has ended, all that is left of it. */
  #endSeconds(endedAt: number | undefined): void {
    const { collector, observers } = this.#run
    for (const interval of collector.endSeconds(endedAt)) {
      const second = { interval, totals: totalsOf(collector) }
      for (const observer of observers) observer.second?.(second)
    }
  }

  /** When the last worker stopped counting, on this thread's clock; undefined while one still counts. */
  #endedAt(): number | undefined {
    return this.#run.collector.endedAt(this.#run.sharedOffsetMs ?? sharedOffsetMs())
  }

  #plannedEnd(): number {
    return this.#run.plan.endsByTime ? this.#startAt + this.#lengthMs : Number.POSITIVE_INFINITY
  }

  #progressAt(now: number): Progress {
    const elapsedMs = now - this.#startAt
    return {
      elapsedMs: Math.max(0, elapsedMs),
      phase: phaseAt(elapsedMs, this.#run.plan.warmupMs, this.#lengthMs),
      ...(this.#run.plan.endsByTime && { totalMs: this.#lengthMs }),
    }
  }

  #notes(phase: Phase, now: number): string[] {
    const { plan, target, observers, liveAudit, liveReplies } = this.#run
    const problems = observers.map(observer => observer.problem?.())
    const extended = this.#lengthMs > plan.lengthMs ? extendedNote : undefined
    const replies = phase === 'opening' ? [] : (liveReplies?.notes(now - this.#startAt) ?? [])
    const ending = phase === 'opening' ? undefined : this.#progress.warning(now)
    const notes = [targetError(target), ...problems, extended, ending, ...replies].filter(note => note !== undefined)
    return phase === 'measuring' ? [...notes, ...liveAudit.notes(now)] : notes
  }
}

function phaseAt(elapsedMs: number, warmupMs: number, lengthMs: number): Phase {
  if (elapsedMs < 0) return 'opening'
  if (elapsedMs < warmupMs) return 'warm-up'
  return elapsedMs < lengthMs ? 'measuring' : 'draining'
}

function targetError(target: Pick<RunningTarget, 'ended'>): string | undefined {
  const ended = target.ended()
  return ended && `the target ended during the run: ${ended}`
}
