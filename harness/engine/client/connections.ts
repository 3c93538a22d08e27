import type { FailureKind } from '../../failures.ts'
import { field, type Slab } from '../../metrics/slab.ts'
import type { WorkerPlan } from '../../plan/plan.ts'
import type { Prng } from '../../prng.ts'
import type { Transport } from '../../transports/transport.ts'
import type { Availability } from './availability.ts'
import type { DueTimes } from './due.ts'

/** Connects that one worker has under way at a time. */
const connectsUnderWayMax = 256

/** What a link is doing: `ready` is open before the run has started, `retired` is closed permanently. */
export const linkPhase = { closed: 0, connecting: 1, handshaking: 2, ready: 3, sending: 4, retired: 5 } as const

export interface ConnectionsOptions {
  readonly slab: Slab
  readonly transport: Transport
  readonly due: DueTimes
  readonly prng: Prng
  readonly availability: Availability
}

/**
 * When each link is opened, and whether and when it is opened again. A bounded number of connects is under way at a
 * time and the rest wait their turn; after a failure the scenario's rule holds, with a backoff that grows up to a
 * bound.
 */
export class Connections {
  /** By link: one of `linkPhase`. */
  readonly phase: Uint8Array
  /** By link: when its connect or handshake began. */
  readonly beganAt: Float64Array
  /** Links that are closed permanently. */
  retired = 0
  /** Links whose first attempt to open has neither succeeded nor failed yet. */
  firstAttemptsPending: number
  readonly #fields: Int32Array
  readonly #availability: Availability
  readonly #transport: Transport
  readonly #due: DueTimes
  readonly #prng: Prng
  readonly #reconnect: WorkerPlan['reconnect']
  readonly #once: boolean
  readonly #overUdp: boolean
  readonly #backoffMinMs: number
  readonly #backoffMaxMs: number
  readonly #attemptsMax: number
  /** The links below this one send; those that only listen are in no service. */
  readonly #speakingLinks: number
  #retiredSpeakers = 0
  /** By link: failures since a request was last answered. */
  readonly #failures: Uint8Array
  /** By link: how often in a row it could not be opened, or its handshake failed. Empty where that may go on for ever. */
  readonly #attempts: Uint16Array
  readonly #hasTried: Uint8Array
  /** Links that wait for their turn to connect: a ring. */
  readonly #queue: Int32Array
  #queueHead = 0
  #queueLength: number
  #connecting = 0
  /** The links below this one were opened, or wait for it; a ramp raises it. */
  #openedUpTo: number

  constructor(plan: WorkerPlan, { slab, transport, due, prng, availability }: ConnectionsOptions) {
    const { connections } = plan
    this.#fields = slab.fields
    this.#availability = availability
    this.#transport = transport
    this.#due = due
    this.#prng = prng
    this.#reconnect = plan.reconnect
    this.#once = plan.mode === 'once'
    this.#overUdp = plan.address.scheme === 'udp'
    this.#backoffMinMs = plan.backoffMinMs
    this.#backoffMaxMs = plan.backoffMaxMs
    this.#attemptsMax = plan.attempts ?? Number.POSITIVE_INFINITY
    this.#speakingLinks = plan.speakingLinks
    this.phase = new Uint8Array(connections)
    this.beganAt = new Float64Array(connections)
    // With a ramp, connections are opened only when they are needed.
    const atStart = plan.ramp === undefined ? connections : 0
    this.firstAttemptsPending = atStart
    this.#failures = new Uint8Array(connections)
    this.#attempts = new Uint16Array(plan.attempts === undefined ? 0 : connections)
    this.#hasTried = new Uint8Array(connections)
    this.#queue = Int32Array.from({ length: connections }, (_, link) => link)
    this.#queueLength = atStart
    this.#openedUpTo = atStart
    this.#fields[field.linksInService] = Math.min(atStart, plan.speakingLinks)
    this.#fields[field.opening] = atStart
  }

  /** Whether every link that sends is closed permanently. */
  get isSilent(): boolean {
    return this.#retiredSpeakers === this.#speakingLinks
  }

  /** Starts as many of the waiting connects as may be under way. */
  connectNext(now: number): void {
    while (this.#queueLength > 0 && this.#connecting < connectsUnderWayMax) {
      const link = this.#queue[this.#queueHead]!
      this.#queueHead = (this.#queueHead + 1) % this.#queue.length
      this.#queueLength--
      this.#connecting++
      this.phase[link] = linkPhase.connecting
      this.beganAt[link] = now
      this.#transport.connect(link)
    }
  }

  /** The transport has connected: the handshake begins. */
  opened(link: number, now: number): void {
    this.#connecting--
    this.phase[link] = linkPhase.handshaking
    this.beganAt[link] = now
  }

