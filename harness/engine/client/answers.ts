import type { FailureKind } from '../../failures.ts'
import { roleIndex } from '../../metrics/slab.ts'
import type { RequestBank } from '../../plan/bank.ts'
import type { Protocol } from '../../protocols/protocol.ts'
import { written } from '../../transports/transport.ts'
import type { Captures } from './captures.ts'
import type { WorkerCounters } from './counters.ts'
import type { Outgoing } from './outgoing.ts'
import type { RequestSequence } from './requestSequence.ts'

/** What is shared with `Exchange`. */
export interface AnswersOptions {
  readonly sequence: RequestSequence
  readonly outgoing: Outgoing
  readonly captures: Captures | undefined
  readonly counters: WorkerCounters
}

/** Messages of the server that it wants an answer to, and what is sent in answer at once, beside all requests. */
export class Answers {
  readonly #ruleOf: NonNullable<Protocol['answerTo']>
  readonly #firstStep: number
  readonly #options: AnswersOptions
  #cause: FailureKind | undefined

  private constructor(ruleOf: NonNullable<Protocol['answerTo']>, firstStep: number, options: AnswersOptions) {
    this.#ruleOf = ruleOf
    this.#firstStep = firstStep
    this.#options = options
  }

  /** Undefined where the server asks for nothing. */
  static of({ answerTo }: Protocol, { steps }: RequestBank, options: AnswersOptions): Answers | undefined {
    return (
      answerTo &&
      new Answers(
        answerTo,
        steps.findIndex(({ role }) => role === 'answer'),
        options,
      )
    )
  }

  /** Answers the whole frame `bytes[from, end)`, if it is to be answered; false for all others. */
  take(link: number, bytes: Uint8Array, from: number, end: number, now: number): boolean {
    const rule = this.#ruleOf(bytes, from, end)
    if (rule < 0) return false
    const { sequence, outgoing, captures, counters } = this.#options
    const step = this.#firstStep + rule
    if (captures !== undefined && !captures.capture(link, step, bytes, from, end)) {
      counters.failureWithoutRequest('unexpected')
      return true
    }
    const result = outgoing.sendOne(link, sequence.frameOf(link, step), now)
    counters.sent(roleIndex.answer, 1, outgoing.takeBytesWritten())
    if (result === written.refused) this.#cause = outgoing.takeRefusal()
    return true
  }

  /** The cause to close a connection for whose answer could not be sent, since the last call. */
  takeCause(): FailureKind | undefined {
    const cause = this.#cause
    this.#cause = undefined
    return cause
  }
}
