import type { FailureKind } from '../../failures.ts'
import { roleIndex } from '../../metrics/slab.ts'
import type { WorkerPlan } from '../../plan/plan.ts'
import type { Protocol } from '../../protocols/protocol.ts'
import { written } from '../../transports/transport.ts'
import type { WorkerCounters } from './counters.ts'
import type { InFlight } from './inflight.ts'
import type { LinkState } from './linkState.ts'
import type { Outgoing } from './outgoing.ts'
import type { RequestSequence } from './requestSequence.ts'

/** What is shared with `Exchange`. */
export interface ConnectionEndingsOptions {
  readonly counters: WorkerCounters
  readonly slots: InFlight
  readonly sequence: RequestSequence
  readonly links: LinkState
  readonly outgoing: Outgoing
}

/** Numbers that `#unserved` has for each request: its frame, and when it was to be sent. */
const numbersPerRequest = 2

/**
 * Connections that end with a reply, as HTTP has them. The server answers none of the requests that were sent behind
 * that reply (RFC 9112, section 9.6): they stay in flight, and are sent again over the next connection of the link.
 * They are counted once, and their response times count from the first time.
 */
export class ConnectionEndings {
  readonly #endsConnection: NonNullable<Protocol['endsConnection']>
  readonly #counters: WorkerCounters
  readonly #slots: InFlight
  readonly #sequence: RequestSequence
  readonly #links: LinkState
  readonly #outgoing: Outgoing
  /** By step: 1 where its request asks the server to close, which a server need not confirm in its reply. */
  readonly #asksToClose: Uint8Array
  /** By link: 1 where a reply has come that ends the connection. */
  readonly #isEnding: Uint8Array
  /** By link: requests to be sent again, the oldest first. Links whose replies end nothing never have one. */
  readonly #unserved: (number[] | undefined)[] = []
  /** Requests of the loop to be sent again, over all links. */
  unservedRequests = 0

  private constructor(
    endsConnection: NonNullable<Protocol['endsConnection']>,
    { bank, connections }: WorkerPlan,
    options: ConnectionEndingsOptions,
  ) {
    this.#endsConnection = endsConnection
    this.#counters = options.counters
    this.#slots = options.slots
    this.#sequence = options.sequence
    this.#links = options.links
    this.#outgoing = options.outgoing
    this.#isEnding = new Uint8Array(connections)
    this.#asksToClose = Uint8Array.from(bank.steps, ({ firstFrame }) => {
      const frame = bank.frames[firstFrame]!
      return endsConnection(frame, 0, frame.length) ? 1 : 0
    })
  }

  /** Undefined where no message of the protocol ends its connection. */
  static of(protocol: Protocol, plan: WorkerPlan, options: ConnectionEndingsOptions): ConnectionEndings | undefined {
    return protocol.endsConnection && new ConnectionEndings(protocol.endsConnection, plan, options)
  }

  /** The reply `bytes[from, end)` to a step has come. */
  replied(link: number, step: number, bytes: Uint8Array, from: number, end: number): void {
    if (this.#endsConnection(bytes, from, end) || this.#asksToClose[step] === 1) this.#isEnding[link] = 1
  }

  /** Whether a reply has ended the connection: what follows it on the connection counts for nothing. */
  isEnding(link: number): boolean {
    return this.#isEnding[link] === 1
  }

  closed(link: number): void {
    this.#isEnding[link] = 0
  }

  /** Takes the requests in flight off a connection that ends, to be sent again; returns whether there are any. */
  withdraw(link: number): boolean {
    const slots = this.#slots
    if (slots.count[link] === 0) return false
    this.#unserved[link] ??= []
    const unserved = this.#unserved[link]
    // Replies come in the order of the requests, so the slots are those of a ring.
    for (let slot = slots.oldest(link); slot >= 0; slot = slots.oldest(link)) {
      const frame = slots.frame[slot]!
      unserved.push(frame, slots.intendedAt[slot]!)
      if (this.#roleOf(frame) === roleIndex.request) this.unservedRequests++
      slots.release(link, slot)
    }
    return true
  }

  /** Sends the requests again that the link's last connection has left. */
  resend(link: number, now: number): FailureKind | undefined {
    const unserved = this.#unserved[link]
    if (unserved === undefined) return undefined
    let isRefused = false
    let at = 0
    for (; at < unserved.length && !isRefused; at += numbersPerRequest) {
      const frame = unserved[at]!
      isRefused = this.#outgoing.sendOne(link, frame, now, unserved[at + 1]!) === written.refused
      const role = this.#roleOf(frame)
      if (role === roleIndex.request) {
        this.unservedRequests--
        this.#links.sent(link, 1)
      } else this.#links.heartbeatSent(link, now, true)
      this.#counters.sent(role, 0, this.#outgoing.takeBytesWritten())
    }
    unserved.splice(0, at)
    return isRefused ? this.#outgoing.takeRefusal() : undefined
  }

  /** No connection was opened for the requests to be sent again: they have failed with the one that ended. */
  fail(link: number, now: number): void {
    const unserved = this.#unserved[link] ?? []
    for (let at = 0; at < unserved.length; at += numbersPerRequest) {
      const role = this.#roleOf(unserved[at]!)
      this.#counters.failed(role, 1, 'closed-early')
      if (role !== roleIndex.request) continue
      this.unservedRequests--
      this.#counters.censoredAge(now - unserved[at + 1]!)
      this.#counters.timeToFailure(now - unserved[at + 1]!)
    }
    unserved.length = 0
  }

  /** Counts the ages at the end of the requests that were not sent again before it. */
  censor(now: number): void {
    for (const unserved of this.#unserved) {
      for (let at = 0; at < (unserved?.length ?? 0); at += numbersPerRequest) {
        if (this.#roleOf(unserved![at]!) === roleIndex.request) this.#counters.censoredAge(now - unserved![at + 1]!)
      }
    }
  }

  #roleOf(frame: number): number {
    return this.#sequence.role[this.#sequence.stepOfFrame[frame]!]!
  }
}
