import { assert } from '../../harness/errors.ts'

/** An event without bytes that travels in order with the bytes. */
export const mark = {
  /** The sender has sent its last byte. */
  end: -1,
  /** The connection is broken. */
  reset: -2,
} as const

export type Mark = (typeof mark)[keyof typeof mark]

/** Receives the bytes of a line; they are valid only during the call. */
export interface Sink {
  append(bytes: Uint8Array, from: number, end: number): void
}

const leastBytes = 256
const leastEntries = 8
/** The largest buffers that an empty line keeps for reuse. */
const keptBytesMax = 64 * 1024
const keptEntriesMax = 1024
const noBytes = new Uint8Array(0)

/**
 * Bytes on their way, each segment with the time when it arrives. A later segment is never due earlier: a line keeps the
 * order, as TCP does. Bytes and segments are kept in two ring buffers, which grow by doubling and are freed when they are
 * empty and large. The caller limits how much is added.
 */
export class DelayLine {
  /** Bytes on their way. */
  bytesHeld = 0
  /** Segments and marks on their way. */
  count = 0
  #ring = noBytes
  #from = 0
  #dueMs = new Float64Array(leastEntries)
  /** The length of each segment, or a mark. */
  #lengths = new Int32Array(leastEntries)
  #first = 0
  #lastDueMs = Number.NEGATIVE_INFINITY

  /** When the first segment arrives; Infinity when there is none, or it never arrives. */
  get soonestMs(): number {
    return this.count === 0 ? Number.POSITIVE_INFINITY : this.#dueMs[this.#first]!
  }

  /** Adds a copy of `bytes[from, end)`, which must not be empty. */
  add(bytes: Uint8Array, from: number, end: number, dueMs: number): void {
    const length = end - from
    assert(length > 0, 'a segment has bytes')
    if (this.bytesHeld + length > this.#ring.length) this.#growRing(this.bytesHeld + length)
    const at = (this.#from + this.bytesHeld) & (this.#ring.length - 1)
    const before = Math.min(length, this.#ring.length - at)
    this.#ring.set(bytes.subarray(from, from + before), at)
    this.#ring.set(bytes.subarray(from + before, end), 0)
    this.bytesHeld += length
    this.#push(length, dueMs)
  }

  addMark(kind: Mark, dueMs: number): void {
    this.#push(kind, dueMs)
  }

  /**
   * Removes what has arrived: whole segments of at most `bytesMax` together, or one that is longer, which go to `sink`; or a
   * mark, if it is first. Returns the number of bytes, or the mark; 0 when nothing has arrived.
   */
  takeDue(nowMs: number, bytesMax: number, sink: Sink): number {
    let taken = 0
    while (this.soonestMs <= nowMs) {
      const length = this.#lengths[this.#first]!
      const isMark = length < 0
      if (taken > 0 && (isMark || taken + length > bytesMax)) break
      this.#first = (this.#first + 1) & (this.#lengths.length - 1)
      this.count--
      if (isMark) return length
      taken += length
    }
    if (taken > 0) this.#give(taken, sink)
    return taken
  }

  /** Discards everything that is on its way. */
  clear(): void {
    this.bytesHeld = 0
    this.count = 0
    this.#shrink()
  }

  #push(length: number, dueMs: number): void {
    if (this.count === this.#lengths.length) this.#growEntries()
    this.#lastDueMs = Math.max(dueMs, this.#lastDueMs)
    const at = (this.#first + this.count) & (this.#lengths.length - 1)
    this.#dueMs[at] = this.#lastDueMs
    this.#lengths[at] = length
    this.count++
  }

  #give(length: number, sink: Sink): void {
    const end = this.#from + length
    const ringBytes = this.#ring.length
    sink.append(this.#ring, this.#from, Math.min(end, ringBytes))
    if (end > ringBytes) sink.append(this.#ring, 0, end - ringBytes)
    this.#from = end & (ringBytes - 1)
    this.bytesHeld -= length
    if (this.count === 0) this.#shrink()
  }

  #growRing(bytes: number): void {
    const ring = new Uint8Array(Math.max(leastBytes, 2 ** Math.ceil(Math.log2(bytes))))
    const before = this.#ring.subarray(this.#from, this.#from + this.bytesHeld)
    ring.set(before, 0)
    ring.set(this.#ring.subarray(0, this.bytesHeld - before.length), before.length)
    this.#ring = ring
    this.#from = 0
  }

  #growEntries(): void {
    const { count } = this
    const dueMs = new Float64Array(count * 2)
    const lengths = new Int32Array(count * 2)
    for (let index = 0; index < count; index++) {
      const at = (this.#first + index) & (count - 1)
      dueMs[index] = this.#dueMs[at]!
      lengths[index] = this.#lengths[at]!
    }
    this.#dueMs = dueMs
    this.#lengths = lengths
    this.#first = 0
  }

  #shrink(): void {
    if (this.#ring.length > keptBytesMax) {
      this.#ring = noBytes
      this.#from = 0
    }
    if (this.#lengths.length > keptEntriesMax) {
      this.#dueMs = new Float64Array(leastEntries)
      this.#lengths = new Int32Array(leastEntries)
      this.#first = 0
    }
  }
}
