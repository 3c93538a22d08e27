import type { WorkerPlan } from '../../plan/plan.ts'
import { createProtocol } from '../../protocols/catalog.ts'
import { overDatagrams } from '../../protocols/datagram.ts'
import type { Protocol } from '../../protocols/protocol.ts'
import type { InFlight } from './inflight.ts'
import type { Outgoing } from './outgoing.ts'
import type { RequestSequence } from './requestSequence.ts'

/** The formats of replies, where those to some steps end unlike the others. */
export class ReplyForms {
  readonly #protocol: Protocol
  /** By step: the format of its reply. */
  readonly #ofStep: readonly Protocol[]
  /** By step: whether the frames of its reply are not those of the protocol. */
  readonly #isOther: readonly boolean[]

  private constructor({ bank, address }: Pick<WorkerPlan, 'bank' | 'address'>, protocol: Protocol) {
    const made = (own: Protocol) => (address.scheme === 'udp' ? overDatagrams(own) : own)
    this.#protocol = protocol
    this.#ofStep = bank.steps.map(({ form }) => (form === undefined ? protocol : made(createProtocol(form.spec))))
    this.#isOther = bank.steps.map(({ form }) => form?.isOther === true)
  }

  /** Undefined where all replies have the format of the protocol. */
  static of(plan: Pick<WorkerPlan, 'bank' | 'address'>, protocol: Protocol): ReplyForms | undefined {
    return plan.bank.steps.some(({ form }) => form !== undefined) ? new ReplyForms(plan, protocol) : undefined
  }

  /** The format of the reply to a step; that of the protocol for -1. */
  of(step: number): Protocol {
    return this.#ofStep[step] ?? this.#protocol
  }

  /** Whether what comes for a step is in another format, so that nothing in it is a message of the protocol. */
  isOther(step: number): boolean {
    return this.#isOther[step] === true
  }
}

/** What is shared with `Exchange`. */
export interface ReplyFramesOptions {
  readonly forms: ReplyForms | undefined
  readonly slots: InFlight
  readonly sequence: RequestSequence
  readonly outgoing: Outgoing
}

/** Where replies end: by the protocol alone, or by the request that is answered next. */
export class ReplyFrames {
  readonly #protocol: Protocol
  readonly #options: ReplyFramesOptions
  readonly #needsRequest: boolean

  constructor(protocol: Protocol, options: ReplyFramesOptions) {
    this.#protocol = protocol
    this.#options = options
    this.#needsRequest = protocol.needsRequestBytes === true || options.forms !== undefined
  }

  /** The end of the first frame on a link, as `Protocol.frameEnd` gives it. */
  frameEnd(link: number, input: Uint8Array, at: number, end: number): number {
    return this.#needsRequest ? this.#endFor(link, input, at, end) : this.#protocol.frameEnd(input, at, end, 0)
  }

  /** Where a frame begins that is not whole yet: behind what may stand between frames, which is the start of none. */
  start(link: number, input: Uint8Array, at: number, end: number): number {
    const { between } = this.#protocol
    return between === undefined || this.isInOtherForm(link) ? at : between(input, at, end)
  }

  /** Whether the next reply is in another format, so that nothing in it is a message of the protocol. */
  isInOtherForm(link: number): boolean {
    const { forms, slots, sequence } = this.#options
    if (forms === undefined) return false
    const oldest = slots.oldest(link)
    return oldest >= 0 && forms.isOther(sequence.stepOfFrame[slots.frame[oldest]!]!)
  }

  /** The format of the reply that is next on a link. */
  formatOfNext(link: number): Protocol {
    const { forms, slots, sequence } = this.#options
    const oldest = forms === undefined ? -1 : slots.oldest(link)
    return oldest < 0 ? this.#protocol : forms!.of(sequence.stepOfFrame[slots.frame[oldest]!]!)
  }

  #endFor(link: number, input: Uint8Array, at: number, end: number): number {
    const { forms, slots, sequence, outgoing } = this.#options
    const oldest = slots.oldest(link)
    if (oldest < 0) return this.#protocol.frameEnd(input, at, end, 0)
    const frame = slots.frame[oldest]!
    const protocol = forms?.of(sequence.stepOfFrame[frame]!) ?? this.#protocol
    return protocol.frameEnd(input, at, end, outgoing.sentLength(oldest, frame))
  }
}
