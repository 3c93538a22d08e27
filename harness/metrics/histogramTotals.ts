import { countsLength, histogramAt } from './histogram.ts'
import { histogram, type Slab } from './slab.ts'

/**
 * The sums of the histograms of all workers. A worker that shares a core with this thread waits while they are read,
 * and each histogram has 86 kB. So the response times, which a screen and the audit need several times a second, can
 * be read without the others.
 */
export class HistogramTotals {
  readonly #slabs: readonly Slab[]
  /** By slab, the counts of the last reading. */
  readonly #last: readonly Uint32Array[]
  /** Bucket counts as of the last reading, one histogram after another as in a slab. */
  readonly counts: Float64Array
  /** Bucket counts of all steps together; with a single step this is a view of its part of `counts`. */
  readonly steps: Float64Array
  readonly #hasOneStep: boolean

  /** The slabs are of one run, so that all have the same histograms. */
  constructor(slabs: readonly Slab[]) {
    const [first] = slabs
    this.#slabs = slabs
    this.#last = slabs.map(slab => new Uint32Array(slab.counts.length))
    this.counts = new Float64Array(first!.counts.length)
    this.#hasOneStep = first!.histograms === histogram.steps + 1
    this.steps = this.#hasOneStep ? histogramAt(this.counts, histogram.steps) : new Float64Array(countsLength)
  }

  /** Adds the response times that were counted since the last reading. */
  readSteps(): void {
    this.#read(histogram.steps)
  }

  /** Adds the counts of all histograms. Call it once a minute, because the counts of a slab wrap at 2^32. */
  readAll(): void {
    this.#read(0)
  }

  #read(from: number): void {
    const stepsAt = histogram.steps * countsLength
    for (let index = 0; index < this.#slabs.length; index++) {
      const { counts } = this.#slabs[index]!
      const last = this.#last[index]!
      for (let bucket = from * countsLength; bucket < counts.length; bucket++) {
        const count = counts[bucket]!
        if (count === last[bucket]) continue
        const added = (count - last[bucket]!) >>> 0
        last[bucket] = count
        this.counts[bucket]! += added
        if (!this.#hasOneStep && bucket >= stepsAt) this.steps[(bucket - stepsAt) % countsLength]! += added
      }
    }
  }
}

/** Bucket counts of all steps together, from those of all histograms. */
export function stepsTogether(counts: Float64Array): Float64Array {
  const sum = histogramAt(counts, histogram.steps).slice()
  const stepsEnd = counts.length / countsLength
  for (let index = histogram.steps + 1; index < stepsEnd; index++) {
    const ofStep = histogramAt(counts, index)
    for (let bucket = 0; bucket < countsLength; bucket++) sum[bucket]! += ofStep[bucket]!
  }
  return sum
}
