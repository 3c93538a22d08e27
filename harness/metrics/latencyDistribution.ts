import type { Histogram } from 'hdr-histogram-js'
import { toHdr } from './hdrHistogram.ts'
import { censoredQuantilesOf, quantilesOfCounts } from './quantiles.ts'
import type { Quantiles } from './snapshot.ts'
import { sparse } from './sparseCounts.ts'

/**
 * The distribution of one kind of time over a run. Quantiles and histogram are computed on first use: the live view,
 * which may share a core with a worker, uses few of them.
 */
export class LatencyDistribution {
  /** By bucket of `histogram.ts`. */
  readonly counts: Float64Array
  readonly #censored: Float64Array | undefined
  #quantiles: Quantiles | undefined
  #histogram: Histogram | undefined

  /** `censored` are bucket counts of the ages of requests without a reply; the quantiles include them. */
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

  /** In ticks of 100 ns (`ticksPerMs`). */
  get histogram(): Histogram {
    this.#histogram ??= toHdr(this.counts)
    return this.#histogram
  }
}
