import { monotonicClock, sharedOffsetMs } from '../clock.ts'
import { launchFleet } from '../engine/fleet.ts'
import { type FailureKind, failureKinds } from '../failures.ts'
import { field, instant, roleIndex, roles, type Slab, sum } from '../metrics/slab.ts'
import type { Plan } from '../plan/plan.ts'
import { startDelayMs } from './drive.ts'

const openingMsMax = 5000

export interface ShortRunOptions {
  /** All of them must be open at the start of the measured part. */
  readonly connections: number
  /** Failures that do not matter, as the work of the client is the same. */
  readonly tolerates?: readonly FailureKind[]
  /** Ends the run without a result when it fires. */
  readonly signal: AbortSignal
}

/** A run that nobody watches: a second or two beside the one that was asked for. */
export interface ShortRun {
  /** By worker, at the start and the end of the measured part; absent where it was interrupted or anything went wrong. */
  readonly measured?: { readonly before: readonly WorkerReading[]; readonly after: readonly WorkerReading[] }
  /** Messages that were sent, handshakes included, and those of them that were answered, also after the end. */
  readonly sent: number
  readonly answered: number
}

/** Counters of a worker. */
export interface WorkerReading {
  readonly at: number
  /** Requests that were answered, as expected or not. */
  readonly answered: number
  readonly open: number
  readonly idleMs: number
}

/** Runs a plan of a second or two. */
export async function runShortly(plan: Plan, options: ShortRunOptions): Promise<ShortRun> {
  const { connections, tolerates = [], signal } = options
  const fleet = launchFleet(plan)
  const stop = () => fleet.stop()
  signal.addEventListener('abort', stop)
  if (signal.aborted) stop()
  const opening = setTimeout(stop, openingMsMax)
  let windowTimer: NodeJS.Timeout | undefined
  let before: readonly WorkerReading[] | undefined
  const read = (at: number) => fleet.slabs.map(slab => readWorker(slab, at))
  try {
    await Promise.race([fleet.ready, fleet.ended])
    clearTimeout(opening)
    fleet.start(monotonicClock.now() + startDelayMs)
    windowTimer = setTimeout(() => {
      before = read(monotonicClock.now())
    }, startDelayMs + plan.warmupMs)
    const error = await fleet.ended
    const messages = messagesOf(fleet.slabs)
    if (error !== undefined || signal.aborted || before === undefined) return messages
    const areOpen = before.reduce((all, { open }) => all + open, 0) === connections
    if (!areOpen || hasFailed(fleet.slabs, tolerates)) return messages
    const endedAt = Math.max(...fleet.slabs.map(({ instants }) => instants[instant.end]!)) - sharedOffsetMs()
    return { ...messages, measured: { before, after: read(endedAt) } }
  } finally {
    clearTimeout(opening)
    clearTimeout(windowTimer)
    signal.removeEventListener('abort', stop)
    fleet.stop()
  }
}

/** Reads the counters of a run so short that none wraps. */
function readWorker({ fields, sums }: Slab, at: number): WorkerReading {
  const count = (name: number) => Atomics.load(fields, name) >>> 0
  const answered = count(field.completed + roleIndex.request) + count(field.failed + roleIndex.request)
  return { at, answered, open: count(field.open), idleMs: sums[sum.idleMs]! }
}

function messagesOf(slabs: readonly Slab[]): { sent: number; answered: number } {
  const total = (name: number) => slabs.reduce((all, { fields }) => all + (Atomics.load(fields, name) >>> 0), 0)
  const ofRoles = (first: number) => roles.reduce((all, _, role) => all + total(first + role), 0)
  return { sent: ofRoles(field.sent), answered: ofRoles(field.completed) + total(field.nonCompletingReplies) }
}

function hasFailed(slabs: readonly Slab[], tolerates: readonly FailureKind[]): boolean {
  return failureKinds.some((kind, index) => {
    return !tolerates.includes(kind) && slabs.some(({ fields }) => Atomics.load(fields, field.failures + index) !== 0)
  })
}
