/** An entry that is found by its link. */
export interface Linked {
  readonly link: number
}

/**
 * The open connections of a server, by link. The link of a closed connection is reused, the last one first, so that arrays
 * indexed by link are never longer than the largest number of connections that were open at the same time.
 */
export class Connections<Entry extends Linked> {
  readonly #max: number
  readonly #entries = new Map<number, Entry>()
  readonly #freeLinks: number[] = []
  #links = 0

  /** Holds at most `max` connections. */
  constructor(max: number) {
    this.#max = max
  }

  get length(): number {
    return this.#entries.size
  }

  get isFull(): boolean {
    return this.#entries.size >= this.#max
  }

  /** A link that no open connection has; it is used from `set` to `delete`. */
  nextLink(): number {
    return this.#freeLinks.at(-1) ?? this.#links
  }

  /** Adds a connection under the link that `nextLink` returned for it. */
  set(connection: Entry): void {
    if (this.#freeLinks.pop() === undefined) this.#links++
    this.#entries.set(connection.link, connection)
  }

  get(link: number): Entry | undefined {
    return this.#entries.get(link)
  }

  /** Removes a connection; false when it was not found. */
  delete({ link }: Entry): boolean {
    const found = this.#entries.delete(link)
    if (found) this.#freeLinks.push(link)
    return found
  }

  /** All connections, the oldest first; they may be added and removed during the iteration. */
  [Symbol.iterator](): IterableIterator<Entry> {
    return this.#entries.values()
  }
}
