/**
 * The state of each link's open connection apart from its slots: its heartbeat, and whether it has served a request.
 */
export class LinkState {
  /** By link: heartbeats in flight, 0 or 1. */
  readonly heartbeats: Uint8Array
  /** By link: when the last heartbeat was sent. */
  readonly #heartbeatAt: Float64Array
  /** By link: 1 where a request was answered since the connection opened. */
  readonly #served: Uint8Array

  constructor(links: number) {
    this.heartbeats = new Uint8Array(links)
    this.#heartbeatAt = new Float64Array(links)
    this.#served = new Uint8Array(links)
  }

  opened(link: number): void {
    this.#served[link] = 0
  }

  closed(link: number): void {
    this.heartbeats[link] = 0
  }

  /** A request was answered, as expected or not. */
  answered(link: number): void {
    this.#served[link] = 1
  }

  /** Whether a request has been answered since the connection opened. */
  hasServed(link: number): boolean {
    return this.#served[link] === 1
  }

  /** The link may send requests from now on: the period of its heartbeat begins. */
  startHeartbeats(link: number, now: number): void {
    this.#heartbeatAt[link] = now
  }

  /** Whether the last heartbeat is `everyMs` ago, and not in flight any more. */
  isHeartbeatDue(link: number, everyMs: number, now: number): boolean {
    return now - this.#heartbeatAt[link]! >= everyMs && this.heartbeats[link] === 0
  }

  heartbeatSent(link: number, now: number, expectsReply: boolean): void {
    this.#heartbeatAt[link] = now
    if (expectsReply) this.heartbeats[link] = 1
  }

  /** The heartbeat in flight was answered, or has timed out. */
  heartbeatEnded(link: number): void {
    this.heartbeats[link] = 0
  }
}
