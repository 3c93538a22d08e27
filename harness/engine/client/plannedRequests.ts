import type { FailureKind } from '../../failures.ts'
import { field, type Slab } from '../../metrics/slab.ts'
import { createPacer, type Pace, type Pacer, plannedUntil } from '../../plan/pacer.ts'
import type { WorkerPlan } from '../../plan/plan.ts'
import type { Transport } from '../../transports/transport.ts'
import { Admission } from './admission.ts'
import { type ArrivalStatistics, createArrivalStatistics } from './arrivalStatistics.ts'
import { type Connections, linkPhase } from './connections.ts'
import type { Exchange } from './exchange.ts'
import type { RunClock } from './runClock.ts'

/** Planned requests that one wake takes at most: a client that is behind must still read replies and see its end. */
const takenPerWakeMax = 64
/**
 * The run is a half-open interval: a request due at its end is not part of it. Times are sums of floating-point numbers, so
 * one that is due this shortly before the end is due at the end.
 */
const endToleranceMs = 1e-3
/** The same for a number of requests, which is a difference of areas under the rate. */
const roundingMax = 1e-6

export interface PlannedRequestsOptions {
  readonly slab: Slab
  readonly transport: Transport
  readonly connections: Connections
  readonly exchange: Exchange
  readonly runClock: RunClock
  /** Closes a link that cannot go on. */
  readonly drop: (link: number, cause: FailureKind, now: number) => void
}

/**
 * Mode rate: sends each request at its intended time, over the connection that has been free longest. A request that
 * finds no free connection waits for one; one that finds no room to wait is dropped, and counted.
 */
export class PlannedRequests {
  readonly #pace: Pace
  readonly #workers: number
  readonly #pacer: Pacer
  readonly #fields: Int32Array
  readonly #admission: Admission
  readonly #arrivals: ArrivalStatistics | undefined
  readonly #transport: Transport
  readonly #connections: Connections
  readonly #exchange: Exchange
  readonly #runClock: RunClock
  readonly #drop: PlannedRequestsOptions['drop']
  /** Requests of the plan that are still to be taken up. */
  #left: number

  private constructor(plan: WorkerPlan, pace: Pace, pacer: Pacer, options: PlannedRequestsOptions) {
    this.#pace = pace
    this.#workers = plan.workers
    this.#pacer = pacer
    this.#fields = options.slab.fields
    this.#admission = new Admission(plan.connections)
    this.#arrivals = createArrivalStatistics(plan.pace, plan.workers, options.slab)
    this.#transport = options.transport
    this.#connections = options.connections
    this.#exchange = options.exchange
    this.#runClock = options.runClock
    this.#drop = options.drop
    this.#left = plan.requests ?? Number.POSITIVE_INFINITY
  }

  /** Undefined in the modes that have no rate. */
  static of(plan: WorkerPlan, options: PlannedRequestsOptions): PlannedRequests | undefined {
    const pacer = createPacer(plan)
    return plan.pace && pacer && new PlannedRequests(plan, plan.pace, pacer, options)
  }

  /** Whether no request is left to be sent. */
  get isDone(): boolean {
    return this.#left === 0 && this.#admission.waiting === 0
  }

  /** When the next request is due, on the transport's clock; Infinity when there is none. */
  get nextAt(): number {
    return this.#left > 0 ? this.#runClock.startAt + this.#pacer.next : Number.POSITIVE_INFINITY
  }

  /**
   * Requests of the plan that are due by a time within the run and were not taken up yet. Of random arrivals these are
   * as many as are to be expected: to draw them would take the longer the longer the client stood still.
   */
  dueBy(time: number): number {
    const { startAt, endAt } = this.#runClock
    const until = Math.min(time, endAt)
    if (!(this.nextAt <= until)) return 0
    const later = plannedUntil(this.#pace, until - startAt) - plannedUntil(this.#pace, this.#pacer.next)
    return Math.min(this.#left, 1 + Math.floor(later / this.#workers + roundingMax))
  }

  /** Sends the requests that are due, or lets them wait for a connection. */
  sendDue(now: number): void {
    let at = now
    for (let taken = 0; taken < takenPerWakeMax && this.nextAt <= now; taken++) {
      const intendedAt = this.#takeNext(at)
      const link = this.#takeFreeLink()
      if (link < 0) this.#queue(intendedAt, now)
      else {
        this.#exchange.counters.sendDelay(at - intendedAt, 0)
        const cause = this.#exchange.sendPlanned(link, intendedAt, at)
        // Requests that are due together leave one after the other, each at a time of its own.
        at = this.#transport.now()
        if (cause !== undefined) this.#drop(link, cause, at)
        if (this.#isFree(link)) this.#admission.offer(link)
      }
    }
  }

  /** At the end of the run: requests that were due before it are counted as planned, but are not sent any more. */
  queueDue(endAt: number): void {
    while (this.nextAt < endAt - endToleranceMs) this.#queue(this.#takeNext(endAt), endAt)
  }

  /** Sends the requests that wait for a connection over a link, the oldest first, while it has room. */
  sendWaiting(link: number, now: number): void {
    while (this.#admission.waiting > 0 && this.#isFree(link)) {
      const intendedAt = this.#admission.takeWaiting()
      this.#fields[field.waiting] = this.#admission.waiting
      this.#exchange.counters.sendDelay(0, now - intendedAt)
      const cause = this.#exchange.sendPlanned(link, intendedAt, now)
      if (cause !== undefined) this.#drop(link, cause, now)
    }
    if (this.#isFree(link)) this.#admission.offer(link)
  }

  /** Counts the ages at `endAt` of the requests that never got a connection. */
  censorWaiting(endAt: number): void {
    while (this.#admission.waiting > 0) this.#exchange.counters.censoredAge(endAt - this.#admission.takeWaiting())
  }

  /** Takes the next request of the plan: its intended time. */
  #takeNext(now: number): number {
    const intendedAt = this.nextAt
    this.#left--
    this.#pacer.advance()
    this.#exchange.counters.planned()
    this.#arrivals?.add(now)
    return intendedAt
  }

  #queue(intendedAt: number, now: number): void {
    const hasRoom = this.#admission.wait(intendedAt)
    this.#fields[field.waiting] = this.#admission.waiting
    if (hasRoom) return
    this.#exchange.counters.failureWithoutRequest('dropped')
    this.#exchange.counters.censoredAge(now - intendedAt)
  }

  /** A link that is open and has room, or -1. */
  #takeFreeLink(): number {
    let link = this.#admission.takeLink()
    while (link >= 0 && !this.#isFree(link)) link = this.#admission.takeLink()
    return link
  }

  #isFree(link: number): boolean {
    return this.#connections.phase[link] === linkPhase.sending && this.#exchange.hasRoom(link)
  }
}
