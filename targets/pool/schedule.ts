import { replaceLeast } from '../../harness/heap.ts'
import { createPrng } from '../../harness/prng.ts'
import { drawServiceMs, type ServiceTime } from '../../harness/serviceTime.ts'
import { beginMs, endMs, type Stall } from '../../harness/stall.ts'

export interface ScheduleSettings {
  /** Number of jobs served at the same time; Infinity makes a delay line, in which no job waits for another. */
  readonly poolSize: number
  /** How long a job takes; no time, where absent. */
  readonly serviceTime?: ServiceTime
  readonly stall?: Stall
  /** The seed of the service times. */
  readonly seed: number
}

/**
 * Computes when each job is done, as in queueing theory: n servers with one FIFO queue, where the server that is free first
 * takes the next job. As the queue is in the order of arrival, that is known when a job arrives:
 *
 *     begin = max(arrival, when the first server is free), or the end of the stall it falls in
 *     departure = begin + service time + the stalls in between
 *
 * Everything is computed from scheduled times, never from when an event was noticed, so that nothing drifts. There is no
 * clock and no timer: the same arrivals and the same seed give the same departures.
 */
export class Schedule {
  readonly #settings: ScheduleSettings
  readonly #prng
  /** When each server is free, in milliseconds after the first request; a heap for `replaceLeast`. */
  readonly #freeMs: Float64Array
  #firstMs: number | undefined

  constructor(settings: ScheduleSettings) {
    this.#settings = settings
    this.#prng = createPrng(settings.seed)
    this.#freeMs = new Float64Array(Number.isFinite(settings.poolSize) ? settings.poolSize : 0)
  }

  /** When a job that arrives at `arrivalMs`, not before the last one, is done; Infinity: never. */
  admit(arrivalMs: number): number {
    this.#firstMs ??= arrivalMs
    const { serviceTime, stall } = this.#settings
    const arrival = arrivalMs - this.#firstMs
    const free = this.#freeMs.length === 0 ? 0 : this.#freeMs[0]!
    const begin = beginMs(stall, Math.max(arrival, free))
    const workMs = serviceTime === undefined ? 0 : drawServiceMs(serviceTime, begin, this.#prng)
    const end = endMs(stall, begin, workMs)
    if (this.#freeMs.length > 0) replaceLeast(this.#freeMs, end)
    // A job that takes no time is done exactly when it arrives; adding and subtracting `#firstMs` would round that.
    return end === arrival ? arrivalMs : this.#firstMs + end
  }
}
