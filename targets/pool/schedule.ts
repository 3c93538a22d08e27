import { replaceLeast } from '../../harness/heap.ts'
import { createPrng } from '../../harness/prng.ts'
import { drawServiceMs, type ServiceTime } from '../../harness/serviceTime.ts'
import { beginMs, endMs, type Stall } from '../../harness/stall.ts'

export interface ScheduleSettings {
  /** Jobs that are served at the same time; Infinity: a delay line, in which none waits for another. */
  readonly poolSize: number
  /** Without it a job takes no time. */
  readonly serviceTime?: ServiceTime
  readonly stall?: Stall
  /** What the service times are drawn with. */
  readonly seed: number
}

/**
 * When each job is done, as queueing theory has it: n servers before one FIFO queue, a job taken by the server that is
 * free first. As the queue is in the order of arrival, that is known the moment a job arrives:
 *
 *     begin = max(arrival, when the first server is free), or the end of the stall it falls in
 *     departure = begin + service time + the stalls in between
 *
 * Everything is reckoned from scheduled times, never from when something was noticed, so that nothing drifts. No clock
 * and no timer: the same arrivals and the same seed give the same departures.
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

  /** When the job is done that arrives at `arrivalMs`, not before the last one; Infinity: never. */
  admit(arrivalMs: number): number {
    this.#firstMs ??= arrivalMs
    const { serviceTime, stall } = this.#settings
    const arrival = arrivalMs - this.#firstMs
    const free = this.#freeMs.length === 0 ? 0 : this.#freeMs[0]!
    const begin = beginMs(stall, Math.max(arrival, free))
    const workMs = serviceTime === undefined ? 0 : drawServiceMs(serviceTime, begin, this.#prng)
    const end = endMs(stall, begin, workMs)
    if (this.#freeMs.length > 0) replaceLeast(this.#freeMs, end)
    // Not by way of a difference and a sum, which would move it: what takes no time is done as it arrives.
    return end === arrival ? arrivalMs : this.#firstMs + end
  }
}
