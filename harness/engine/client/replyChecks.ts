import type { FirstReplies } from '../../metrics/firstReplies.ts'
import type { Slab } from '../../metrics/slab.ts'
import type { PlannedStep } from '../../plan/bank.ts'
import type { Protocol } from '../../protocols/protocol.ts'
import type { Captures } from './captures.ts'
import { type Check, compileCheck } from './expectation.ts'
import type { Outgoing } from './outgoing.ts'

/** What replies must be, and what is captured from them; decided once, by step. */
export class ReplyChecks {
  readonly #checks: readonly (Check | null)[]
  readonly #captures: Captures | undefined
  readonly #outgoing: Outgoing
  /** Absent where nobody wants them. */
  readonly #firstReplies: FirstReplies | undefined

  constructor(
    steps: readonly PlannedStep[],
    protocolOf: (step: number) => Protocol,
    { captures, outgoing, slab }: { captures: Captures | undefined; outgoing: Outgoing; slab: Slab },
  ) {
    this.#checks = steps.map(({ expectation }, step) => compileCheck(protocolOf(step), expectation))
    this.#captures = captures
    this.#outgoing = outgoing
    this.#firstReplies = slab.firstReplies
  }

  /** Whether the whole reply `reply[from, end)` is as expected, and has all that is captured from it. */
  passes(
    link: number,
    slot: number,
    frame: number,
    step: number,
    reply: Uint8Array,
    from: number,
    end: number,
  ): boolean {
    const check = this.#checks[step]!
    if (check !== null) {
      const outgoing = this.#outgoing
      const sentFrom = outgoing.sentFrom(slot, frame)
      const sentEnd = sentFrom + outgoing.sentLength(slot, frame)
      if (!check(reply, from, end, outgoing.sentBytes(slot, frame), sentFrom, sentEnd)) return false
    }
    const isCaptured = this.#captures === undefined || this.#captures.capture(link, step, reply, from, end)
    if (isCaptured && this.#firstReplies !== undefined) this.#firstReplies.offer(step, reply, from, end)
    return isCaptured
  }
}
