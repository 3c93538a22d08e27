import { assert } from '../../errors.ts'
import type { RequestId } from '../../protocols/protocol.ts'

/**
 * The requests in flight, in slots: `capacity` of them for each link, a power of two. What a reply needs of its request
 * is in flat arrays, indexed by slot, where slot = link * capacity + place.
 */
export interface InFlight {
  readonly capacity: number
  /** By slot: which frame was sent, -1 in a free slot of `KeyedInFlight`. */
  readonly frame: Int32Array
  /** By slot: when it was sent. */
  readonly sentAt: Float64Array
  /** By slot: in mode rate when it was to be sent; else the same array as `sentAt`. */
  readonly intendedAt: Float64Array
  /** By link: slots in use. */
  readonly count: Int32Array
  /** Takes a free slot; the caller ensures that there is one. */
  take(link: number, frame: number, now: number, intendedAt?: number): number
  /** The slot of the request that the reply in `bytes[from, end)` answers, or -1. */
  find(link: number, bytes: Uint8Array, from: number, end: number): number
  release(link: number, slot: number): void
  /** Frees the slot of a request that has timed out; if its reply still comes, it is late. */
  expire(link: number, slot: number): void
  /** Whether the reply in `bytes[from, end)`, for which `find` has found no request, is late; true once for each. */
  takeLate(link: number, bytes: Uint8Array, from: number, end: number): boolean
  /** The slot of the request that was sent first, where replies come sequentially; -1 without one, and with ids. */
  oldest(link: number): number
  /** The next slot of a link, from slot `after` on, whose request was sent at or before `time`, or -1. */
  nextOverdue(link: number, time: number, after: number): number
  /** The next slot in use of a link, from slot `after` on, or -1. */
  nextInUse(link: number, after: number): number
  /** Frees all slots of a link. */
  clear(link: number): void
  /** Writes the id of the slot into the request at `from`; nothing without ids. */
  writeId(slot: number, bytes: Uint8Array, from: number): void
}

/** Replies come in the order of the requests: the slots of a link are a ring. */
export class OrderedInFlight implements InFlight {
  readonly capacity: number
  readonly frame: Int32Array
  readonly sentAt: Float64Array
  readonly intendedAt: Float64Array
  readonly count: Int32Array
  readonly #head: Int32Array
  readonly #mask: number

  constructor(links: number, depth: number, isPaced = false) {
    this.capacity = nextPowerOfTwo(depth)
    this.#mask = this.capacity - 1
    this.frame = new Int32Array(links * this.capacity)
    this.sentAt = new Float64Array(links * this.capacity)
    this.intendedAt = isPaced ? new Float64Array(links * this.capacity) : this.sentAt
    this.count = new Int32Array(links)
    this.#head = new Int32Array(links)
  }

