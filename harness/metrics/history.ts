/**
 * Readings of a run, evenly spaced in time and no more than so many: when there are too many every other one goes, and
 * from then on half as many are taken. What is kept of a reading is a running total, so that nothing is lost with those
 * in between.
 */
export class History<Reading> {
  #entries: { readonly at: number; readonly reading: Reading }[] = []
  #spacing: number
  /** A timer that is a little early does not cost a reading. */
  readonly #tolerance: number
  readonly #capacity: number

  /** At least `spacing` apart at first; `capacity` is 4 or more. */
  constructor(spacing: number, capacity: number) {
    this.#spacing = spacing
    this.#tolerance = spacing / 10
    this.#capacity = capacity
  }

  /** Takes a reading at a time, which never goes back, unless the last one is too recent. */
  add(at: number, take: () => Reading): void {
    const last = this.#entries.at(-1)
    if (last !== undefined && at - last.at < this.#spacing - this.#tolerance) return
    this.#entries.push({ at, reading: take() })
    if (this.#entries.length < this.#capacity) return
    this.#entries = this.#entries.filter((_, index) => index % 2 === 0)
    this.#spacing *= 2
  }

  /** The readings from a time on, oldest first. */
  since(at: number): readonly { readonly at: number; readonly reading: Reading }[] {
    return this.#entries.filter(entry => entry.at >= at)
  }

  clear(): void {
    this.#entries = []
  }
}
