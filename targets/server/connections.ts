/** What is kept by its link. */
export interface Linked {
  readonly link: number
}

/**
 * The open connections of a server, by link. Links are given anew once their connection is gone, the last first, so that
 * what is kept by link elsewhere stays as small as the most connections that were open at a time.
 */
export class Connections<Kept extends Linked> {
  readonly #max: number
  readonly #kept = new Map<number, Kept>()
  readonly #freeLinks: number[] = []
  #links = 0

  /** Takes `max` connections at most. */
  constructor(max: number) {
    this.#max = max
  }

  get length(): number {
    return this.#kept.size
  }

  get isFull(): boolean {
    return this.#kept.size >= this.#max
  }

  /** A link that no open connection has; it is in use from `set` to `delete`. */
  nextLink(): number {
    return this.#freeLinks.at(-1) ?? this.#links
  }

  /** Keeps a connection under the link that `nextLink` gave for it. */
  set(connection: Kept): void {
    if (this.#freeLinks.pop() === undefined) this.#links++
    this.#kept.set(connection.link, connection)
  }

  get(link: number): Kept | undefined {
    return this.#kept.get(link)
  }

  /** Forgets a connection; false when it was not there. */
  delete({ link }: Kept): boolean {
    const found = this.#kept.delete(link)
    if (found) this.#freeLinks.push(link)
    return found
  }

  /** All of them, the oldest first; connections may come and go meanwhile. */
  [Symbol.iterator](): IterableIterator<Kept> {
    return this.#kept.values()
  }
}
