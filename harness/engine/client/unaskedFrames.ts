import type { FailureKind } from '../../failures.ts'
import type { Protocol } from '../../protocols/protocol.ts'
import type { Answers } from './answers.ts'
import type { Deliveries } from './deliveries.ts'
import type { IgnoredFrames } from './ignoredFrames.ts'

/** What may be done with a frame that answers nothing. */
export interface UnaskedParts {
  readonly ignored: IgnoredFrames | undefined
  readonly deliveries: Deliveries | undefined
  readonly answers: Answers | undefined
}

/** Frames that answer no request: to be ignored, deliveries, or messages that the server wants an answer to. */
export class UnaskedFrames {
  readonly #parts: UnaskedParts
  /** Absent where no such frame can stand within a reply. */
  readonly #frameEnd: Protocol['frameEnd'] | undefined

  private constructor(parts: UnaskedParts, { singleFrameEnd }: Protocol) {
    this.#parts = parts
    this.#frameEnd = singleFrameEnd
  }

  /** Undefined where every frame of the protocol answers a request. */
  static of(protocol: Protocol, parts: UnaskedParts): UnaskedFrames | undefined {
    return Object.values(parts).some(part => part !== undefined) ? new UnaskedFrames(parts, protocol) : undefined
  }

  /** Takes the whole frame `bytes[from, end)` if it answers nothing; false if it is a reply. */
  take(link: number, bytes: Uint8Array, from: number, end: number, now: number): boolean {
    const { ignored, deliveries, answers } = this.#parts
    return (
      ignored?.take(link, bytes, from, end) === true ||
      deliveries?.take(link, bytes, from, end, now) === true ||
      answers?.take(link, bytes, from, end, now) === true
    )
  }

  /** Takes such frames within a whole reply, which may be several frames. */
  takeWithin(link: number, bytes: Uint8Array, from: number, end: number, now: number): void {
    const frameEnd = this.#frameEnd
    if (frameEnd === undefined) return
    for (let at = from; at < end; ) {
      const next = frameEnd(bytes, at, end, 0)
      if (next <= 0 || (at === from && next === end)) return
      this.take(link, bytes, at, next, now)
      at = next
    }
  }

  /** The cause to close a connection for whose answer could not be sent, since the last call. */
  takeCause(): FailureKind | undefined {
    return this.#parts.answers?.takeCause()
  }
}
