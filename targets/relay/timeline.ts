import { type Clock, monotonicClock } from '../../harness/clock.ts'
import { type Due, DueJobs } from '../server/dueJobs.ts'

/** An action at an instant. */
export interface Job extends Due {
  fire(nowMs: number): void
}

/** Calls back after `delayMs` whole milliseconds, or somewhat later; the returned function cancels that. */
export type WakeAfter = (delayMs: number, callback: () => void) => () => void

/** Timers of Node count whole milliseconds and accept at most 31 bits of them. */
const delayMsMin = 1
const delayMsMax = 3_600_000

/**
 * Runs jobs in the order of their due times, with one timer for all of them. No job runs early. A timer of Node is up to a
 * millisecond late, and later in a busy process; jobs that are due when `fireDue` is called run then.
 */
export class Timeline {
  readonly #clock: Clock
  readonly #wakeAfter: WakeAfter
  readonly #due = new DueJobs<Job>()
  #sequence = 0
  /** When the timer fires; Infinity when there is none. */
  #wakeMs = Number.POSITIVE_INFINITY
  #cancel = () => {}

  constructor(clock: Clock = monotonicClock, wakeAfter: WakeAfter = wakeByTimer) {
    this.#clock = clock
    this.#wakeAfter = wakeAfter
  }

  now(): number {
    return this.#clock.now()
  }

  /** Calls `job.fire` once `dueMs` is reached, after other jobs that are due at the same time; Infinity: never. */
  add(job: Job, dueMs: number): void {
    if (dueMs === Number.POSITIVE_INFINITY) return
    job.dueMs = dueMs
    job.sequence = this.#sequence++
    this.#due.add(job)
    this.#setTimer()
  }

  /** Runs the jobs that are due by now. */
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
    this.#cancel()
    this.#wakeMs = soonestMs
    const delayMs = Math.ceil(soonestMs - this.#clock.now())
    this.#cancel = this.#wakeAfter(Math.min(Math.max(delayMs, delayMsMin), delayMsMax), this.#wake)
  }
}

function wakeByTimer(delayMs: number, callback: () => void): () => void {
  const timer = setTimeout(callback, delayMs)
  return () => clearTimeout(timer)
}
