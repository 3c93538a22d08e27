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
      if (role === roleIndex.request) this.#count(now - slots.intendedAt[slot]!, true)
      slots.expire(link, slot)
      this.missCaptures(link, step)
    }
    return undefined
  }

  /** Fails what is in flight on a connection that broke while it was in use. */
  fail(link: number, brokenBy: FailureKind, now: number): void {
    // Over UDP it is told only now that nobody listens, and there are requests that fail by it.
    const cause = brokenBy === 'connect-refused' ? 'reset' : brokenBy
    this.censor(link, now, true)
    const heartbeats = this.#links.heartbeats[link]!
    const requests = this.#slots.count[link]! - heartbeats
    if (requests > 0) this.#counters.failed(roleIndex.request, requests, cause)
    if (heartbeats > 0) this.#counters.failed(roleIndex.heartbeat, heartbeats, cause)
    // A connection that broke without having served anything has failed, though no request has.
    if (requests + heartbeats === 0 && !this.#links.hasServed(link)) this.#counters.failedWithoutRequest(cause)
  }

  /** Fails the message of the handshake that a connection broke at. */
  failHandshake(link: number, cause: FailureKind): void {
    if (this.#slots.count[link] === 0) this.#counters.failedWithoutRequest(cause)
    else this.#counters.failed(roleIndex.handshake, 1, cause)
  }

  /** Counts how long the requests in flight on a link have gone without an answer, and whether they have failed with it. */
  censor(link: number, now: number, haveFailed = false): void {
    const slots = this.#slots
    for (let slot = slots.inUse(link, 0); slot >= 0; slot = slots.inUse(link, slot + 1)) {
      const role = this.#sequence.role[this.#sequence.stepOfFrame[slots.frame[slot]!]!]!
      if (role === roleIndex.request) this.#count(now - slots.intendedAt[slot]!, haveFailed)
    }
  }

  /** Without what a step was to capture, those behind it are not sent: the next pass begins. */
  missCaptures(link: number, step: number): void {
    if (this.#captures?.has(step)) this.#sequence.giveUpPass(link)
  }

  #count(milliseconds: number, hasFailed: boolean): void {
    this.#counters.censored(milliseconds)
    if (hasFailed) this.#counters.failedAfter(milliseconds)
  }
}
