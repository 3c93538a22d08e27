import { PartialFrames } from '../protocols/partialFrames.ts'
import type { Protocol } from '../protocols/protocol.ts'
import { type Loop, type Transport, type Written, written } from '../transports/transport.ts'
import { WrappedTransport } from '../transports/wrapped.ts'

/** The link of a frame, and its format; that is undefined where it is none of the protocol. */
export interface TappedFrame {
  readonly link: number
  readonly format: Pick<Protocol, 'decode'> | undefined
}

/** What goes over a connection, for somebody who watches it. */
export interface Tap {
  opened?(link: number): void
  /** A whole frame; `isSent` is false for what came in. The bytes are valid until the call returns. */
  frame(isSent: boolean, bytes: Uint8Array, from: number, end: number, of: TappedFrame): void
  /** Bytes that came in and are no frame, or the beginning of one when the connection closed. */
  rest(bytes: Uint8Array, from: number, to: number, link: number): void
  closed?(link: number, cause: string): void
}

/** A transport that shows every frame in both directions; for a few connections, as it looks at every byte. */
export class TappedTransport extends WrappedTransport {
  readonly #protocol: Protocol
  readonly #tap: Tap
  /** The format of the reply that is next on a link, where replies end differently. */
  formatOfNext: (link: number) => Protocol
  readonly #partialFrames = new PartialFrames()
  /** By link: lengths of the requests without a reply, of which a format without framing needs the first. */
  readonly #sentBytes = new Map<number, number[]>()

  /** Links that were closed since something last came in on them. */
  readonly #forgotten = new Set<number>()

  constructor(transport: Transport, protocol: Protocol, tap: Tap) {
    super(transport)
    this.#protocol = protocol
    this.#tap = tap
    this.formatOfNext = () => protocol
  }

  connect(link: number): void {
    this.transport.connect(link)
  }

  write(link: number, bytes: Uint8Array, from: number, to: number, requests?: number): Written {
    const result = this.transport.write(link, bytes, from, to, requests)
    if (result === written.refused) return result
    const sent = this.#protocol.sent ?? this.#protocol
    for (let at = from; at < to; ) {
      const end = sent.frameEnd(bytes, at, to, to - at)
      const frameEnd = end > at ? end : to
      this.#tap.frame(true, bytes, at, frameEnd, { link, format: end > at ? sent : undefined })
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
        this.#show(link, bytes, from, to, (at, end) => loop.received(link, bytes, at, end, now))
      },
      closed: (link, cause, now) => {
        this.#forget(link)
        this.#tap.closed?.(link, cause)
        loop.closed(link, cause, now)
      },
      wake: now => loop.wake(now),
    })
  }

  /** Shows what came in and passes it on, frame by frame: what a reply is may depend on how many came before it. */
  #show(
    link: number,
    received: Uint8Array,
    from: number,
    to: number,
    passOn: (from: number, to: number) => void,
  ): void {
    const partial = this.#partialFrames
    partial.join(link, received, from, to)
    const { bytes, to: end } = partial
    let at = partial.from
    let passed = from
    this.#forgotten.delete(link)
    while (at < end) {
      const format = this.formatOfNext(link)
      const frameEnd = format.frameEnd(bytes, at, end, this.#lengthsOf(link)[0] ?? 0)
      if (frameEnd < 0) {
        this.#tap.rest(bytes, at, end, link)
        at = end
      }
      if (frameEnd <= 0) break
      this.#tap.frame(false, bytes, at, frameEnd, { link, format })
      this.#lengthsOf(link).shift()
      at = frameEnd
      passOn(passed, to - (end - at))
      // The frame may have ended its connection, and what stood behind it has been shown as the rest.
      if (this.#forgotten.has(link)) return
      passed = to - (end - at)
    }
    partial.keep(link, bytes, at, end)
    if (passed < to) passOn(passed, to)
  }

  #forget(link: number): void {
    this.#forgotten.add(link)
    const partial = this.#partialFrames
    partial.show(link)
    if (partial.from < partial.to) this.#tap.rest(partial.bytes, partial.from, partial.to, link)
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