  /** The handshake is done: the link may send requests. */
  ready(link: number, now: number): void {
    this.#endFirstAttempt(link)
    this.#availability.ready(link, now)
    this.#fields[field.opening]!--
    this.#fields[field.ready]!++
    this.#attempts[link] = 0
    this.phase[link] = linkPhase.ready
  }

  /**
   * Whether a link whose connection has ended with a reply goes on over a new one. One that ends with its handshake is of
   * no use, and to open one after the other would never end: that is a failure, with its backoff.
   */
  goesOn(link: number): boolean {
    if (this.phase[link] !== linkPhase.sending || this.#reconnect === 'never') return false
    this.resetBackoff(link)
    return true
  }

  /** A request was answered: the next failure waits for the shortest time again. */
  resetBackoff(link: number): void {
    if (this.#failures[link] === 0) return
    this.#failures[link] = 0
    this.#countInService(link, 1)
  }

  /** The link is closed by a failure: opens it again by the scenario's rule. */
  lost(link: number, now: number, cause: FailureKind): void {
    const phase = this.phase[link]
    if (phase === linkPhase.connecting) this.#connecting--
    if (phase === linkPhase.connecting || phase === linkPhase.handshaking) this.#fields[field.opening]!--
    this.#endFirstAttempt(link)
    if (this.#wasLastAttempt(link)) {
      this.#availability.lost(link, now)
      this.#fields[field.givenUp]!++
      this.retire(link)
      return
    }
    const isDatagramLost = (cause === 'timeout' || cause === 'unexpected') && this.#overUdp
    if (!isDatagramLost) this.#availability.lost(link, now)
    if (this.#once || this.#reconnect === 'never') {
      this.retire(link)
      return
    }
    // Over UDP these are signs of a lost or duplicated datagram: the target refused nothing, so there is no backoff.
    if (isDatagramLost) {
      this.reopen(link)
      return
    }
    this.phase[link] = linkPhase.closed
    const failures = this.#failures[link]!
    if (failures === 0) this.#countInService(link, -1)
    if (failures < 30) this.#failures[link] = failures + 1
    // Half of the wait is drawn at random, so that connections lost together do not all come back together.
    const wait = Math.min(this.#backoffMaxMs, this.#backoffMinMs * 2 ** failures)
    const at = now + wait * (0.5 + this.#prng.next32() / 0x2_0000_0000)
    this.#due.set(link, at)
    this.#transport.wakeAt(at)
  }

  /** The server has closed the link while it was idle: opens it again by the scenario's rule, without a backoff. */
  closedIdle(link: number, now: number): void {
    this.#endFirstAttempt(link)
    if (this.#reconnect !== 'never') {
      this.reopen(link)
      return
    }
    this.#availability.lost(link, now)
    this.retire(link)
  }

  /** Opens a closed link when its turn comes. */
  reopen(link: number): void {
    this.phase[link] = linkPhase.closed
    this.#fields[field.opening]!++
    this.#queue[(this.#queueHead + this.#queueLength) % this.#queue.length] = link
    this.#queueLength++
  }

  /** Opens those of the first `links` links that never were. */
  openUpTo(links: number): void {
    for (; this.#openedUpTo < links; this.#openedUpTo++) {
      this.reopen(this.#openedUpTo)
      this.#countInService(this.#openedUpTo, 1)
    }
  }

  /** The link is closed permanently. */
  retire(link: number): void {
    if (this.phase[link] === linkPhase.retired) return
    this.phase[link] = linkPhase.retired
    this.retired++
    if (link < this.#speakingLinks) this.#retiredSpeakers++
    if (this.#failures[link] === 0) this.#countInService(link, -1)
  }

  /** A link that sends has become good for a request, or is none any more. */
  #countInService(link: number, change: 1 | -1): void {
    if (link < this.#speakingLinks) this.#fields[field.linksInService]! += change
  }

  /** Whether a link that is not ready yet has failed once more, and as often in a row as it may. */
  #wasLastAttempt(link: number): boolean {
    const phase = this.phase[link]
    if (phase !== linkPhase.connecting && phase !== linkPhase.handshaking) return false
    this.#attempts[link]!++
    return this.#attempts[link]! >= this.#attemptsMax
  }

  #endFirstAttempt(link: number): void {
    if (this.#hasTried[link] === 1) return
    this.#hasTried[link] = 1
    this.firstAttemptsPending--
  }
}

/** What is counted when a connection fails before it is open. */
export function connectFailure(cause: FailureKind): FailureKind {
  if (cause === 'timeout') return 'connect-timeout'
  return cause === 'reset' || cause === 'closed-early' || cause === 'overflow' ? 'connect-failed' : cause
}

/** What is counted when a connection that was open fails before its handshake is done. */
export function handshakeFailure(cause: FailureKind): FailureKind {
  return cause === 'reset' || cause === 'closed-early' ? 'handshake-closed' : connectFailure(cause)
}
