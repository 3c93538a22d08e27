import { roleIndex } from '../../metrics/slab.ts'
import type { PartialFrames } from '../../protocols/partialFrames.ts'
import { incomplete, type Protocol } from '../../protocols/protocol.ts'
import type { WorkerCounters } from './counters.ts'
import type { Deliveries } from './deliveries.ts'
import type { InFlight } from './inflight.ts'
import type { OneWayRequests } from './oneWay.ts'
import type { Pairing } from './pairing.ts'
import type { ReplyFrames } from './replyForms.ts'
import type { RequestSequence } from './requestSequence.ts'
import type { Samples } from './samples.ts'
import type { StrayReplies } from './strayReplies.ts'
import type { UnansweredRequests } from './unansweredRequests.ts'

/** What is shared with `Exchange`. */
export interface AfterEndOptions {
  readonly protocol: Protocol
  readonly counters: WorkerCounters
  readonly slots: InFlight
  readonly sequence: RequestSequence
  readonly unanswered: UnansweredRequests
  readonly partialFrames: PartialFrames
  readonly deliveries: Deliveries | undefined
  readonly pairing: Pairing
  readonly samples: Samples
  readonly strays: StrayReplies
  readonly oneWay: OneWayRequests | undefined
  readonly frames: ReplyFrames
}

/** What comes in after counting has stopped: it frees the slots, and nothing but response times is counted of it. */
export class AfterEnd {
  readonly #options: AfterEndOptions

  constructor(options: AfterEndOptions) {
    this.#options = options
  }

  /** Takes the bytes of a readable event. */
  receive(link: number, bytes: Uint8Array, from: number, to: number, now: number): void {
    const { protocol, partialFrames, deliveries, pairing, samples, unanswered, slots, frames } = this.#options
    deliveries?.received(link, now)
    partialFrames.join(link, bytes, from, to)
    const { bytes: input, to: end } = partialFrames
    let at = partialFrames.from
    let isOver = false
    while (at < end && !isOver) {
      const found = frames.frameEnd(link, input, at, end)
      if (found === incomplete) break
      const isLast = !frames.isInOtherForm(link) && protocol.endsConnection?.(input, at, found) === true
      isOver = found < 0 || isLast || this.#isLoggingIn(link)
      if (found > 0) this.takeFrame(link, input, at, found, now)
      else samples.broken(found, input, at, end, now)
      at = isOver ? end : found
    }
    if (isOver) {
      pairing.breaks(link)
      unanswered.censor(link, now)
      slots.clear(link)
    }
    pairing.drainedAt = now
    partialFrames.keep(link, input, frames.start(link, input, at, end), end)
  }

  /** Takes a whole frame. */
  takeFrame(link: number, input: Uint8Array, from: number, end: number, now: number): void {
    const { counters, slots, sequence, strays } = this.#options
    if (this.#takeUnasked(link, input, from, end, now)) return
    const slot = slots.find(link, input, from, end)
    if (slot < 0) {
      strays.takeAfterEnd(link, input, from, end, now)
      return
    }
    const role = sequence.role[sequence.stepOfFrame[slots.frame[slot]!]!]!
    if (role === roleIndex.request) counters.drainedResponseTime(now - slots.intendedAt[slot]!)
    counters.nonCompletingReply()
    slots.release(link, slot)
  }

  /** Whether a frame answers nothing. */
  #takeUnasked(link: number, input: Uint8Array, from: number, end: number, now: number): boolean {
    const { protocol, deliveries, frames } = this.#options
    if (frames.isInOtherForm(link)) return false
    if (protocol.ignores?.(input, from, end) || (protocol.answerTo?.(input, from, end) ?? -1) >= 0) return true
    return deliveries?.takeAfterEnd(link, input, from, end, now) === true
  }

  /** A login that was under way at the end goes no further: what else comes on the link is of no interest. */
  #isLoggingIn(link: number): boolean {
    const { slots, sequence } = this.#options
    const oldest = slots.oldest(link)
    return oldest >= 0 && sequence.logsIn[sequence.stepOfFrame[slots.frame[oldest]!]!]!
  }

  /** Counts the ages at `endAt` of what is still unanswered on any link, and shows the beginnings of replies. */
  censor(links: number, endAt: number): void {
    const { unanswered, samples } = this.#options
    for (let link = 0; link < links; link++) {
      unanswered.censor(link, endAt)
      samples.unfinished('unfinished', link)
    }
  }

  /** Whether nothing is awaited on the link any more. */
  mayClose(link: number): boolean {
    const { deliveries, slots, pairing, oneWay } = this.#options
    const isAwaited = slots.count[link]! > 0 || (oneWay?.waiting[link] ?? 0) > 0
    return deliveries === undefined && !isAwaited && !pairing.isSurplus(link)
  }

  /** When the loop may close the links that `mayClose` keeps open, or has to ask again. */
  quietAt(now: number): number {
    const { deliveries, pairing, slots, counters, oneWay } = this.#options
    if (deliveries === undefined && !pairing.isOrdered) return Number.POSITIVE_INFINITY
    const hasInFlight = slots.count.some(count => count > 0) || (oneWay?.waiting.some(count => count > 0) ?? false)
    if (deliveries !== undefined) return deliveries.quietAt(now, hasInFlight)
    return pairing.quietAt(now, hasInFlight, counters.meanResponseMs())
  }
}
