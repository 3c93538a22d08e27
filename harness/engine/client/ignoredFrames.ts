import type { Protocol } from '../../protocols/protocol.ts'
import type { WorkerCounters } from './counters.ts'
import type { InFlight } from './inflight.ts'
import type { RequestSequence } from './requestSequence.ts'

/** Frames that answer nothing, and that the rules of the protocol pass over. */
export class IgnoredFrames {
  readonly #ignores: NonNullable<Protocol['ignores']>
  readonly #slots: InFlight
  readonly #sequence: RequestSequence
  readonly #counters: WorkerCounters

  private constructor(
    ignores: NonNullable<Protocol['ignores']>,
    { slots, sequence, counters }: { slots: InFlight; sequence: RequestSequence; counters: WorkerCounters },
  ) {
    this.#ignores = ignores
    this.#slots = slots
    this.#sequence = sequence
    this.#counters = counters
  }

  /** Undefined where every frame of the protocol is of interest. */
  static of(
    protocol: Protocol,
    shared: { slots: InFlight; sequence: RequestSequence; counters: WorkerCounters },
  ): IgnoredFrames | undefined {
    return protocol.ignores && new IgnoredFrames(protocol.ignores, shared)
  }

  /** Counts the whole frame `bytes[from, end)` if it is to be ignored. A step that listens takes whatever comes. */
  take(link: number, bytes: Uint8Array, from: number, end: number): boolean {
    if (!this.#ignores(bytes, from, end) || this.#isListening(link)) return false
    this.#counters.ignoredFrame()
    return true
  }

  #isListening(link: number): boolean {
    const oldest = this.#slots.oldest(link)
    return oldest >= 0 && this.#sequence.listens[this.#sequence.stepOfFrame[this.#slots.frame[oldest]!]!]!
  }
}
