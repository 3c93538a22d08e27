import type { FailureKind } from '../../failures.ts'
import type { WorkerPlan } from '../../plan/plan.ts'
import type { Prng } from '../../prng.ts'
import type { Transport } from '../../transports/transport.ts'
import type { DueTimes } from './due.ts'

/** Connects that one worker has under way at a time. */
const connectsUnderWayMax = 256

/** What a link is doing. `waiting` is ready before the run has started; `over` is closed for good. */
export const doing = { closed: 0, connecting: 1, handshaking: 2, waiting: 3, sending: 4, over: 5 } as const

/**
 * When each link is opened, and whether and when it is opened again: at most so many connects at a time, the rest wait
 * their turn; after a failure by the scenario's rule, later and later up to a bound.
 */
export class Connections {
  /** By link: one of `doing`. */
  readonly doing: Uint8Array
  /** By link: when its connect or handshake began. */
  readonly beganAt: Float64Array
  /** Links that are closed for good. */
  over = 0
  /** Links that have neither stood nor failed yet. */
  stillOpening: number
  readonly #transport: Transport
  readonly #due: DueTimes
  readonly #prng: Prng
  readonly #reconnect: WorkerPlan['reconnect']
  readonly #once: boolean
  readonly #overUdp: boolean
  readonly #backoffMinMs: number
  readonly #backoffMaxMs: number
  /** By link: failures since a request was last answered. */
  readonly #attempts: Uint8Array
  readonly #hasConcluded: Uint8Array
  /** Links that wait for their turn to connect: a ring. */
  readonly #queue: Int32Array
  #queueHead = 0
  #queueLength: number
  #connecting = 0
  /** Links that were ever to be open; a ramp has more and more of them. */
  #wanted: number

  constructor(plan: WorkerPlan, { transport, due, prng }: { transport: Transport; due: DueTimes; prng: Prng }) {
    const { connections } = plan
    this.#transport = transport
    this.#due = due
    this.#prng = prng
    this.#reconnect = plan.reconnect
    this.#once = plan.mode === 'once'
    this.#overUdp = plan.address.scheme === 'udp'
    this.#backoffMinMs = plan.backoffMinMs
    this.#backoffMaxMs = plan.backoffMaxMs
    this.doing = new Uint8Array(connections)
    this.beganAt = new Float64Array(connections)
    // Of a ramp the connections are opened as they are wanted.
    const atOnce = plan.ramp === undefined ? connections : 0
    this.stillOpening = atOnce
    this.#attempts = new Uint8Array(connections)
    this.#hasConcluded = new Uint8Array(connections)
    this.#queue = Int32Array.from({ length: connections }, (_, link) => link)
    this.#queueLength = atOnce
    this.#wanted = atOnce
  }

  /** Starts as many of the waiting connects as may be under way. */
  connectNext(now: number): void {
    while (this.#queueLength > 0 && this.#connecting < connectsUnderWayMax) {
      const link = this.#queue[this.#queueHead]!
      this.#queueHead = (this.#queueHead + 1) % this.#queue.length
      this.#queueLength--
      this.#connecting++
      this.doing[link] = doing.connecting
      this.beganAt[link] = now
      this.#transport.connect(link)
    }
  }

  /** The transport connected: the handshake begins. */
  opened(link: number, now: number): void {
    this.#connecting--
    this.doing[link] = doing.handshaking
    this.beganAt[link] = now
  }

  /** The link has stood, or failed, for the first time. */
  concludeOpening(link: number): void {
    if (this.#hasConcluded[link] === 1) return
    this.#hasConcluded[link] = 1
    this.stillOpening--
  }

  /** A request was answered: the next failure is a first one. */
  answered(link: number): void {
    this.#attempts[link] = 0
  }

  /** The link is closed, which was not our wish: opens it again by the scenario's rule. */
  lost(link: number, now: number, cause: FailureKind): void {
    if (this.doing[link] === doing.connecting) this.#connecting--
    this.concludeOpening(link)
    if (this.#once || this.#reconnect === 'never') {
      this.retire(link)
      return
    }
    // Over UDP that is how a lost or doubled datagram looks: nobody has refused us, and the next socket waits for nothing.
    if ((cause === 'timeout' || cause === 'unexpected') && this.#overUdp) {
      this.renew(link)
      return
    }
    this.doing[link] = doing.closed
    const attempt = this.#attempts[link]!
    if (attempt < 30) this.#attempts[link] = attempt + 1
    // Half of the wait is drawn at random, so that connections lost together do not all come back together.
    const wait = Math.min(this.#backoffMaxMs, this.#backoffMinMs * 2 ** attempt)
    const at = now + wait * (0.5 + this.#prng.next32() / 0x2_0000_0000)
    this.#due.set(link, at)
    this.#transport.wakeAt(at)
  }

  /** The link was closed by us and is to be opened again: in its turn. */
  renew(link: number): void {
    this.doing[link] = doing.closed
    this.#queue[(this.#queueHead + this.#queueLength) % this.#queue.length] = link
    this.#queueLength++
  }

  /** Opens the first so many links, as far as they never were. */
  openUpTo(links: number): void {
    for (; this.#wanted < links; this.#wanted++) this.renew(this.#wanted)
  }

  /** The link is closed for good. */
  retire(link: number): void {
    if (this.doing[link] === doing.over) return
    this.doing[link] = doing.over
    this.over++
  }
}

/** What is counted when a connection fails before it is of use. */
export function connectFailure(cause: FailureKind): FailureKind {
  if (cause === 'timeout') return 'connect-timeout'
  return cause === 'reset' || cause === 'closed-early' || cause === 'overflow' ? 'connect-failed' : cause
}
