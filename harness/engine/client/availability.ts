import { field, type Slab, sum } from '../../metrics/slab.ts'

/**
 * For how much of the time the links of a worker could be used: adds up the link-milliseconds that were wanted, and those
 * of them in which a link was down. A link is down from a failure of its connection, or of its connect, until it is
 * ready again. Only called when a link changes, and a few times a second. How many links are wanted and down is also a
 * level in the slab: a connection that is just being replaced at the end of a run is not open, but not down either.
 */
export class Availability {
  readonly #fields: Int32Array
  readonly #sums: Float64Array
  /** By link: 1 where it is down. */
  readonly #isDown: Uint8Array
  /** The links below this one are wanted; a ramp moves it. */
  #wantedBelow: number
  /** Links that have done what they were to do, and are not wanted any more. */
  #finished = 0
  /** Wanted links that are down. */
  #down = 0
  /** Up to when the sums count; before the run starts they do not. */
  #countedUntil = Number.POSITIVE_INFINITY

  constructor({ fields, sums }: Slab, links: number, wanted: number) {
    this.#fields = fields
    this.#sums = sums
    this.#isDown = new Uint8Array(links)
    this.#wantedBelow = wanted
    this.#publish()
  }

  /** The run starts: counting begins. */
  begin(at: number): void {
    this.#countedUntil = at
  }

  lost(link: number, now: number): void {
    this.#set(link, 1, now)
  }

  ready(link: number, now: number): void {
    this.#set(link, 0, now)
  }

  /** The link has done what it was to do. */
  finished(now: number): void {
    this.count(now)
    this.#finished++
  }

  /** From now on the first `links` links are wanted. */
  want(links: number, now: number): void {
    if (links === this.#wantedBelow) return
    this.count(now)
    for (let link = this.#wantedBelow; link < links; link++) this.#down += this.#isDown[link]!
    for (let link = links; link < this.#wantedBelow; link++) this.#down -= this.#isDown[link]!
    this.#wantedBelow = links
    this.#publish()
  }

  /** Brings the sums up to now. */
  count(now: number): void {
    const elapsedMs = now - this.#countedUntil
    if (!(elapsedMs > 0)) return
    this.#sums[sum.wantedMs]! += (this.#wantedBelow - this.#finished) * elapsedMs
    this.#sums[sum.downMs]! += this.#down * elapsedMs
    this.#countedUntil = now
  }

  #set(link: number, isDown: 0 | 1, now: number): void {
    if (this.#isDown[link] === isDown) return
    this.count(now)
    this.#isDown[link] = isDown
    if (link >= this.#wantedBelow) return
    this.#down += isDown === 1 ? 1 : -1
    this.#publish()
  }

  #publish(): void {
    this.#fields[field.wanted] = this.#wantedBelow
    this.#fields[field.down] = this.#down
  }
}
