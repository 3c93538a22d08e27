import type { WorkerPlan } from '../../plan/plan.ts'
import type { Protocol } from '../../protocols/protocol.ts'
import type { WorkerCounters } from './counters.ts'

/** After the end: for how long nothing may come in for everything to be held to be in. */
const quietMs = 250
const stampDigits = 16
/** A number that is this far from our clock is not the time at which the message was sent. */
const stampAgeMsMax = 100_000
const zero = 0x30

/**
 * What a server sends that answers no request, such as the messages of other clients: which frames those are, how long they
 * took by the stamp in them, and when no more are to be expected.
 */
export class Deliveries {
  readonly #find: NonNullable<Protocol['delivery']>
  readonly #counters: WorkerCounters
  readonly #epochOffsetMs: number
  /** Messages are sent with the time they were sent at. */
  readonly #hasStamps: boolean
  /** Nobody else sends who could still be heard of. */
  readonly #isAlone: boolean
  /** By link: opened, and nothing has come in on it yet, so that the server may not have taken it. */
  readonly #isUnknown: Uint8Array
  #unknown = 0
  #heardAt = Number.NEGATIVE_INFINITY
  #isDraining = false

  private constructor(
    find: NonNullable<Protocol['delivery']>,
    plan: WorkerPlan,
    counters: WorkerCounters,
    epochOffsetMs: number,
  ) {
    this.#find = find
    this.#counters = counters
    this.#epochOffsetMs = epochOffsetMs
    this.#hasStamps = plan.bank.patches.some(patches => patches.some(({ kind }) => kind === 'stamp'))
    this.#isAlone = plan.workers === 1
    this.#isUnknown = new Uint8Array(plan.connections)
  }

  /** Undefined where the protocol has no deliveries. */
  static of(
    protocol: Protocol,
    plan: WorkerPlan,
    counters: WorkerCounters,
    epochOffsetMs: number,
  ): Deliveries | undefined {
    return protocol.delivery && new Deliveries(protocol.delivery, plan, counters, epochOffsetMs)
  }

  opened(link: number): void {
    if (this.#isUnknown[link] === 0) this.#unknown++
    this.#isUnknown[link] = 1
  }

  closed(link: number): void {
    if (this.#isUnknown[link] === 1) this.#unknown--
    this.#isUnknown[link] = 0
  }

  /** Something came in on a link. */
  heard(link: number, now: number): void {
    this.#heardAt = now
    if (this.#unknown > 0) this.closed(link)
  }

  /** Messages were sent, which a link that the server has not taken yet may miss. */
  sent(messages: number): void {
    if (this.#unknown > 0) this.#counters.possiblyMissedDeliveries(messages * this.#unknown)
  }

  /** Counts the whole frame `bytes[from, end)` if it is a delivery; false if it is a reply. */
  take(bytes: Uint8Array, from: number, end: number, now: number): boolean {
    const textAt = this.#find(bytes, from, end)
    if (textAt < 0) return false
    this.#counters.delivery()
    if (this.#hasStamps) this.#time(bytes, textAt, end, (now + this.#epochOffsetMs) * 1000)
    return true
  }

  /** The same after the end, when deliveries are counted apart. */
  takeAfterEnd(bytes: Uint8Array, from: number, end: number, now: number): boolean {
    const textAt = this.#find(bytes, from, end)
    if (textAt < 0) return false
    this.#counters.deliveryAfterEnd()
    if (this.#hasStamps) this.#time(bytes, textAt, end, (now + this.#epochOffsetMs) * 1000)
    return true
  }

  /**
   * Called after the end: when to leave or to look again, or Infinity where others may still send whom we know nothing of. While
   * replies are awaited it is not yet time. The books have it whether it was quiet at the last look.
   */
  quietAt(now: number, isAwaiting: boolean): number {
    // Quiet before the end is not what is waited for.
    if (!this.#isDraining) this.#heardAt = now
    this.#isDraining = true
    const quietAt = (isAwaiting ? now : this.#heardAt) + quietMs
    this.#counters.setDeliveriesCut(now < quietAt)
    return this.#isAlone ? quietAt : Number.POSITIVE_INFINITY
  }

  /** The latency by the stamp, `{{stamp}}` in the text: a number of its width that is about now, in microseconds. */
  #time(bytes: Uint8Array, from: number, end: number, nowMicros: number): void {
    let digits = 0
    let value = 0
    for (let at = from; at < end; at++) {
      const digit = bytes[at]! - zero
      if (digit >= 0 && digit <= 9) {
        digits++
        value = value * 10 + digit
        continue
      }
      if (digits === stampDigits) {
        const ageMs = (nowMicros - value) / 1000
        if (Math.abs(ageMs) < stampAgeMsMax) {
          this.#counters.deliveryTime(ageMs)
          return
        }
      }
      digits = 0
      value = 0
    }
  }
}
