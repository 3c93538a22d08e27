import { createPrng, type Prng } from '../prng.ts'
import {
  finished,
  type Loop,
  type TcpInfo,
  type Transport,
  type Written,
  writeQueueBytesMax,
  written,
} from './transport.ts'

/** How writes are cut or glued: exactly one of `split` and `coalesce` is there. */
export interface WireSettings {
  /** Pieces of so many bytes, or of random lengths. */
  readonly split?: number | 'random'
  /** So many requests of a connection are written at once. */
  readonly coalesce?: number
  /** Milliseconds from one piece to the next, or that requests are held for others at most. */
  readonly delay?: number
}

/** How long requests are held for others, unless the settings say it. */
export const coalesceDelayMs = 10
/** When a piece is tried again that the connection had no room for. */
const retryMs = 1

/** A transport whose writes are cut or glued as the settings say, or the very same one where there are none. */
export function wireTransport(transport: Transport, settings: WireSettings | undefined, seed: number): Transport {
  return settings === undefined ? transport : new WireTransport(transport, settings, createPrng(seed))
}

/** What a connection has yet to write. */
interface Held {
  readonly parts: Uint8Array[]
  bytes: number
  requests: number
  /** When the next piece is written, or all of it. */
  dueAt: number
}

/**
 * Stands between the client and its transport. What is held back of a connection is bounded as its write queue is, and
 * is written in order; a piece of its own is one call of the transport's, and at least one turn of its loop apart from the next.
 */
class WireTransport implements Transport {
  readonly #transport: Transport
  readonly #split: number | 'random' | undefined
  readonly #coalesce: number
  readonly #delayMs: number
  readonly #prng: Prng
  /** By link; a link that has nothing to write is not there. */
  readonly #held = new Map<number, Held>()

  constructor(transport: Transport, { split, coalesce = 1, delay }: WireSettings, prng: Prng) {
    this.#transport = transport
    this.#split = split
    this.#coalesce = coalesce
    this.#delayMs = delay ?? (split === undefined ? coalesceDelayMs : 0)
    this.#prng = prng
  }

  get name(): string {
    return this.#transport.name
  }

  get idleMs(): number {
    return this.#transport.idleMs
  }

  get retransmits(): number {
    return this.#transport.retransmits ?? 0
  }

  connect(link: number): void {
    this.#held.delete(link)
    this.#transport.connect(link)
  }

  write(link: number, bytes: Uint8Array, from: number, to: number, requests = 1): Written {
    const held = this.#held.get(link)
    if ((held?.bytes ?? 0) + to - from > writeQueueBytesMax) return written.refused
    // A copy, as the caller uses its own again.
    const copy = bytes.slice(from, to)
    if (this.#split !== undefined) return held === undefined ? this.#cut(link, copy) : this.#hold(link, copy, requests)
    const result = this.#hold(link, copy, requests)
    if (this.#held.get(link)!.requests < this.#coalesce) return result
    const all = this.#writeAll(link)
    // The link is closed for it, and nothing of it goes out any more.
    if (all === written.refused) this.#held.delete(link)
    return all
  }

  /** What is held back is written before: to the server it was sent. */
  close(link: number): void {
    if (this.#held.has(link)) this.#writeAll(link)
    this.#held.delete(link)
    this.#transport.close(link)
  }

  now(): number {
    return this.#transport.now()
  }

  wakeAt(time: number): void {
    this.#transport.wakeAt(time)
  }

  tcpInfo(link: number): TcpInfo | undefined {
    return this.#transport.tcpInfo?.(link)
  }

  run(loop: Loop): Promise<void> {
    return this.#transport.run({
      opened: (link, now) => loop.opened(link, now),
      received: (link, bytes, from, to, now) => loop.received(link, bytes, from, to, now),
      closed: (link, cause, now) => {
        this.#held.delete(link)
        loop.closed(link, cause, now)
      },
      wake: now => {
        this.#writeDue(now)
        const next = loop.wake(now)
        if (next !== finished) return Math.min(next, this.#soonest())
        // The links are closed with that, and to the server all of it was sent.
        for (const link of this.#held.keys()) this.#writeAll(link)
        return finished
      },
    })
  }

  /** Writes the first piece, and holds back the rest. */
  #cut(link: number, bytes: Uint8Array): Written {
    const length = this.#pieceBytes(bytes.length)
    if (this.#transport.write(link, bytes, 0, length) === written.refused) return written.refused
    return length === bytes.length ? written.taken : this.#hold(link, bytes.subarray(length), 1)
  }

  #hold(link: number, bytes: Uint8Array, requests: number): Written {
    let held = this.#held.get(link)
    if (held === undefined) {
      const dueAt = this.#transport.now() + this.#delayMs
      held = { parts: [], bytes: 0, requests: 0, dueAt }
      this.#held.set(link, held)
      this.#transport.wakeAt(dueAt)
    }
    held.parts.push(bytes)
    held.bytes += bytes.length
    held.requests += requests
    return written.taken
  }

  #writeDue(now: number): void {
    for (const [link, held] of this.#held) {
      if (held.dueAt > now) continue
      if (this.#split !== undefined) this.#writePiece(link, held, now)
      // It waits here until there is room, and what is more than may wait is refused.
      else if (this.#writeAll(link) === written.refused) held.dueAt = now + retryMs
    }
  }

  #writePiece(link: number, held: Held, now: number): void {
    const part = held.parts[0]!
    const length = this.#pieceBytes(part.length)
    if (this.#transport.write(link, part, 0, length) === written.refused) {
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
    // What is tried again need not be put together again.
    const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts)
    parts.splice(0, parts.length, bytes)
    if (this.#transport.write(link, bytes, 0, bytes.length) === written.refused) return written.refused
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
