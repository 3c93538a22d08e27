import { type Slab, sum } from '../../metrics/slab.ts'
import type { Pace } from '../../plan/pacer.ts'

/**
 * A span in which arrivals are counted: not shorter than this, and long enough for a number of arrivals at the rate.
 */
const spanMsMin = 100
const arrivalsPerSpan = 20

/**
 * When the client took up planned requests, for the audit to compare with the plan: the gaps between them, and how many
 * there were in each of equal spans. Only for a steady rate: along a ramp neither has one distribution.
 */
export class ArrivalStatistics {
  readonly #sums: Float64Array
  readonly #gapBins: Uint32Array
  readonly #perMs: number
  readonly #spanMs: number
  #last = Number.NaN
  #spanEnd = Number.NaN
  #inSpan = 0

  constructor({ sums, gapBins }: Pick<Slab, 'sums' | 'gapBins'>, perMs: number) {
    this.#sums = sums
    this.#gapBins = gapBins
    this.#perMs = perMs
    this.#spanMs = Math.max(spanMsMin, arrivalsPerSpan / perMs)
  }

  /** The client has taken up a planned request. */
  add(now: number): void {
    const sums = this.#sums
    if (now >= this.#last) {
      const gap = (now - this.#last) * this.#perMs
      sums[sum.gaps]! += 1
      sums[sum.gapSum]! += gap
      sums[sum.gapSquares]! += gap * gap
      // This turns exponential gaps into uniform values; 1 itself is reached by rounding alone.
      const uniform = 1 - Math.exp(-gap)
      this.#gapBins[Math.min(this.#gapBins.length - 1, Math.floor(uniform * this.#gapBins.length))]!++
    } else this.#spanEnd = now + this.#spanMs
    this.#last = now
    while (now >= this.#spanEnd) {
      sums[sum.spans]! += 1
      sums[sum.spanSum]! += this.#inSpan
      sums[sum.spanSquares]! += this.#inSpan * this.#inSpan
      this.#inSpan = 0
      this.#spanEnd += this.#spanMs
    }
    this.#inSpan++
  }
}

/** The arrival statistics of one of `workers` workers; undefined where the plan has no single rate. */
export function createArrivalStatistics(
  pace: Pace | undefined,
  workers: number,
  slab: Slab,
): ArrivalStatistics | undefined {
  const [segment, ...others] = pace?.segments ?? []
  if (segment === undefined || others.length > 0 || segment.from !== segment.to) return undefined
  return new ArrivalStatistics(slab, segment.from / 1000 / workers)
}
