import {
  errorWordBytesMax,
  type SampleKind,
  type SampleTable,
  sampleBytesMax,
  sampleIndex,
} from '../../metrics/samples.ts'
import type { Slab } from '../../metrics/slab.ts'
import type { PartialFrames } from '../../protocols/partialFrames.ts'
import { type Protocol, tooLarge } from '../../protocols/protocol.ts'
import type { Transport } from '../../transports/transport.ts'

const space = 0x20
const fnvOffset = 0x811c9dc5
const fnvPrime = 0x01000193
const noStep = -1

export interface SamplesOptions {
  readonly partialFrames: PartialFrames
  /** The format of the reply to a step, or of a message of the server for `noStep`; that of the protocol by default. */
  readonly protocolOf?: (step: number) => Protocol
  readonly transport: Pick<Transport, 'now'>
  /** Added to the transport's time, it gives the time that all threads share. */
  readonly sharedOffsetMs: number
}

/**
 * Keeps the first of each kind of reply that was not as expected, and counts the others like it. Only the first of a
 * kind is decoded, which allocates; the others cost a search through the kinds.
 */
export class Samples {
  readonly #table: SampleTable
  readonly #errorWords: SampleTable
  readonly #replies: SampleTable
  readonly #protocol: Protocol
  readonly #protocolOf: (step: number) => Protocol
  readonly #sharedOffsetMs: number
  readonly #partialFrames: PartialFrames
  readonly #transport: Pick<Transport, 'now'>
  /** What tells unexpected replies to the same step apart: a status, a type, or the first word of an error. */
  readonly #keyOf: (bytes: Uint8Array, from: number, end: number) => number
  readonly #hasErrorWords: boolean

  constructor({ samples, errorWords, replies }: Slab, protocol: Protocol, options: SamplesOptions) {
    const { status, type, name } = protocol
    this.#table = samples
    this.#errorWords = errorWords
    this.#replies = replies
    this.#protocol = protocol
    this.#protocolOf = options.protocolOf ?? (() => protocol)
    this.#sharedOffsetMs = options.sharedOffsetMs
    this.#partialFrames = options.partialFrames
    this.#transport = options.transport
    this.#hasErrorWords = name === 'resp'
    this.#keyOf = this.#hasErrorWords ? errorKeyOf(protocol) : (status?.read ?? type?.read ?? (() => 0))
  }

  /** In a single pass over the steps: a reply, as expected or not. */
  replied(step: number, isOk: boolean, bytes: Uint8Array, from: number, end: number, now: number): void {
    const key = this.#keyOf(bytes, from, end)
    this.#frame(this.#replies, isOk ? 'reply' : 'unexpected', step, key, bytes, from, end, now)
  }

  /** A whole reply that fails its request. */
  unexpected(step: number, bytes: Uint8Array, from: number, end: number, now: number): void {
    const key = this.#keyOf(bytes, from, end)
    this.#frame(this.#table, 'unexpected', step, key, bytes, from, end, now)
    const index = sampleIndex.unexpected
    if (!this.#hasErrorWords || key === 0 || !this.#errorWords.count(index, noStep, key)) return
    // The whole line: a secret in it can be told only before it is cut to its first word.
    const line = bytes.subarray(this.#protocol.bodyStart(bytes, from, end), this.#protocol.bodyEnd(bytes, from, end))
    this.#errorWords.keep(index, noStep, key, {
      at: now + this.#sharedOffsetMs,
      length: line.length,
      bytes: line.slice(0, sampleBytesMax),
      announced: 0,
    })
  }

  /** What has become of a step with several replies, in words; `isSinglePass` as for `replied`. */
  outcome(step: number, isOk: boolean, text: string, now: number, isSinglePass: boolean): void {
    if (isSinglePass) this.#text(this.#replies, isOk ? 'reply' : 'unexpected', step, text, now)
    if (!isOk) this.#text(this.#table, 'unexpected', step, text, now)
  }

  /** A whole frame that no request waits for. */
  unasked(kind: 'stray' | 'surplus' | 'greeting', bytes: Uint8Array, from: number, end: number, now: number): void {
    this.#frame(this.#table, kind, noStep, 0, bytes, from, end, now)
  }

  /** Bytes that are no frame: `result` is what `frameEnd` said of them. */
  broken(result: number, bytes: Uint8Array, from: number, to: number, now: number): void {
    this.#raw(result === tooLarge ? 'too-large' : 'malformed', bytes, from, to, now)
  }

  /** The beginning of a frame, if there is one on the link; its rest has not come. */
  unfinished(kind: 'unfinished' | 'partial', link: number): void {
    const frames = this.#partialFrames
    frames.show(link)
    if (frames.from < frames.to) this.#raw(kind, frames.bytes, frames.from, frames.to, this.#transport.now())
  }

  /** The same on all links while the run goes on: for runs in which nothing has been answered. */
  partial(links: number): void {
    for (let link = 0; link < links; link++) this.unfinished('partial', link)
  }

  #frame(
    table: SampleTable,
    kind: SampleKind,
    step: number,
    key: number,
    bytes: Uint8Array,
    from: number,
    end: number,
    now: number,
  ): void {
    const index = sampleIndex[kind]
    if (!table.count(index, step, key)) return
    // Of a reply without a body the whole frame is kept, as there is nothing else to see.
    const { body } = this.#protocolOf(step).decode(bytes, from, end)
    const shown = body.length > 0 ? body : bytes.subarray(from, end)
    table.keep(index, step, key, {
      at: now + this.#sharedOffsetMs,
      length: shown.length,
      bytes: shown.slice(0, sampleBytesMax),
      announced: 0,
    })
  }

  #text(table: SampleTable, kind: SampleKind, step: number, text: string, now: number): void {
    const index = sampleIndex[kind]
    if (!table.count(index, step, 0)) return
    const bytes = Buffer.from(text)
    const shown = { length: bytes.length, bytes: bytes.subarray(0, sampleBytesMax), announced: 0 }
    table.keep(index, step, 0, { at: now + this.#sharedOffsetMs, ...shown })
  }

  #raw(kind: SampleKind, bytes: Uint8Array, from: number, to: number, now: number): void {
    const index = sampleIndex[kind]
    if (!this.#table.count(index, noStep, 0)) return
    this.#table.keep(index, noStep, 0, {
      at: now + this.#sharedOffsetMs,
      length: to - from,
      bytes: bytes.slice(from, Math.min(to, from + sampleBytesMax)),
      announced: this.#protocol.announcedBytes?.(bytes, from, to) ?? 0,
    })
  }
}

/** A hash of the first word of a Redis error; 0 for any other reply. */
function errorKeyOf({ isRefusal, bodyStart }: Protocol): (bytes: Uint8Array, from: number, end: number) => number {
  return (bytes, from, end) => {
    if (isRefusal?.(bytes, from, end) !== true) return 0
    const wordAt = bodyStart(bytes, from, end)
    const wordEnd = errorWordEnd(bytes, wordAt, end)
    let hash = fnvOffset
    for (let at = wordAt; at < wordEnd; at++) hash = Math.imul(hash ^ bytes[at]!, fnvPrime)
    return hash === 0 ? 1 : hash
  }
}

function errorWordEnd(bytes: Uint8Array, from: number, end: number): number {
  const limit = Math.min(end, from + errorWordBytesMax)
  let at = from
  while (at < limit && bytes[at]! > space) at++
  return at
}
