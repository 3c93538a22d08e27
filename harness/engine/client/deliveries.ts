import { roleIndex } from '../../metrics/slab.ts'
import type { WorkerPlan } from '../../plan/plan.ts'
import type { Protocol } from '../../protocols/protocol.ts'
import type { WorkerCounters } from './counters.ts'

/** After the end: when nothing has come in for this long, no more deliveries are expected. */
const quietMs = 250
const stampDigits = 16
/** A number that is this far from the client's clock is not the time at which the message was sent. */
const stampAgeMsMax = 100_000
const zero = 0x30
/** What a frame is instead of a new delivery. */
const reply = -1
const more = -2

type DeliveringProtocol = Pick<Protocol, 'continues' | 'isUpgraded'> & Required<Pick<Protocol, 'delivery'>>

function delivers(protocol: Protocol): protocol is Protocol & DeliveringProtocol {
  return protocol.delivery !== undefined
}

/**
 * Messages of a server that answer no request, such as those of other clients: which frames they are, how long they
 * took by the stamp in them, and when no more are expected.
 */
export class Deliveries {
  readonly #find: NonNullable<Protocol['delivery']>
  /** Absent where every delivery has an end. */
  readonly #continues: Protocol['continues']
  /** By link: 1 where the last frame was of a delivery, so that more of it may come. */
  readonly #mayContinue: Uint8Array
  readonly #counters: WorkerCounters
  readonly #epochOffsetMs: number
  /** The first message of a connection is its upgrade, which nobody else gets. */
  readonly #isUpgraded: boolean
  /** Messages carry the time at which they were sent. */
  readonly #hasStamps: boolean
  /** No other worker sends messages that this one receives. */
  readonly #isOnlyWorker: boolean
  /** By link: 1 while nothing has come in since it opened, so that the server may not have accepted it yet. */
  readonly #isUnconfirmed: Uint8Array
  /** How many links are unconfirmed. */
  #unconfirmed = 0
  #receivedAt = Number.NEGATIVE_INFINITY
  #isDraining = false

  private constructor(
    { delivery, continues, isUpgraded }: DeliveringProtocol,
    plan: WorkerPlan,
    counters: WorkerCounters,
    epochOffsetMs: number,
  ) {
    this.#find = delivery
    this.#isUpgraded = isUpgraded === true
    this.#continues = continues
    this.#mayContinue = new Uint8Array(plan.connections)
    this.#counters = counters
    this.#epochOffsetMs = epochOffsetMs
    this.#hasStamps = plan.bank.patches.some(patches => patches.some(({ kind }) => kind === 'stamp'))
    this.#isOnlyWorker = plan.workers === 1
    this.#isUnconfirmed = new Uint8Array(plan.connections)
  }

  /** Undefined where the protocol has no deliveries. */
  static of(
    protocol: Protocol,
    plan: WorkerPlan,
    counters: WorkerCounters,
    epochOffsetMs: number,
  ): Deliveries | undefined {
    return delivers(protocol) ? new Deliveries(protocol, plan, counters, epochOffsetMs) : undefined
  }

  opened(link: number): void {
    if (this.#isUnconfirmed[link] === 0) this.#unconfirmed++
    this.#isUnconfirmed[link] = 1
    this.#mayContinue[link] = 0
  }

  closed(link: number): void {
    if (this.#isUnconfirmed[link] === 1) this.#unconfirmed--
    this.#isUnconfirmed[link] = 0
  }

  /** Notes that something came in on a link, which shows that the server has accepted it. */
  received(link: number, now: number): void {
    this.#receivedAt = now
    if (this.#unconfirmed > 0) this.closed(link)
  }

  /** Counts messages that were sent as possibly missed by each link that the server may not have accepted yet. */
  sent(role: number, messages: number): void {
    if (this.#isUpgraded && role === roleIndex.handshake) return
    if (this.#unconfirmed > 0) this.#counters.possiblyMissedDeliveries(messages * this.#unconfirmed)
  }

  /** Counts the whole frame `bytes[from, end)` if it is a delivery or more of one; false if it is a reply. */
  take(link: number, bytes: Uint8Array, from: number, end: number, now: number): boolean {
    const textAt = this.#textAt(link, bytes, from, end)
    if (textAt < 0) return textAt === more
    this.#counters.delivery()
    if (this.#hasStamps) this.#time(bytes, textAt, end, (now + this.#epochOffsetMs) * 1000)
    return true
  }

  /** The same after the end, when deliveries are counted apart. */
  takeAfterEnd(link: number, bytes: Uint8Array, from: number, end: number, now: number): boolean {
    const textAt = this.#textAt(link, bytes, from, end)
    if (textAt < 0) return textAt === more
    this.#counters.deliveryAfterEnd()
    if (this.#hasStamps) this.#time(bytes, textAt, end, (now + this.#epochOffsetMs) * 1000)
    return true
  }

  /**
   * Called after the end: when to close the links or to ask again. Infinity with several workers, as this one does not
   * know whether the others still send. While requests are in flight it is never quiet. Whether it was quiet at the
   * last call is kept in the counters.
   */
  quietAt(now: number, hasInFlight: boolean): number {
    // Quiet counts from the end.
    if (!this.#isDraining) this.#receivedAt = now
    this.#isDraining = true
    const quietAt = (hasInFlight ? now : this.#receivedAt) + quietMs
    this.#counters.setDeliveriesCut(now < quietAt)
    return this.#isOnlyWorker ? quietAt : Number.POSITIVE_INFINITY
  }

  /** Where the text of a delivery begins in a frame; `reply` where it is none, and `more` where it was counted before. */
  #textAt(link: number, bytes: Uint8Array, from: number, end: number): number {
    const textAt = this.#find(bytes, from, end)
    if (this.#continues === undefined) return textAt
    const isMore = textAt >= 0 && this.#continues(bytes, from, end)
    // With no delivery before it, it is no text of this protocol at all.
    if (isMore && this.#mayContinue[link] === 0) return reply
    this.#mayContinue[link] = textAt >= 0 ? 1 : 0
    if (!isMore) return textAt
    this.#counters.deliveryPiece()
    return more
  }

  /** The latency by the stamp, `{{stamp}}` in the text: a number of its width that is about now, in microseconds. */
  #time(bytes: Uint8Array, from: number, end: number, nowMicros: number): void {
    // Behind a stamp that ends a bare text the digits of the next address may have come already.
    const isBare = this.#continues !== undefined
    let digits = 0
    let value = 0
    for (let at = from; at <= end; at++) {
      const digit = at < end ? bytes[at]! - zero : -1
      const isDigit = digit >= 0 && digit <= 9
      if (digits === stampDigits && (isBare || !isDigit)) {
        const ageMs = (nowMicros - value) / 1000
        if (Math.abs(ageMs) < stampAgeMsMax) {
          this.#counters.deliveryTime(ageMs)
          return
        }
      }
      digits = isDigit ? digits + 1 : 0
      value = isDigit ? value * 10 + digit : 0
    }
  }
}
