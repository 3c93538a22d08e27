import type { FailureKind } from '../../failures.ts'
import { roleIndex } from '../../metrics/slab.ts'
import type { WorkerPlan } from '../../plan/plan.ts'
import type { Transport } from '../../transports/transport.ts'
import type { WorkerCounters } from './counters.ts'
import type { DueTimes } from './due.ts'
import type { LinkState } from './linkState.ts'
import type { Pauses } from './pauses.ts'

/** A moment later than that of this turn of the loop, and sooner than any other's. */
const nextTurnMs = 1e-3

/** What is shared with `Exchange`. */
export interface OneWayOptions {
  readonly counters: WorkerCounters
  readonly links: LinkState
  readonly pauses: Pauses
  readonly due: DueTimes
  readonly transport: Transport
  /** Sends nothing more on the link until that time. */
  readonly pause: (link: number, time: number) => void
}

/**
 * Requests that expect no reply. Each is completed once the kernel has taken all of it: that is the most that a client
 * can know of it. Until then it is in flight, and its link sends no more than its pipeline holds: a server that does not
 * read slows the load down, as it would slow down any other client.
 */
export class OneWayRequests {
  /** By link: requests that wait for the kernel. */
  readonly waiting: Uint32Array
  /** One of their steps has a pause, so that requests must be sent one at a time. */
  readonly havePauses: boolean
  readonly #options: OneWayOptions
  readonly #isPaced: boolean
  /** By link: since when the oldest of them waits. */
  readonly #since: Float64Array
  /** By link: when requests were last handed to the transport. */
  readonly #writtenAt: Float64Array
  /** By frame: the step of a request of the loop that expects no reply; -1 for all others. */
  readonly #stepOf: Int16Array
  /** Requests that were written since the last call of `settle`, and the step of the latest. */
  #written = 0
  #lastStep = 0

  private constructor({ bank, connections, pace }: WorkerPlan, options: OneWayOptions) {
    const { steps, frames } = bank
    this.#options = options
    this.#isPaced = pace !== undefined
    this.waiting = new Uint32Array(connections)
    this.#since = new Float64Array(connections)
    this.#writtenAt = new Float64Array(connections).fill(Number.NEGATIVE_INFINITY)
    this.#stepOf = new Int16Array(frames.length).fill(-1)
    steps.forEach(({ role, reply, firstFrame, frameCount }, step) => {
      if (role === 'request' && !reply) this.#stepOf.fill(step, firstFrame, firstFrame + frameCount)
    })
    this.havePauses = steps.some(({ role, reply, thinkMs }) => role === 'request' && !reply && thinkMs > 0)
  }

  /** Undefined where every request of the loop has a reply. */
  static of(plan: WorkerPlan, options: OneWayOptions): OneWayRequests | undefined {
    const hasAny = plan.bank.steps.some(({ role, reply }) => role === 'request' && !reply)
    return hasAny ? new OneWayRequests(plan, options) : undefined
  }

  /** Takes note of requests that were handed to the transport and have no slot. */
  wrote(frame: number, requests: number): void {
    const step = this.#stepOf[frame]!
    if (step < 0) return
    this.#lastStep = step
    this.#written += requests
    this.#options.counters.oneWayOn(step, requests)
  }

  /**
   * What was written since the last call is completed, or waits where bytes of the link are queued. A link that has room
   * goes on in the next turn of the loop, so that one whose server reads fast does not keep the others from sending.
   */
  settle(link: number, isRefused: boolean, now: number): void {
    const written = this.#written
    if (written === 0) return
    this.#written = 0
    this.#writtenAt[link] = now
    const { links, pauses, due, transport, pause } = this.#options
    const isQueued = isRefused || transport.queuedBytes(link) > 0
    if (isQueued) {
      if (this.waiting[link] === 0) this.#since[link] = now
      this.waiting[link]! += written
    } else this.#complete(link, written)
    if (pauses.meanMs[this.#lastStep]! > 0) {
      const until = now + pauses.after(this.#lastStep)
      links.pause(link, until)
      pause(link, until)
      // At a rate the plan says when the next is sent, unless its connection has to give way to a new one.
    } else if (!isQueued && (!this.#isPaced || links.isSpent(link)) && !due.has(link)) pause(link, now + nextTurnMs)
  }

  /** The kernel has taken all that was queued on the link. */
  drained(link: number): void {
    const waiting = this.waiting[link]!
    if (waiting === 0) return
    this.waiting[link] = 0
    this.#complete(link, waiting)
  }

  /** Whether the kernel has not taken a request that was sent at or before `sentBefore`. */
  isOverdue(link: number, sentBefore: number): boolean {
    return this.waiting[link]! > 0 && this.#since[link]! <= sentBefore
  }

  /** Whether requests were sent on the link since a time: the server may not have read them yet. */
  hasSentSince(link: number, time: number): boolean {
    return this.#writtenAt[link]! > time
  }

  /** The connection has broken with these requests in its queue. Returns how many have failed. */
  fail(link: number, cause: FailureKind): number {
    const waiting = this.waiting[link]!
    if (waiting > 0) this.#options.counters.failed(roleIndex.request, waiting, cause)
    this.waiting[link] = 0
    return waiting
  }

  /** The connection is closed, or nothing is counted any more. */
  forget(link: number): void {
    this.#writtenAt[link] = Number.NEGATIVE_INFINITY
    this.waiting[link] = 0
  }

  #complete(link: number, requests: number): void {
    const { counters, links } = this.#options
    counters.completed(roleIndex.request, requests)
    counters.completedOn(link, requests)
    counters.oneWay(requests)
    links.answered(link)
  }
}
