import { countsLength, histogramAt } from './histogram.ts'
import { histogram, type Slab } from './slab.ts'

/**
 * The histograms of all workers added up. A worker that shares its core with this thread waits as long as a reading
 * takes, and there are 86 kB of each histogram: those of the response times, which a screen and the audit ask for several
 * times a second, are read by themselves.
 */
export class HistogramTotals {
  readonly #slabs: readonly Slab[]
  /** By slab, the last reading. */
  readonly #last: readonly Uint32Array[]
  /** Bucket counts as of the last reading, a histogram after the other as in a slab. */
  readonly counts: Float64Array
  /** The same of all steps together; of a single one it is that one's part of `counts`. */
  readonly steps: Float64Array
  readonly #hasOneStep: boolean

  /** Slabs of one run, which have the same histograms. */
  constructor(slabs: readonly Slab[]) {
    const [first] = slabs
    this.#slabs = slabs
    this.#last = slabs.map(slab => new Uint32Array(slab.counts.length))
    this.counts = new Float64Array(first!.counts.length)
    this.#hasOneStep = first!.histograms === histogram.steps + 1
    this.steps = this.#hasOneStep ? histogramAt(this.counts, histogram.steps) : new Float64Array(countsLength)
  }

  /** Adds what has been counted of the response times since the last reading. */
  readSteps(): void {
    this.#read(histogram.steps)
  }

  /** The same of all histograms. The slabs' counts wrap at 2^32, so that this has to be done once a minute. */
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
