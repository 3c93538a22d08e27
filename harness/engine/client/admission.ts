/** Planned requests that may wait for a free connection in one worker; further ones are dropped, and counted. */
export const backlogMax = 100_000

/**
 * Which planned request goes over which connection. Connections with room are in a ring, the one that has been free
 * longest first; requests that found none are in another, the oldest first. One of the two is always empty.
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

  /** The link has room for a request. Offering it again does no harm. */
  offer(link: number): void {
    if (this.#isFree[link] === 1) return
    this.#isFree[link] = 1
    this.#links[(this.#first + this.#free++) % this.#links.length] = link
  }

  /** Takes the link that was offered first, or -1. The caller checks whether it is still open. */
  takeLink(): number {
    if (this.#free === 0) return -1
    const link = this.#links[this.#first]!
    this.#first = this.#first + 1 === this.#links.length ? 0 : this.#first + 1
    this.#free--
    this.#isFree[link] = 0
    return link
  }

  /** Lets a request wait that was to be sent at `time`; false when there is no room for it. */
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
