import { type Clock, monotonicClock } from '../../harness/clock.ts'
import { type Due, DueJobs } from '../server/dueJobs.ts'
import { type CreateWakeTimer, createMillisecondTimer, type WakeTimer } from './wakeTimer.ts'

/** An action at an instant. */
export interface Job extends Due {
  fire(nowMs: number): void
}

/**
 * Runs jobs in the order of their due times, with one timer for all of them. No job runs early, and how late jobs are is up
 * to the timer; jobs that are due when `fireDue` is called run then.
 */
export class Timeline {
  readonly #clock: Clock
  readonly #timer: WakeTimer
  readonly #due = new DueJobs<Job>()
  #sequence = 0
  /** When the timer fires; Infinity when it is not set. */
  #wakeMs = Number.POSITIVE_INFINITY
  #isFiring = false
  /** Jobs that have run, and by how much they were late, all of them together. */
  fired = 0
  lateMs = 0

  constructor(createTimer: CreateWakeTimer = createMillisecondTimer, clock: Clock = monotonicClock) {
    this.#clock = clock
    this.#timer = createTimer(this.#wake)
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
    // While jobs run, the soonest may be one that is about to: the timer is set once, after all of them.
    if (!this.#isFiring) this.#setTimer()
  }

  /** Runs the jobs that are due by now. */
  fireDue(): void {
    const nowMs = this.#clock.now()
    this.#isFiring = true
    for (;;) {
      const job = this.#due.takeDue(nowMs)
      if (job === undefined) break
      this.fired++
      this.lateMs += nowMs - job.dueMs
      job.fire(nowMs)
    }
    this.#isFiring = false
    this.#setTimer()
  }

  /** Runs no more jobs, unless `fireDue` is called. */
  close(): void {
    this.#timer.close()
  }

  readonly #wake = (): void => {
    this.#wakeMs = Number.POSITIVE_INFINITY
    this.fireDue()
  }

  #setTimer(): void {
    const { soonestMs } = this.#due
    if (soonestMs >= this.#wakeMs) return
    this.#wakeMs = soonestMs
    this.#timer.set(Math.max(0, soonestMs - this.#clock.now()))
  }
}