  take(link: number, frame: number, now: number, intendedAt: number = now): number {
    const slot = link * this.capacity + ((this.#head[link]! + this.count[link]!++) & this.#mask)
    this.frame[slot] = frame
    this.sentAt[slot] = now
    this.intendedAt[slot] = intendedAt
    return slot
  }

  find(link: number): number {
    return this.oldest(link)
  }

  release(link: number): void {
    this.#head[link] = (this.#head[link]! + 1) & this.#mask
    this.count[link]!--
  }

  /** Without ids a late reply looks like the next one: the caller closes the connection, so that none is taken. */
  expire(link: number): void {
    this.release(link)
  }

  takeLate(): boolean {
    return false
  }

  oldest(link: number): number {
    return this.count[link] === 0 ? -1 : link * this.capacity + this.#head[link]!
  }

  nextOverdue(link: number, time: number): number {
    const slot = this.oldest(link)
    return slot >= 0 && this.sentAt[slot]! <= time ? slot : -1
  }

  nextInUse(link: number, after: number): number {
    const base = link * this.capacity
    for (let slot = Math.max(base, after); slot < base + this.capacity; slot++) {
      if (((slot - base - this.#head[link]!) & this.#mask) < this.count[link]!) return slot
    }
    return -1
  }

  clear(link: number): void {
    this.count[link] = 0
    this.#head[link] = 0
  }

  writeId(): void {}
}

/** With fewer numbers for each place than this, the range of ids counts as small. */
const numbersMin = 1024

/**
 * Replies come in any order. The id of a request is its place, and a number which changes with each use of the place, so
 * that finding a reply's request is one array read and a late reply to a freed slot is known as such: the id is place +
 * number * stride, in 1..period, and when the numbers of a place are used up they begin again.
 */
export class KeyedInFlight implements InFlight {
  readonly capacity: number
  readonly frame: Int32Array
  readonly sentAt: Float64Array
  readonly intendedAt: Float64Array
  readonly count: Int32Array
  /** By slot: the id of the last request that took it. */
  protected readonly id: Uint32Array
  protected readonly requestId: RequestId
  /** From one id of a place to its next, and the largest of all ids, a multiple of it. */
  protected readonly stride: number
  protected readonly period: number
  /** Finds the place of an id where the stride is a power of two; else -1. */
  readonly #placeMask: number
  readonly #free: Int32Array
  /** By slot: requests that have timed out and whose replies may still come, and the ids of the first and the last. */
  readonly #expired: Uint32Array
  readonly #firstExpired: Uint32Array
  readonly #lastExpired: Uint32Array
  /** By link: the sum of `#expired`. */
  readonly #expiredOnLink: Float64Array

  constructor(links: number, depth: number, requestId: RequestId, isPaced = false) {
    this.capacity = nextPowerOfTwo(depth)
    const slots = links * this.capacity
    this.frame = new Int32Array(slots).fill(-1)
    this.sentAt = new Float64Array(slots)
    this.intendedAt = isPaced ? new Float64Array(slots) : this.sentAt
    this.count = new Int32Array(links)
    this.requestId = requestId
    assert(requestId.max >= depth, `${depth} requests in flight have ids up to ${requestId.max}`)
    // A power of two saves each reply a division. It leaves up to half of the ids unused, which a small range cannot spare.
    const isWide = requestId.max >= numbersMin * this.capacity
    this.stride = isWide ? this.capacity : depth
    this.#placeMask = isWide ? this.capacity - 1 : -1
    this.period = requestId.max - (requestId.max % this.stride)
    this.id = Uint32Array.from({ length: slots }, (_, slot) => slot % this.capacity)
    this.#free = Int32Array.from(this.id)
    this.#expired = new Uint32Array(slots)
    this.#firstExpired = new Uint32Array(slots)
    this.#lastExpired = new Uint32Array(slots)
    this.#expiredOnLink = new Float64Array(links)
  }

  take(link: number, frame: number, now: number, intendedAt: number = now): number {
    const base = link * this.capacity
    const slot = base + this.#free[base + this.count[link]!++]!
    const next = this.#idAfter(this.id[slot]!)
    this.id[slot] = this.#expired[slot] === 0 ? next : this.#idBesideExpired(slot, next)
    this.frame[slot] = frame
    this.sentAt[slot] = now
    this.intendedAt[slot] = intendedAt
    return slot
  }

  find(link: number, bytes: Uint8Array, from: number, end: number): number {
    const id = this.requestId.read(bytes, from, end) >>> 0
    const slot = this.slotOf(link, id)
    return this.frame[slot]! >= 0 && this.id[slot] === id ? slot : -1
  }

  /** The slot of a link to which an id belongs; any slot of it for an id that no request has. */
  protected slotOf(link: number, id: number): number {
    return link * this.capacity + (this.#placeMask >= 0 ? id & this.#placeMask : id % this.stride)
  }

  #idAfter(id: number): number {
    const next = id + this.stride
    return next > this.period ? next - this.period : next
  }

  /**
   * An id for a slot to which late replies may come: `next`, or the first behind those that are awaited, so that none of
   * them is taken for the reply to the new request. Where any id of the slot may be late, there is no better one.
   */
  #idBesideExpired(slot: number, next: number): number {
    const first = this.#firstExpired[slot]!
    const last = this.#lastExpired[slot]!
    if (this.distance(first, next) > this.distance(first, last)) return next
    const behind = this.#idAfter(last)
    return behind === first ? next : behind
  }

  release(link: number, slot: number): void {
    const base = link * this.capacity
    this.#free[base + --this.count[link]!] = slot - base
    this.frame[slot] = -1
  }

  expire(link: number, slot: number): void {
    const id = this.id[slot]!
    const first = this.#firstExpired[slot]!
    if (this.#expired[slot] === 0) {
      this.#firstExpired[slot] = id
      this.#lastExpired[slot] = id
    } else if (this.distance(first, id) > this.distance(first, this.#lastExpired[slot]!)) {
      this.#lastExpired[slot] = id
    } else {
      // All ids of the slot are used up: from now on any of them may be late.
      this.#lastExpired[slot] = first > this.stride ? first - this.stride : first - this.stride + this.period
    }
    this.#expired[slot]!++
    this.#expiredOnLink[link]!++
    this.release(link, slot)
  }

  /**
   * For a slot that timed out more than once only the first and the last id and their number are kept. So no more
   * replies count as late than requests have timed out, whatever the target sends twice.
   */
  takeLate(link: number, bytes: Uint8Array, from: number, end: number): boolean {
    if (this.#expiredOnLink[link] === 0) return false
    const id = this.requestId.read(bytes, from, end) >>> 0
    const slot = this.slotOf(link, id)
    if (this.#expired[slot] === 0 || !this.isOwn(id)) return false
    const first = this.#firstExpired[slot]!
    if (this.distance(first, id) > this.distance(first, this.#lastExpired[slot]!)) return false
    // Replies mostly come in the order of the requests, so the next id is now the first that may still come.
    if (id === first && first !== this.#lastExpired[slot]) this.#firstExpired[slot] = this.#idAfter(first)
    this.#expired[slot]!--
    this.#expiredOnLink[link]!--
    return true
  }

  /** How far `id` is behind `first`; ids begin again after the last. */
  protected distance(first: number, id: number): number {
    return id >= first ? id - first : id - first + this.period
  }

  /** Whether requests can have this id. */
  protected isOwn(id: number): boolean {
    return id >= 1 && id <= this.period
  }

  oldest(): number {
    return -1
  }

  nextOverdue(link: number, time: number, after: number): number {
    if (this.count[link] === 0) return -1
    const base = link * this.capacity
    for (let slot = Math.max(base, after); slot < base + this.capacity; slot++) {
      if (this.frame[slot]! >= 0 && this.sentAt[slot]! <= time) return slot
    }
    return -1
  }

  nextInUse(link: number, after: number): number {
    if (this.count[link] === 0) return -1
    const base = link * this.capacity
    for (let slot = Math.max(base, after); slot < base + this.capacity; slot++) {
      if (this.frame[slot]! >= 0) return slot
    }
    return -1
  }

  clear(link: number): void {
    if (this.count[link] === 0 && this.#expiredOnLink[link] === 0) return
    const base = link * this.capacity
    this.#expired.fill(0, base, base + this.capacity)
    this.#expiredOnLink[link] = 0
    for (let place = 0; place < this.capacity; place++) {
      this.#free[base + place] = place
      this.frame[base + place] = -1
    }
    this.count[link] = 0
  }

  writeId(slot: number, bytes: Uint8Array, from: number): void {
    this.requestId.write(bytes, from, this.id[slot]!)
  }
}

function nextPowerOfTwo(value: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, value)))
}
