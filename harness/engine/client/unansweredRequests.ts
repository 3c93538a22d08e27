import type { FailureKind } from '../../failures.ts'
import { roleIndex } from '../../metrics/slab.ts'
import type { PartialFrames } from '../../protocols/partialFrames.ts'
import type { Captures } from './captures.ts'
import type { WorkerCounters } from './counters.ts'
import type { InFlight } from './inflight.ts'
import type { LinkState } from './linkState.ts'
import type { OneWayRequests } from './oneWay.ts'
import type { RequestSequence } from './requestSequence.ts'

/** A connection that has served nothing yet and is closed sooner was not idle: the server does not want it. */
const idleMsMin = 100

/** What is shared with `Exchange`. */
export interface UnansweredRequestsOptions {
  readonly counters: WorkerCounters
  readonly slots: InFlight
  readonly sequence: RequestSequence
  readonly captures: Captures | undefined
  readonly links: LinkState
  readonly partialFrames: PartialFrames
  readonly oneWay: OneWayRequests | undefined
  /** A timeout of a request closes its connection. */
  readonly timeoutBreaks: boolean
}

/** What becomes of requests without a reply: they time out, fail with their connection, or are censored at the end. */
export class UnansweredRequests {
  readonly #counters: WorkerCounters
  readonly #slots: InFlight
  readonly #sequence: RequestSequence
  readonly #captures: Captures | undefined
  readonly #links: LinkState
  readonly #partialFrames: PartialFrames
  readonly #oneWay: OneWayRequests | undefined
  readonly #timeoutBreaks: boolean

  constructor(options: UnansweredRequestsOptions) {
    const { counters, slots, sequence, captures, links, partialFrames, oneWay, timeoutBreaks } = options
    this.#counters = counters
    this.#slots = slots
    this.#sequence = sequence
    this.#captures = captures
    this.#links = links
    this.#partialFrames = partialFrames
    this.#oneWay = oneWay
    this.#timeoutBreaks = timeoutBreaks
  }

  /**
   * Fails the requests sent at or before `sentBefore`. Without ids in the replies the connection has to be closed, as a
   * late reply would be taken for the next one; so has one that was opened for this request. Else the slot is freed.
   */
  timeOut(link: number, sentBefore: number, now: number): FailureKind | undefined {
    const slots = this.#slots
    let slot = slots.nextOverdue(link, sentBefore, 0)
    if (slot >= 0 && this.#timeoutBreaks) return 'timeout'
    for (; slot >= 0; slot = slots.nextOverdue(link, sentBefore, slot + 1)) {
      const step = this.#sequence.stepOfFrame[slots.frame[slot]!]!
      const role = this.#sequence.role[step]!
      if (role === roleIndex.heartbeat) this.#links.heartbeatEnded(link)
      this.#counters.failed(role, 1, 'timeout')
      if (role === roleIndex.request) this.#countFailed(step, now - slots.intendedAt[slot]!)
      slots.expire(link, slot)
      this.missCaptures(link, step)
    }
    return undefined
  }

  /** Fails the requests and heartbeats in flight on a connection that broke while it was in use. */
  fail(link: number, brokenBy: FailureKind, now: number): void {
    // UDP reports a refusal only after a datagram was sent: by then there are requests that fail with the connection.
    const cause = brokenBy === 'connect-refused' ? 'reset' : brokenBy
    for (let slot = this.#nextRequest(link, 0); slot >= 0; slot = this.#nextRequest(link, slot + 1)) {
      this.#countFailed(this.#stepOf(slot), now - this.#slots.intendedAt[slot]!)
    }
    const heartbeats = this.#links.heartbeats[link]!
    const requests = this.#slots.count[link]! - heartbeats
    if (requests > 0) this.#counters.failed(roleIndex.request, requests, cause)
    if (heartbeats > 0) this.#counters.failed(roleIndex.heartbeat, heartbeats, cause)
    // The connection has failed, though no request has: without this, a rate that it holds back would have no cause.
    const oneWay = this.#oneWay?.fail(link, cause) ?? 0
    if (requests + heartbeats + oneWay === 0) this.#counters.failureWithoutRequest(cause)
  }

  /**
   * Whether the server has closed a connection on which nothing was under way, after it had served a request or had been
   * open for a while. Servers do so with connections that they find idle: nothing has failed.
   */
  isIdleClose(link: number, cause: FailureKind, now: number): boolean {
    if (cause !== 'closed-early' && cause !== 'reset') return false
    const isUnderWay = this.#slots.count[link] !== 0 || (this.#oneWay?.waiting[link] ?? 0) > 0
    if (isUnderWay || this.#partialFrames.holds(link)) return false
    // What was sent a moment ago and expects no reply may be lost with the connection.
    if (this.#oneWay?.hasSentSince(link, now - idleMsMin)) return false
    return this.#links.hasServed(link) || this.#links.quietMs(link, now) >= idleMsMin
  }

  /** Fails the message of the handshake that was in flight when the connection broke. */
  failHandshake(link: number, cause: FailureKind): void {
    if (this.#slots.count[link] === 0) this.#counters.failureWithoutRequest(cause)
    else this.#counters.failed(roleIndex.handshake, 1, cause)
  }

  /** Counts the ages of the requests in flight on a link, which are unanswered at the end but have not failed. */
  censor(link: number, now: number): void {
    for (let slot = this.#nextRequest(link, 0); slot >= 0; slot = this.#nextRequest(link, slot + 1)) {
      this.#counters.censoredAge(now - this.#slots.intendedAt[slot]!)
    }
  }

  /** A step has not captured its values: the later ones that need them are skipped, and the next pass begins. */
  missCaptures(link: number, step: number): void {
    if (this.#captures?.has(step)) this.#sequence.skipPass(link)
  }

  /** The next slot of a link, from slot `after` on, that holds a request of the loop; -1 when there is none. */
  #nextRequest(link: number, after: number): number {
    let slot = this.#slots.nextInUse(link, after)
    while (slot >= 0 && this.#roleOf(slot) !== roleIndex.request) slot = this.#slots.nextInUse(link, slot + 1)
    return slot
  }

  #roleOf(slot: number): number {
    return this.#sequence.role[this.#stepOf(slot)]!
  }

  #stepOf(slot: number): number {
    return this.#sequence.stepOfFrame[this.#slots.frame[slot]!]!
  }

  #countFailed(step: number, milliseconds: number): void {
    this.#counters.failedOn(step)
    this.#counters.censoredAge(milliseconds)
    this.#counters.timeToFailure(milliseconds)
  }
}
