import type { FailureKind } from '../../failures.ts'
import type { WorkerCounters } from './counters.ts'
import { DatagramInFlight } from './datagrams.ts'
import type { DueTimes } from './due.ts'
import type { InFlight } from './inflight.ts'
import type { Pairing } from './pairing.ts'
import type { Samples } from './samples.ts'

/** What is shared with `Exchange`. */
export interface StrayRepliesOptions {
  readonly counters: WorkerCounters
  readonly slots: InFlight
  readonly overUdp: boolean
  readonly pairing: Pairing
  readonly samples: Samples
  readonly due: DueTimes
}

/** What becomes of frames that no request waits for. */
export class StrayReplies {
  readonly #counters: WorkerCounters
  readonly #slots: InFlight
  readonly #overUdp: boolean
  readonly #datagrams: DatagramInFlight | undefined
  readonly #pairing: Pairing
  readonly #samples: Samples
  readonly #due: DueTimes

  constructor({ counters, slots, overUdp, pairing, samples, due }: StrayRepliesOptions) {
    this.#counters = counters
    this.#slots = slots
    this.#overUdp = overUdp
    this.#datagrams = slots instanceof DatagramInFlight ? slots : undefined
    this.#pairing = pairing
    this.#samples = samples
    this.#due = due
  }

  /**
   * Counts a frame: it is late, or over UDP a duplicate, or a greeting, or else unexpected. Where replies come in order,
   * the connection is closed then, as the next reply might be taken for that of another request.
   */
  take(link: number, input: Uint8Array, from: number, end: number, now: number): FailureKind | undefined {
    if (this.#slots.takeLate(link, input, from, end)) this.#counters.lateReply()
    else if (this.#overUdp && (this.#datagrams?.isDuplicate(link, input, from, end) ?? true)) {
      this.#counters.duplicateReply()
    } else if (this.#pairing.takeGreeting(link)) {
      this.#samples.unasked('greeting', input, from, end, now)
      if (this.#pairing.isGreeted(link)) this.#due.clear(link)
    } else {
      this.#samples.unasked('stray', input, from, end, now)
      if (this.#pairing.isOrdered) {
        this.#pairing.doubt()
        // The loss of the connection is the failure that is counted.
        return 'unexpected'
      }
      this.#counters.failureWithoutRequest('unexpected')
    }
    return undefined
  }

  /** After the end nothing is counted, but a frame too many shows that earlier pairs were wrong. */
  takeAfterEnd(link: number, input: Uint8Array, from: number, end: number, now: number): void {
    if (this.#pairing.isSurplus(link)) this.#samples.unasked('surplus', input, from, end, now)
  }
}
