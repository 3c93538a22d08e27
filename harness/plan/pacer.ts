import { createPrng, type Prng, streamSeed } from '../prng.ts'

/** The pacer has its own random stream, so that the plan does not depend on what else is drawn. */
const pacerStream = 1

/** A part of the plan in which the rate changes linearly, in requests per second. */
export interface RateSegment {
  readonly lengthMs: number
  readonly from: number
  readonly to: number
}

/**
 * When requests are to start, whatever the server does: the plan of the whole run, of which each worker takes a share.
 */
export interface Pace {
  readonly arrivals: 'poisson' | 'constant'
  readonly segments: readonly RateSegment[]
}

/** The arrivals planned up to a time in milliseconds: the area under the rate. */
export function plannedUntil({ segments }: Pace, timeMs: number): number {
  let planned = 0
  let startMs = 0
  for (const { lengthMs, from, to } of segments) {
    const elapsedMs = Math.min(Math.max(0, timeMs - startMs), lengthMs)
    planned += ((from + (elapsedMs / lengthMs) * ((to - from) / 2)) * elapsedMs) / 1000
    startMs += lengthMs
  }
  return planned
}

/** The rate of a plan with constant gaps and one rate, in requests per second; undefined for any other. */
export function constantRateOf(pace: Pace | undefined): number | undefined {
  const [first, ...others] = pace?.segments ?? []
  if (pace?.arrivals !== 'constant' || first === undefined || others.length > 0) return undefined
  return first.from === first.to ? first.from : undefined
}

/**
 * The intended times of the requests of one worker, one after another, in milliseconds from the start. The k-th arrival
 * is where the area under the rate reaches its mass:
 *
 *     rate |      ______          constant: masses 0, 1, 2 ... of the whole plan, dealt out to the workers in turn
 *          |    /|      |         poisson:  gaps of Exp(1) in mass; each worker has its own plan with its share of
 *          |  /  | mass |                   the rate (a sum of Poisson processes is one; Cinlar, 1975, on
 *          |/____|______|___ t              inverting the area for a rate that changes)
 *
 * The times depend on the seed only: nothing that happens during the run changes them.
 */
export class Pacer {
  /** The next intended time; Infinity after the last. */
  next: number
  readonly #segments: readonly RateSegment[]
  readonly #prng: Prng | undefined
  readonly #workers: number
  /** The mass of the next arrival in the whole plan. */
  #mass: number
  #segment = 0
  #massBefore = 0
  #timeBefore = 0

  constructor({ arrivals, segments }: Pace, { index, workers, prng }: { index: number; workers: number; prng: Prng }) {
    this.#segments = segments
    this.#workers = workers
    this.#prng = arrivals === 'poisson' ? prng : undefined
    this.#mass = this.#prng === undefined ? index : this.#gap()
    this.next = this.#timeOfMass()
  }

  /** Moves on to the next arrival. */
  advance(): void {
    this.#mass += this.#prng === undefined ? this.#workers : this.#gap()
    this.next = this.#timeOfMass()
  }

  #gap(): number {
    // Adding a half keeps the logarithm finite: a gap is at most 23 times the mean.
    return -Math.log((this.#prng!.next32() + 0.5) / 0x1_0000_0000) * this.#workers
  }

  #timeOfMass(): number {
    for (; this.#segment < this.#segments.length; this.#segment++) {
      const { lengthMs, from, to } = this.#segments[this.#segment]!
      const mass = (((from + to) / 2) * lengthMs) / 1000
      // Rounding may make it slightly negative, for which a segment that begins at rate 0 has no time.
      const rest = Math.max(0, this.#mass - this.#massBefore)
      // An arrival exactly at the end belongs to the next segment.
      if (mass > 0 && rest < mass * (1 - Number.EPSILON)) return this.#timeBefore + timeWithin(lengthMs, from, to, rest)
      this.#massBefore += mass
      this.#timeBefore += lengthMs
    }
    return Number.POSITIVE_INFINITY
  }
}

/** The pacer of one worker; undefined without a pace. */
export function createPacer(plan: { pace?: Pace; index: number; workers: number; seed: number }): Pacer | undefined {
  const { pace, index, workers, seed } = plan
  return pace && new Pacer(pace, { index, workers, prng: createPrng(streamSeed(seed, pacerStream)) })
}

/**
 * When the area of a segment reaches `mass`: the root of slope/2 t^2 + from t = mass, in the form without
 * cancellation.
 */
function timeWithin(lengthMs: number, from: number, to: number, mass: number): number {
  const slope = (to - from) / (lengthMs / 1000)
  const root = Math.sqrt(Math.max(0, from * from + 2 * slope * mass))
  return mass === 0 ? 0 : ((2 * mass) / (from + root)) * 1000
}
