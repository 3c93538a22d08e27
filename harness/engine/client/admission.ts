/** Requests of the plan that may wait for a free connection, in one worker; more are dropped, and counted. */
export const backlogMax = 100_000

/**
 * Which request of the plan goes over which connection: connections with room stand in a ring, the one that has been
 * free longest first; requests that found none stand in another, the oldest first. One of the two is always empty.
 */
export class Admission {
  /** Requests that wait. */
  waiting = 0
  readonly #links: Int32Array
  readonly #isFree: Uint8Array
  #first = 0
  #free = 0
  readonly #backlog: Float64Array
  #oldest = 0

  constructor(links: number, capacity: number = backlogMax) {
    this.#links = new Int32Array(links)
    this.#isFree = new Uint8Array(links)
    this.#backlog = new Float64Array(capacity)
  }

  /** The link has room for a request; that it is told twice does no harm. */
  offer(link: number): void {
    if (this.#isFree[link] === 1) return
    this.#isFree[link] = 1
    this.#links[(this.#first + this.#free++) % this.#links.length] = link
  }

  /** Takes the link that was offered first, or -1; whether it still stands is for the caller to see. */
  takeLink(): number {
    if (this.#free === 0) return -1
    const link = this.#links[this.#first]!
    this.#first = this.#first + 1 === this.#links.length ? 0 : this.#first + 1
    this.#free--
    this.#isFree[link] = 0
    return link
  }

  /** Lets a request wait that was to be sent at `time`; false when no more may. */
  wait(time: number): boolean {
    if (this.waiting === this.#backlog.length) return false
    this.#backlog[(this.#oldest + this.waiting++) % this.#backlog.length] = time
    return true
  }

  /** Takes the time of the request that has waited longest; there must be one. */
  takeWaiting(): number {
    const time = this.#backlog[this.#oldest]!
    this.#oldest = this.#oldest + 1 === this.#backlog.length ? 0 : this.#oldest + 1
    this.waiting--
    return time
  }
}
