import { field, instant, type Slab } from '../../metrics/slab.ts'

/** When a worker's run starts and ends. The main thread sets both, and may extend the run before its end has come. */
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

  /** After the signal to start: reads when the run starts. */
  start(): number {
    this.startAt = this.#slab.instants[instant.start]! - this.#sharedOffsetMs
    return this.startAt
  }

  /** The run has started, and so its end is known. */
  begin(): void {
    this.endAt = this.startAt + this.#lengthMs
  }

  /** Whether the end has come, and the run was not extended. */
  isOver(now: number): boolean {
    if (now < this.endAt) return false
    this.endAt = this.startAt + this.#lengthMs + Atomics.load(this.#slab.fields, field.extensionMs)
    return now >= this.endAt
  }

  /** Counting stops now, or has stopped at the end if that is earlier: writes when into the slab. */
  close(now: number): void {
    this.endAt = Math.min(now, this.endAt)
    this.#slab.instants[instant.end] = this.endAt + this.#sharedOffsetMs
  }
}
