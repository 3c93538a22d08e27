import type { WorkerPlan } from '../../plan/plan.ts'

/** What the state of links depends on. */
export type LinkStatePlan = Pick<WorkerPlan, 'connections' | 'reconnect' | 'requestsPerConnection'>

/**
 * The state of each link apart from its slots: its heartbeat, whether its connection has served a request and when it
 * last received something, and its pause, which is the link's own: a reconnect does not end it.
 */
export class LinkState {
  /** By link: heartbeats in flight, 0 or 1. */
  readonly heartbeats: Uint8Array
  /** By link: when the last heartbeat was sent. */
  readonly #heartbeatAt: Float64Array
  /** By link: 1 where a request was answered since the connection opened. */
  readonly #served: Uint8Array
  /** By link: when its connection was opened, or last received something. */
  readonly #activeAt: Float64Array
  /** By link: until when it sends no request. */
  readonly #pausedUntil: Float64Array

  /** By link: requests that its connection may still have; Infinity where nothing limits them. */
  readonly #left: Float64Array
  readonly #leftAtOpen: number
  readonly #everyRequest: boolean

  constructor({ connections: links, reconnect, requestsPerConnection }: LinkStatePlan) {
    this.#leftAtOpen = requestsPerConnection ?? Number.POSITIVE_INFINITY
    this.#left = new Float64Array(links).fill(this.#leftAtOpen)
    this.#everyRequest = reconnect === 'every-request'
    this.heartbeats = new Uint8Array(links)
    this.#heartbeatAt = new Float64Array(links)
    this.#served = new Uint8Array(links)
    this.#activeAt = new Float64Array(links)
    this.#pausedUntil = new Float64Array(links).fill(Number.NEGATIVE_INFINITY)
  }

  opened(link: number, now: number): void {
    this.#served[link] = 0
    this.#left[link] = this.#leftAtOpen
    this.#activeAt[link] = now
  }

  received(link: number, now: number): void {
    this.#activeAt[link] = now
  }

  /** For how long the link's connection has received nothing. */
  quietMs(link: number, now: number): number {
    return now - this.#activeAt[link]!
  }

  /** The link sends no request until then, also over its next connection. */
  pause(link: number, until: number): void {
    this.#pausedUntil[link] = until
  }

  /** Whether the link had a pause before its first request, be it of no length. */
  hasBegun(link: number): boolean {
    return this.#pausedUntil[link] !== Number.NEGATIVE_INFINITY
  }

  pausedUntil(link: number): number {
    return this.#pausedUntil[link]!
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

  /** Requests that the link's connection may still have. */
  left(link: number): number {
    return this.#left[link]!
  }

  sent(link: number, requests: number): void {
    this.#left[link]! -= requests
  }

  /** Whether the connection has had all requests that it is for: with nothing in flight it gives way to a new one. */
  isSpent(link: number): boolean {
    return this.#everyRequest ? this.#served[link] === 1 : this.#left[link] === 0
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
