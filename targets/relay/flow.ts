import type { RelaySettings } from '../../harness/relaySettings.ts'
import type { Replies, ReplySocket } from '../server/replies.ts'
import { DelayLine, type Mark, mark } from './delayLine.ts'
import type { Job, Timeline } from './timeline.ts'
import type { Way } from './way.ts'

/** The payload of a TCP segment over Ethernet: each read is cut into segments of at most this length. */
export const segmentBytesMax = 1448
/** The most that is written with one call, and so the most that a socket queues beyond what the kernel takes. */
const writeBytesMax = 64 * 1024
/** Limits of the bytes on their way in one direction of a connection; above it nothing is read from its sender. */
const lineBytesLeast = 64 * 1024
const lineBytesMost = 16 * 1024 * 1024
/** The same limit for short segments. */
const lineSegmentsMax = 65_536
/** Bytes on their way over all connections. */
const heldBytesMax = 256 * 1024 * 1024

/** How many bytes may be on their way in one direction: as many as pass in a round trip, within limits. */
export function lineBytesMax({ rtt = 0, rate = Number.POSITIVE_INFINITY }: RelaySettings): number {
  if (rate === Number.POSITIVE_INFINITY) return lineBytesMost
  return Math.min(Math.max((rate / 8000) * rtt, lineBytesLeast), lineBytesMost)
}

/** The state that all flows of a relay share. */
export interface Network {
  readonly timeline: Timeline
  /** Collects what is written. */
  readonly replies: Replies
  readonly lineBytesMax: number
  /** Bytes on their way over all connections. */
  heldBytes: number
}

/** The two ends of a flow. */
export interface FlowEnds {
  /** Where to write; undefined while that is not open. */
  readonly destination: ReplySocket | undefined
  pauseSource(): void
  resumeSource(): void
  /** A mark has arrived, and everything before it. */
  marked(mark: Mark): void
}

/**
 * One direction of a connection: bytes read from its source are written to its destination when they arrive there. While
 * the destination accepts bytes, the flow is on the timeline with the due time of its first segment; otherwise `proceed`
 * continues it.
 */
export class Flow implements Job {
  dueMs = 0
  sequence = 0
  readonly #network: Network
  readonly #way: Way
  readonly #ends: FlowEnds
  readonly #line = new DelayLine()
  #isOnTimeline = false
  /** Nothing is read from the source because too much is on its way. */
  #isPaused = false
  /** No more bytes are sent. */
  #hasEnded = false
  /** Everything that is still sent is discarded. */
  #isCut = false

  constructor(network: Network, way: Way, ends: FlowEnds) {
    this.#network = network
    this.#way = way
    this.#ends = ends
  }

  /** Whether something is on its way that will arrive. */
  get isPending(): boolean {
    return this.#line.soonestMs < Number.POSITIVE_INFINITY
  }

  /** Sends `bytes[from, end)` on their way; they are valid only during the call. */
  send(bytes: Uint8Array, from: number, end: number): void {
    const nowMs = this.#network.timeline.now()
    while (from < end && !this.#hasEnded && !this.#isCut) {
      const next = Math.min(from + segmentBytesMax, end)
      const arrivalMs = this.#way.arrivalMs(nowMs, next - from)
      if (this.#way.resets()) {
        this.#line.addMark(mark.reset, arrivalMs)
        this.#hasEnded = true
      } else {
        this.#line.add(bytes, from, next, arrivalMs + (this.#way.loses() ? this.#way.retransmitMs : 0))
        this.#network.heldBytes += next - from
      }
      from = next
    }
    this.#schedule()
    if (this.#isFull && !this.#isPaused) {
      this.#isPaused = true
      this.#ends.pauseSource()
    }
  }

  /** Sends a mark on its way, after which no bytes are sent. */
  sendMark(kind: Mark): void {
    if (this.#isCut) return
    this.#hasEnded = true
    this.#line.addMark(kind, this.#way.markArrivalMs(this.#network.timeline.now()))
    this.#schedule()
  }

  /** Continues writing: the destination has opened, or has taken everything. */
  proceed(): void {
    if (!this.#isOnTimeline) this.fire(this.#network.timeline.now())
  }

  /** Discards what is on its way, and what is still sent. */
  cut(): void {
    this.#isCut = true
    this.#network.heldBytes -= this.#line.bytesHeld
    this.#line.clear()
    this.#resumeIfRoom()
  }

  fire(nowMs: number): void {
    this.#isOnTimeline = false
    const { destination } = this.#ends
    const { replies } = this.#network
    // Bytes that the destination does not take stay in the line, whose length is limited.
    while (destination !== undefined && destination.queuedBytes === 0) {
      replies.start(destination)
      const taken = this.#line.takeDue(nowMs, writeBytesMax, replies)
      replies.flush()
      if (taken === 0) break
      if (taken < 0) this.#ends.marked(taken as Mark)
      else {
        this.#way.bytesPassed += taken
        this.#network.heldBytes -= taken
      }
    }
    this.#resumeIfRoom()
    this.#schedule()
  }

  get #isFull(): boolean {
    const { count, bytesHeld } = this.#line
    if (bytesHeld >= this.#network.lineBytesMax || count >= lineSegmentsMax) return true
    // A flow with nothing on its way may always send something: otherwise all flows could block each other.
    return count > 0 && this.#network.heldBytes >= heldBytesMax
  }

  #resumeIfRoom(): void {
    if (!this.#isPaused || this.#isFull) return
    this.#isPaused = false
    this.#ends.resumeSource()
  }

  #schedule(): void {
    const { destination } = this.#ends
    if (this.#isOnTimeline || destination === undefined || destination.queuedBytes > 0 || !this.isPending) return
    this.#isOnTimeline = true
    this.#network.timeline.add(this, this.#line.soonestMs)
  }
}
