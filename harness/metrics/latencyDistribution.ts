import type { Histogram } from 'hdr-histogram-js'
import { toHdr } from './histogram.ts'
import { censoredQuantilesOf, quantilesOfCounts } from './quantiles.ts'
import type { Quantiles } from './snapshot.ts'
import { sparse } from './sparseCounts.ts'

/**
 * How one kind of time was distributed over a run. What is derived from the bucket counts is made when it is first asked
 * for: the live view asks for little of it, and shares its core with a worker.
 */
export class LatencyDistribution {
  /** By bucket, in the geometry of `histogram.ts`. */
  readonly counts: Float64Array
  readonly #censored: Float64Array | undefined
  #quantiles: Quantiles | undefined
  #histogram: Histogram | undefined

  /** `censored` are bucket counts of the ages of requests without a reply, which the quantiles take into account. */
  constructor(counts: Float64Array, censored?: Float64Array) {
    this.counts = counts
    this.#censored = censored
  }

  /** Samples with a known value. */
  get count(): number {
    return this.quantiles.count
  }

  get quantiles(): Quantiles {
    this.#quantiles ??=
      this.#censored === undefined
        ? quantilesOfCounts(sparse(this.counts))
        : censoredQuantilesOf(this.counts, this.#censored)
    return this.#quantiles
  }

  /** In ticks of 100 ns, as `ticksPerMs` has it. */
  get histogram(): Histogram {
    this.#histogram ??= toHdr(this.counts)
    return this.#histogram
  }
}
