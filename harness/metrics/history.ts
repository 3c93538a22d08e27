/**
 * Readings of a run, evenly spaced in time and limited in number: when there are too many, every other one is dropped,
 * and from then on they are taken half as often. A reading is a running total, so that dropping one loses no counts.
 */
export class History<Reading> {
  #entries: { readonly at: number; readonly reading: Reading }[] = []
  #spacing: number
  /** A reading may be this much too early, as timers are. */
  readonly #tolerance: number
  readonly #capacity: number

  /** Readings are at least `spacing` apart at first; `capacity` is at least 4. */
  constructor(spacing: number, capacity: number) {
    this.#spacing = spacing
    this.#tolerance = spacing / 10
    this.#capacity = capacity
  }

  /** Takes a reading unless the last one is too recent; `at` never decreases. */
  add(at: number, take: () => Reading): void {
    const last = this.#entries.at(-1)
    if (last !== undefined && at - last.at < this.#spacing - this.#tolerance) return
    this.#entries.push({ at, reading: take() })
    if (this.#entries.length < this.#capacity) return
    this.#entries = this.#entries.filter((_, index) => index % 2 === 0)
    this.#spacing *= 2
  }

  /** The readings since a time, oldest first. */
  since(at: number): readonly { readonly at: number; readonly reading: Reading }[] {
    return this.#entries.filter(entry => entry.at >= at)
  }

  clear(): void {
    this.#entries = []
  }
}
