import { PartialFrames } from '../protocols/partialFrames.ts'
import type { Protocol } from '../protocols/protocol.ts'
import { type Loop, type Transport, type Written, written } from '../transports/transport.ts'
import { WrappedTransport } from '../transports/wrapped.ts'

/** What goes over a connection, for somebody who watches it. */
export interface Tap {
  opened?(link: number): void
  /** A whole frame; `isSent` is false for what came in. The bytes are valid until the call returns. */
  frame(isSent: boolean, bytes: Uint8Array, from: number, end: number): void
  /** Bytes that came in and are no frame, or the beginning of one when the connection closed. */
  rest(bytes: Uint8Array, from: number, to: number): void
  closed?(link: number, cause: string): void
}

/** A transport that shows every frame in both directions; for a few connections, as it looks at every byte. */
export class TappedTransport extends WrappedTransport {
  readonly #protocol: Protocol
  readonly #tap: Tap
  readonly #partialFrames = new PartialFrames()
  /** By link: lengths of the requests without a reply, of which a format without framing needs the first. */
  readonly #sentBytes = new Map<number, number[]>()

  constructor(transport: Transport, protocol: Protocol, tap: Tap) {
    super(transport)
    this.#protocol = protocol
    this.#tap = tap
  }

  connect(link: number): void {
    this.transport.connect(link)
  }

  write(link: number, bytes: Uint8Array, from: number, to: number, requests?: number): Written {
    const result = this.transport.write(link, bytes, from, to, requests)
    if (result === written.refused) return result
    for (let at = from; at < to; ) {
      const end = (this.#protocol.sent ?? this.#protocol).frameEnd(bytes, at, to, to - at)
      const frameEnd = end > at ? end : to
      this.#tap.frame(true, bytes, at, frameEnd)
      this.#lengthsOf(link).push(frameEnd - at)
      at = frameEnd
    }
    return result
  }

  close(link: number, isReset?: boolean): void {
    this.#forget(link)
    this.transport.close(link, isReset)
  }

  run(loop: Loop): Promise<void> {
    return this.transport.run({
      opened: (link, now) => {
        this.#tap.opened?.(link)
        loop.opened(link, now)
      },
      drained: (link, now) => loop.drained?.(link, now),
      received: (link, bytes, from, to, now) => {
        this.#show(link, bytes, from, to)
        loop.received(link, bytes, from, to, now)
      },
      closed: (link, cause, now) => {
        this.#forget(link)
        this.#tap.closed?.(link, cause)
        loop.closed(link, cause, now)
      },
      wake: now => loop.wake(now),
    })
  }

  #show(link: number, received: Uint8Array, from: number, to: number): void {
    const partial = this.#partialFrames
    partial.join(link, received, from, to)
    const { bytes, to: end } = partial
    let at = partial.from
    while (at < end) {
      const frameEnd = this.#protocol.frameEnd(bytes, at, end, this.#lengthsOf(link)[0] ?? 0)
      if (frameEnd < 0) {
        this.#tap.rest(bytes, at, end)
        at = end
      }
      if (frameEnd <= 0) break
      this.#tap.frame(false, bytes, at, frameEnd)
      this.#lengthsOf(link).shift()
      at = frameEnd
    }
    partial.keep(link, bytes, at, end)
  }

  #forget(link: number): void {
    const partial = this.#partialFrames
    partial.show(link)
    if (partial.from < partial.to) this.#tap.rest(partial.bytes, partial.from, partial.to)
    partial.drop(link)
    this.#sentBytes.delete(link)
  }

  #lengthsOf(link: number): number[] {
    let lengths = this.#sentBytes.get(link)
    if (lengths === undefined) {
      lengths = []
      this.#sentBytes.set(link, lengths)
    }
    return lengths
  }
}
