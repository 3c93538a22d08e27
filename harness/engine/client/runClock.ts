import { field, instant, type Slab } from '../../metrics/slab.ts'

/** When a worker's run starts and ends: the main thread says both, and may put the end off before it has come. */
export class RunClock {
  /** On this thread's clock; Infinity until they are known. */
  startAt = Number.POSITIVE_INFINITY
  endAt = Number.POSITIVE_INFINITY
  readonly #slab: Slab
  readonly #lengthMs: number
  readonly #sharedOffsetMs: number

  /** `sharedOffsetMs` turns a time of this thread into one of the clock that all threads share. */
  constructor(slab: Slab, lengthMs: number, sharedOffsetMs: number) {
    this.#slab = slab
    this.#lengthMs = lengthMs
    this.#sharedOffsetMs = sharedOffsetMs
  }

  /** The word to start has been given: answers when. */
  start(): number {
    this.startAt = this.#slab.instants[instant.start]! - this.#sharedOffsetMs
    return this.startAt
  }

  /** Requests go from here on, and so the end is known. */
  begin(): void {
    this.endAt = this.startAt + this.#lengthMs
  }

  /** Whether the end has come, and was not put off. */
  isOver(now: number): boolean {
    if (now < this.endAt) return false
    this.endAt = this.startAt + this.#lengthMs + Atomics.load(this.#slab.fields, field.extensionMs)
    return now >= this.endAt
  }

  /** The books are closed now, or were at the end. */
  close(now: number): void {
    this.endAt = Math.min(now, this.endAt)
    this.#slab.instants[instant.end] = this.endAt + this.#sharedOffsetMs
  }
}
