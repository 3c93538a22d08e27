import { type FailureKind, failureIndex } from '../failures.ts'
import { bucketIndex, countsLength, toTicks } from '../metrics/histogram.ts'
import { field, histogram, roleIndex, type Slab } from '../metrics/slab.ts'
import type { TcpInfo } from '../transports/transport.ts'

/** A worker's accounts in its slab: what was sent, and what became of it. */
export class Books {
  readonly #fields: Int32Array
  readonly #counts: Uint32Array
  /** Requests of the loop that have neither been answered nor failed. */
  inFlight = 0

  constructor(slab: Slab) {
    this.#fields = slab.fields
    this.#counts = slab.counts
  }

  sent(role: number, requests: number, bytes: number): void {
    Atomics.add(this.#fields, field.sent + role, requests)
    Atomics.add(this.#fields, field.bytesSent, bytes)
    if (role === roleIndex.request) this.inFlight += requests
  }

  received(bytes: number): void {
    Atomics.add(this.#fields, field.bytesReceived, bytes)
  }

  /** The latency of one answered request; the count is added by `completed`, once for all of a readable event. */
  answered(step: number, milliseconds: number): void {
    this.#count(histogram.steps + step, milliseconds)
  }

  completed(role: number, requests: number): void {
    Atomics.add(this.#fields, field.completed + role, requests)
    if (role === roleIndex.request) this.inFlight -= requests
  }

  failed(role: number, requests: number, kind: FailureKind): void {
    Atomics.add(this.#fields, field.failed + role, requests)
    Atomics.add(this.#fields, field.failures + failureIndex[kind], requests)
    if (role === roleIndex.request) this.inFlight -= requests
  }

  /** A failure that no request stands behind, such as a refused connect. */
  mishap(kind: FailureKind): void {
    Atomics.add(this.#fields, field.failures + failureIndex[kind], 1)
  }

  connected(milliseconds: number): void {
    Atomics.add(this.#fields, field.connects, 1)
    this.#count(histogram.connect, milliseconds)
  }

  roundTripAtOpen({ roundTripMs }: TcpInfo): void {
    this.#count(histogram.roundTripAtOpen, roundTripMs)
  }

  roundTripAtEnd({ roundTripMs, leastRoundTripMs }: TcpInfo): void {
    this.#count(histogram.roundTripAtEnd, roundTripMs)
    this.#count(histogram.leastRoundTripAtEnd, leastRoundTripMs)
  }

  /** A connection is ready for requests, or no longer. */
  open(change: 1 | -1): void {
    Atomics.add(this.#fields, field.open, change)
  }

  #count(index: number, milliseconds: number): void {
    this.#counts[index * countsLength + bucketIndex(toTicks(milliseconds))]!++
  }
}
