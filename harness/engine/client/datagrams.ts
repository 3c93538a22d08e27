import type { WorkerPlan } from '../../plan/plan.ts'
import type { RequestId } from '../../protocols/protocol.ts'
import { type InFlight, KeyedInFlight, OrderedInFlight } from './inflight.ts'

/** The slots for a plan, `depth` of them for each link. Replies find their request by their order or by their id. */
export function createInFlight(
  { connections, pace, address }: WorkerPlan,
  depth: number,
  requestId: RequestId | undefined,
): InFlight {
  const isPaced = pace !== undefined
  if (requestId === undefined) return new OrderedInFlight(connections, depth, isPaced)
  const Keyed = address.scheme === 'udp' ? DatagramInFlight : KeyedInFlight
  return new Keyed(connections, depth, requestId, isPaced)
}

/** Requests in flight over UDP, by id: also finds which replies overtook others, and which came a second time. */
export class DatagramInFlight extends KeyedInFlight {
  /** By slot: how many of its ids were used, the last of them, and the number of its request among those of its link. */
  readonly #uses: Uint32Array
  readonly #lastId: Uint32Array
  readonly #order: Float64Array
  /** By link: requests sent, and the number of the latest one that is answered. */
  readonly #sent: Float64Array
  readonly #latestAnswered: Float64Array

  constructor(links: number, depth: number, requestId: RequestId, isPaced = false) {
    super(links, depth, requestId, isPaced)
    const slots = links * this.capacity
    this.#uses = new Uint32Array(slots)
    this.#lastId = this.id.slice()
    this.#order = new Float64Array(slots)
    this.#sent = new Float64Array(links)
    this.#latestAnswered = new Float64Array(links)
  }

  override take(link: number, frame: number, now: number, intendedAt: number = now): number {
    const slot = super.take(link, frame, now, intendedAt)
    // More than one where ids were left out, because late replies with them may come: they were used before.
    this.#uses[slot]! += Math.max(1, this.distance(this.#lastId[slot]!, this.id[slot]!) / this.stride)
    this.#lastId[slot] = this.id[slot]!
    this.#sent[link]!++
    this.#order[slot] = this.#sent[link]!
    return slot
  }

  /**
   * Whether the reply to a later request of the link came before the slot's reply; called once for each reply. This is
   * reordering as RFC 4737 defines it: behind a lost datagram nothing is out of order.
   */
  isReordered(link: number, slot: number): boolean {
    const order = this.#order[slot]!
    if (order < this.#latestAnswered[link]!) return true
    this.#latestAnswered[link] = order
    return false
  }

  /** Whether the reply in `bytes[from, end)`, which no request waits for and which is not late, came before. */
  isDuplicate(link: number, bytes: Uint8Array, from: number, end: number): boolean {
    const id = this.requestId.read(bytes, from, end) >>> 0
    if (!this.isOwn(id)) return false
    const slot = this.slotOf(link, id)
    // The id of a slot grows by the stride with each use: this says how many uses ago it had this id, if ever.
    return this.distance(id, this.id[slot]!) / this.stride < this.#uses[slot]!
  }
}
