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
  /** By link: the bytes of a reply that is not whole yet in which such frames have been taken already. */
  readonly #taken: Uint32Array

  private constructor(parts: UnaskedParts, { singleFrameEnd }: Protocol, connections: number) {
    this.#parts = parts
    this.#frameEnd = singleFrameEnd
    this.#taken = new Uint32Array(connections)
  }

  /** Undefined where every frame of the protocol answers a request. */
  static of(protocol: Protocol, connections: number, parts: UnaskedParts): UnaskedFrames | undefined {
    const isAny = Object.values(parts).some(part => part !== undefined)
    return isAny ? new UnaskedFrames(parts, protocol, connections) : undefined
  }

  closed(link: number): void {
    this.#taken[link] = 0
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

  /**
   * Takes such frames within a whole reply, which may be several frames. Returns the cause to close the connection for, as
   * `takeCause` does.
   */
  takeWithin(link: number, bytes: Uint8Array, from: number, end: number, now: number): FailureKind | undefined {
    const frameEnd = this.#frameEnd
    if (frameEnd === undefined) return undefined
    const taken = this.#taken[link]!
    this.#taken[link] = 0
    for (let at = from + taken; at < end; ) {
      const next = frameEnd(bytes, at, end, 0)
      if (next <= 0 || (at === from && next === end)) return undefined
      this.take(link, bytes, at, next, now)
      at = next
    }
    return this.takeCause()
  }

  /**
   * Takes such frames within the reply that begins at `from` and is not whole yet: a server may wait for an answer before
   * it goes on. Returns the cause to close the connection for, as `takeCause` does.
   */
  takeWithinPart(link: number, bytes: Uint8Array, from: number, to: number, now: number): FailureKind | undefined {
    const frameEnd = this.#frameEnd
    if (frameEnd === undefined) return undefined
    for (let at = from + this.#taken[link]!; at < to; ) {
      const next = frameEnd(bytes, at, to, 0)
      if (next <= 0) break
      this.take(link, bytes, at, next, now)
      this.#taken[link] = next - from
      at = next
    }
    return this.takeCause()
  }

  /** The cause to close a connection for whose answer could not be sent, since the last call. */
  takeCause(): FailureKind | undefined {
    return this.#parts.answers?.takeCause()
  }
}
