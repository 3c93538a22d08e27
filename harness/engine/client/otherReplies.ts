import { roleIndex } from '../../metrics/slab.ts'
import type { Protocol } from '../../protocols/protocol.ts'
import type { WorkerCounters } from './counters.ts'
import type { Deliveries } from './deliveries.ts'
import type { InFlight } from './inflight.ts'
import type { LinkState } from './linkState.ts'
import type { RequestSequence } from './requestSequence.ts'
import type { UnansweredRequests } from './unansweredRequests.ts'

/** What is shared with `Exchange`. */
export interface OtherRepliesOptions {
  readonly protocol: Protocol
  readonly counters: WorkerCounters
  readonly slots: InFlight
  readonly sequence: RequestSequence
  readonly links: LinkState
  readonly unanswered: UnansweredRequests
  readonly deliveries: Deliveries | undefined
}

/** Replies that complete no request of the loop: to heartbeats and messages of the handshake, and unexpected ones. */
export class OtherReplies {
  readonly #options: OtherRepliesOptions

  constructor(options: OtherRepliesOptions) {
    this.#options = options
  }

  /** Records the whole reply `input[from, end)`. */
  record(
    link: number,
    slot: number,
    step: number,
    isOk: boolean,
    input: Uint8Array,
    from: number,
    end: number,
    now: number,
  ): void {
    const { counters, slots, sequence, links, unanswered, deliveries } = this.#options
    // With deliveries the audit needs every acknowledgement, also one that was not as expected.
    if (!isOk && deliveries !== undefined && !this.isRefusal(input, from, end)) counters.nonCompletingReply()
    const role = sequence.role[step]!
    const responseMs = now - slots.intendedAt[slot]!
    slots.release(link, slot)
    if (role === roleIndex.heartbeat) links.heartbeatEnded(link)
    if (isOk) {
      counters.completed(role, 1)
      return
    }
    counters.failed(role, 1, 'unexpected')
    if (role !== roleIndex.request) return
    links.answered(link)
    counters.timeToFailure(responseMs)
    counters.failedOn(step)
    unanswered.missCaptures(link, step)
  }

  /** Whether the server says no with the whole reply. */
  isRefusal(input: Uint8Array, from: number, end: number): boolean {
    return this.#options.protocol.isRefusal?.(input, from, end) === true
  }
}
