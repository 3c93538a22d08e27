/**
 * At most one due time for each link, the soonest on top: a binary heap over typed arrays that knows the place of each
 * link in it, so that a time can be moved or removed and no stale entry is ever left.
 */
export class DueTimes {
  readonly #heap: Int32Array
  readonly #place: Int32Array
  readonly #time: Float64Array
  #size = 0

  constructor(links: number) {
    this.#heap = new Int32Array(links)
    this.#place = new Int32Array(links).fill(-1)
    this.#time = new Float64Array(links)
  }

  /** The soonest due time; Infinity when there is none. */
  get soonest(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : this.#time[this.#heap[0]!]!
  }

  has(link: number): boolean {
    return this.#place[link] !== -1
  }

  set(link: number, time: number): void {
    this.#time[link] = time
    if (this.#place[link] === -1) this.#put(this.#size++, link)
    this.#siftDown(link)
  }

  clear(link: number): void {
    const place = this.#place[link]!
    if (place === -1) return
    this.#place[link] = -1
    const last = this.#heap[--this.#size]!
    if (last === link) return
    this.#put(place, last)
    this.#siftDown(last)
  }

  /** Removes and returns the soonest link if it is due, else returns -1. */
  takeDue(now: number): number {
    if (this.#size === 0) return -1
    const link = this.#heap[0]!
    if (this.#time[link]! > now) return -1
    this.clear(link)
    return link
  }

  /** How many links are due by a time; looks at each of them. */
  countDue(time: number): number {
    let count = 0
    for (let place = 0; place < this.#size; place++) if (this.#time[this.#heap[place]!]! <= time) count++
    return count
  }

  #put(place: number, link: number): void {
    this.#heap[place] = link
    this.#place[link] = place
  }

  #siftDown(link: number): void {
    const time = this.#time[link]!
    let place = this.#place[link]!
    while (place > 0) {
      const parent = (place - 1) >> 1
      const above = this.#heap[parent]!
      if (this.#time[above]! <= time) break
      this.#put(place, above)
      place = parent
    }
    for (;;) {
      let child = 2 * place + 1
      if (child >= this.#size) break
      if (child + 1 < this.#size && this.#time[this.#heap[child + 1]!]! < this.#time[this.#heap[child]!]!) child++
      const below = this.#heap[child]!
      if (this.#time[below]! >= time) break
      this.#put(place, below)
      place = child
    }
    this.#put(place, link)
  }
}
