import { type Clock, monotonicClock } from '../../harness/clock.ts'
import { type Due, DueJobs } from '../server/dueJobs.ts'

/** What is to be done at an instant. */
export interface Job extends Due {
  fire(nowMs: number): void
}

/** Calls back after so many whole milliseconds, or somewhat later; what it answers takes that back. */
export type WakeAfter = (delayMs: number, callback: () => void) => () => void

/** Timers of Node count whole milliseconds and take no more than 31 bits of them. */
const delayMsMin = 1
const delayMsMax = 3_600_000

/**
 * Does what is due, in the order of its due times, with one timer for all of it. Nothing is done too soon; a timer of
 * Node comes up to a millisecond late, a busy process later, and what is noticed before that by the way is done then.
 */
export class Timeline {
  readonly #clock: Clock
  readonly #wakeAfter: WakeAfter
  readonly #due = new DueJobs<Job>()
  #sequence = 0
  /** When the timer comes; Infinity when there is none. */
  #wakeMs = Number.POSITIVE_INFINITY
  #takeBack = () => {}

  constructor(clock: Clock = monotonicClock, wakeAfter: WakeAfter = wakeByTimer) {
    this.#clock = clock
    this.#wakeAfter = wakeAfter
  }

  now(): number {
    return this.#clock.now()
  }

  /** Has `job.fire` called once `dueMs` has come, behind others that are due at the same time; Infinity: never. */
  add(job: Job, dueMs: number): void {
    if (dueMs === Number.POSITIVE_INFINITY) return
    job.dueMs = dueMs
    job.sequence = this.#sequence++
    this.#due.add(job)
    this.#setTimer()
  }

  /** Does what is due by now. */
  fireDue(): void {
    const nowMs = this.#clock.now()
    for (;;) {
      const job = this.#due.takeDue(nowMs)
      if (job === undefined) break
      job.fire(nowMs)
    }
    this.#setTimer()
  }

  readonly #wake = (): void => {
    this.#wakeMs = Number.POSITIVE_INFINITY
    this.fireDue()
  }

  #setTimer(): void {
    const { soonestMs } = this.#due
    if (soonestMs >= this.#wakeMs) return
    this.#takeBack()
    this.#wakeMs = soonestMs
    const delayMs = Math.ceil(soonestMs - this.#clock.now())
    this.#takeBack = this.#wakeAfter(Math.min(Math.max(delayMs, delayMsMin), delayMsMax), this.#wake)
  }
}

function wakeByTimer(delayMs: number, callback: () => void): () => void {
  const timer = setTimeout(callback, delayMs)
  return () => clearTimeout(timer)
}
