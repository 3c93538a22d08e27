import type { FailureKind } from '../../failures.ts'
import { roleIndex } from '../../metrics/slab.ts'
import type { Captures } from './captures.ts'
import type { WorkerCounters } from './counters.ts'
import type { InFlight } from './inflight.ts'
import type { LinkState } from './linkState.ts'
import type { RequestSequence } from './requestSequence.ts'

/** What `Exchange` knows and shares. */
export interface UnansweredRequestsOptions {
  readonly counters: WorkerCounters
  readonly slots: InFlight
  readonly sequence: RequestSequence
  readonly captures: Captures | undefined
  readonly links: LinkState
  /** A request without a reply in time takes its connection with it. */
  readonly timeoutBreaks: boolean
}

/** What becomes of requests that get no reply: they time out, break with their connection, or are given up at the end. */
export class UnansweredRequests {
  readonly #counters: WorkerCounters
  readonly #slots: InFlight
  readonly #sequence: RequestSequence
  readonly #captures: Captures | undefined
  readonly #links: LinkState
  readonly #timeoutBreaks: boolean

  constructor({ counters, slots, sequence, captures, links, timeoutBreaks }: UnansweredRequestsOptions) {
    this.#counters = counters
    this.#slots = slots
    this.#sequence = sequence
    this.#captures = captures
    this.#links = links
    this.#timeoutBreaks = timeoutBreaks
  }

  /**
   * Fails what was sent at or before `lateSince`. Where replies come in order the connection is of no more use: a late
   * reply would be taken for the next one; nor is one that was opened for this request. Else the slot is freed.
   */
  timeOut(link: number, lateSince: number, now: number): FailureKind | undefined {
    const slots = this.#slots
    let slot = slots.overdue(link, lateSince, 0)
    if (slot >= 0 && this.#timeoutBreaks) return 'timeout'
    for (; slot >= 0; slot = slots.overdue(link, lateSince, slot + 1)) {
      const step = this.#sequence.stepOfFrame[slots.frame[slot]!]!
      const role = this.#sequence.role[step]!
      if (role === roleIndex.heartbeat) this.#links.heartbeatEnded(link)
      this.#counters.failed(role, 1, 'timeout')
      if (role === roleIndex.request) this.#countFailed(now - slots.intendedAt[slot]!)
      slots.expire(link, slot)
      this.missCaptures(link, step)
    }
    return undefined
  }

  /** Fails what is in flight on a connection that broke while it was in use. */
  fail(link: number, brokenBy: FailureKind, now: number): void {
    // Over UDP a refusal is reported only once a datagram was sent, and there are requests that fail by it.
    const cause = brokenBy === 'connect-refused' ? 'reset' : brokenBy
    for (let slot = this.#nextRequest(link, 0); slot >= 0; slot = this.#nextRequest(link, slot + 1)) {
      this.#countFailed(now - this.#slots.intendedAt[slot]!)
    }
    const heartbeats = this.#links.heartbeats[link]!
    const requests = this.#slots.count[link]! - heartbeats
    if (requests > 0) this.#counters.failed(roleIndex.request, requests, cause)
    if (heartbeats > 0) this.#counters.failed(roleIndex.heartbeat, heartbeats, cause)
    // A connection that broke without having served anything has failed, though no request has.
    if (requests + heartbeats === 0 && !this.#links.hasServed(link)) this.#counters.failureWithoutRequest(cause)
  }

  /** Fails the message of the handshake that a connection broke at. */
  failHandshake(link: number, cause: FailureKind): void {
    if (this.#slots.count[link] === 0) this.#counters.failureWithoutRequest(cause)
    else this.#counters.failed(roleIndex.handshake, 1, cause)
  }

  /** Counts the ages of the requests in flight on a link, which stay unanswered but have not failed. */
  censor(link: number, now: number): void {
    for (let slot = this.#nextRequest(link, 0); slot >= 0; slot = this.#nextRequest(link, slot + 1)) {
      this.#counters.censoredAge(now - this.#slots.intendedAt[slot]!)
    }
  }

  /** Without what a step was to capture, those behind it are not sent: the next pass begins. */
  missCaptures(link: number, step: number): void {
    if (this.#captures?.has(step)) this.#sequence.giveUpPass(link)
  }

  /** The next slot of a link, from slot `after` on, that holds a request of the loop; -1 when there is none. */
  #nextRequest(link: number, after: number): number {
    let slot = this.#slots.inUse(link, after)
    while (slot >= 0 && this.#roleOf(slot) !== roleIndex.request) slot = this.#slots.inUse(link, slot + 1)
    return slot
  }

  #roleOf(slot: number): number {
    return this.#sequence.role[this.#sequence.stepOfFrame[this.#slots.frame[slot]!]!]!
  }

  #countFailed(milliseconds: number): void {
    this.#counters.censoredAge(milliseconds)
    this.#counters.timeToFailure(milliseconds)
  }
}
