import { createPrng, type Prng } from '../prng.ts'
import { finished, type Loop, type Transport, type Written, writeQueueBytesMax, written } from './transport.ts'
import { WrappedTransport } from './wrapped.ts'

/** How writes are split or coalesced: exactly one of `split` and `coalesce` is set. */
export interface WireSettings {
  /** The length of the pieces in bytes, or random lengths. */
  readonly split?: number | 'random'
  /** How many requests of a connection are written at once. */
  readonly coalesce?: number
  /** Milliseconds from one piece to the next, or the longest that a request is held for others. */
  readonly delay?: number
}

/** How long requests are held for others, unless the settings give a delay. */
export const coalesceDelayMs = 10
/** Delay before a write is tried again for which the connection had no room. */
const retryMs = 1

/** A transport whose writes are split or coalesced as the settings say; without settings the given transport itself. */
export function wireTransport(transport: Transport, settings: WireSettings | undefined, seed: number): Transport {
  return settings === undefined ? transport : new WireTransport(transport, settings, createPrng(seed))
}

/** The bytes of a connection that are held back. */
interface Held {
  readonly parts: Uint8Array[]
  bytes: number
  requests: number
  /** When the next piece, or with `coalesce` all of it, is written. */
  dueAt: number
}

/**
 * Between the client and its transport. The bytes held back of a connection have the bound of its write queue and are
 * written in their order. Each piece is one write of the transport, at least one turn of its loop after the one before.
 */
class WireTransport extends WrappedTransport {
  readonly #split: number | 'random' | undefined
  readonly #coalesce: number
  readonly #delayMs: number
  readonly #prng: Prng
  /** By link; a link with nothing held back is absent. */
  readonly #held = new Map<number, Held>()

  constructor(transport: Transport, { split, coalesce = 1, delay }: WireSettings, prng: Prng) {
    super(transport)
    this.#split = split
    this.#coalesce = coalesce
    this.#delayMs = delay ?? (split === undefined ? coalesceDelayMs : 0)
    this.#prng = prng
  }

  connect(link: number): void {
    this.#held.delete(link)
    this.transport.connect(link)
  }

  write(link: number, bytes: Uint8Array, from: number, to: number, requests = 1): Written {
    const held = this.#held.get(link)
    if ((held?.bytes ?? 0) + to - from > writeQueueBytesMax) return written.refused
    // A copy, as the caller reuses its array.
    const copy = bytes.slice(from, to)
    if (this.#split !== undefined)
      return held === undefined ? this.#splitWrite(link, copy) : this.#hold(link, copy, requests)
    const result = this.#hold(link, copy, requests)
    if (this.#held.get(link)!.requests < this.#coalesce) return result
    const all = this.#writeAll(link)
    // The client closes the link after a refusal, so nothing more is written to it.
    if (all === written.refused) this.#held.delete(link)
    return all
  }

  override queuedBytes(link: number): number {
    return (this.#held.get(link)?.bytes ?? 0) + this.transport.queuedBytes(link)
  }

  /** Writes the bytes held back first: the client has counted them as sent. */
  close(link: number, isReset = false): void {
    if (this.#held.has(link)) this.#writeAll(link)
    this.#held.delete(link)
    this.transport.close(link, isReset)
  }

  run(loop: Loop): Promise<void> {
    return this.transport.run({
      opened: (link, now) => loop.opened(link, now),
      received: (link, bytes, from, to, now) => loop.received(link, bytes, from, to, now),
      closed: (link, cause, now) => {
        this.#held.delete(link)
        loop.closed(link, cause, now)
      },
      drained: (link, now) => {
        if (!this.#held.has(link)) loop.drained?.(link, now)
      },
      wake: now => {
        this.#writeDue(loop, now)
        const next = loop.wake(now)
        if (next !== finished) return Math.min(next, this.#soonest())
        // The transport closes the links next: the bytes held back go first, as the client has counted them as sent.
        for (const link of this.#held.keys()) this.#writeAll(link)
        return finished
      },
    })
  }

  /** Writes the first piece, and holds back the rest. */
  #splitWrite(link: number, bytes: Uint8Array): Written {
    const length = this.#pieceBytes(bytes.length)
    if (this.transport.write(link, bytes, 0, length) === written.refused) return written.refused
    return length === bytes.length ? written.taken : this.#hold(link, bytes.subarray(length), 1)
  }

  #hold(link: number, bytes: Uint8Array, requests: number): Written {
    let held = this.#held.get(link)
    if (held === undefined) {
      const dueAt = this.transport.now() + this.#delayMs
      held = { parts: [], bytes: 0, requests: 0, dueAt }
      this.#held.set(link, held)
      this.transport.wakeAt(dueAt)
    }
    held.parts.push(bytes)
    held.bytes += bytes.length
    held.requests += requests
    return written.taken
  }

  #writeDue(loop: Loop, now: number): void {
    for (const [link, held] of this.#held) {
      if (held.dueAt > now) continue
      if (this.#split !== undefined) this.#writePiece(link, held, now)
      // The bytes wait here until there is room; `write` refuses more than may wait.
      else if (this.#writeAll(link) === written.refused) held.dueAt = now + retryMs
      // Where some of it waits in the transport, that is what says when the last is gone.
      if (this.queuedBytes(link) === 0) loop.drained?.(link, now)
    }
  }

  #writePiece(link: number, held: Held, now: number): void {
    const part = held.parts[0]!
    const length = this.#pieceBytes(part.length)
    if (this.transport.write(link, part, 0, length) === written.refused) {
      held.dueAt = now + Math.max(retryMs, this.#delayMs)
      return
    }
    held.bytes -= length
    if (length < part.length) held.parts[0] = part.subarray(length)
    else held.parts.shift()
    held.dueAt = now + this.#delayMs
    if (held.parts.length === 0) this.#held.delete(link)
  }

  #writeAll(link: number): Written {
    const { parts } = this.#held.get(link)!
    // Joined once, also when the write is refused and tried again.
    const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts)
    parts.splice(0, parts.length, bytes)
    if (this.transport.write(link, bytes, 0, bytes.length) === written.refused) return written.refused
    this.#held.delete(link)
    return written.taken
  }

  #pieceBytes(left: number): number {
    return this.#split === 'random' ? 1 + this.#prng.below(left) : Math.min(left, this.#split!)
  }

  #soonest(): number {
    let soonest = Number.POSITIVE_INFINITY
    for (const { dueAt } of this.#held.values()) soonest = Math.min(soonest, dueAt)
    return soonest
  }
}
