import type { FailureKind } from '../../failures.ts'
import type { BodyLayers } from '../../protocols/protocol.ts'
import { type Transport, type Written, written } from '../../transports/transport.ts'
import type { Captures } from './captures.ts'
import type { InFlight } from './inflight.ts'
import type { Patcher } from './patches.ts'
import type { Sending } from './sending.ts'

const batchBytesMax = 256 * 1024

/** The parts of the worker that sending uses. */
export interface OutgoingOptions {
  readonly transport: Transport
  readonly slots: InFlight
  readonly patcher: Patcher
  /** Absent where no step captures anything. */
  readonly captures: Captures | undefined
  readonly layers: BodyLayers | undefined
}

/**
 * Puts requests together and hands them to the transport in as few writes as may be. What can be decided is decided
 * here once: requests that are all alike go out of a block that holds them ready, any number in one write and without
 * a copy; a single one that nothing is patched into goes out as it was encoded, within its layers; the rest is copied and
 * patched. Only what takes a captured value, or is patched within layers, is encoded each time, which allocates.
 */
export class Outgoing {
  readonly #transport: Transport
  readonly #frames: readonly Uint8Array[]
  readonly #layers: BodyLayers | undefined
  /** Frames as they are sent, but for what is encoded or patched each time. */
  readonly #sendable: readonly Uint8Array[]
  readonly #patcher: Patcher
  /** Absent where no step captures anything. */
  readonly #captures: Captures | undefined
  /** By frame: whether it is encoded each time it is sent. */
  readonly #isEncoded: readonly boolean[]
  readonly #slots: InFlight
  readonly #hasIds: boolean
  readonly #firstConnection: number
  /** The first frame over and over, when the loop sends nothing else. */
  readonly #block: Uint8Array | undefined
  readonly #blockFrames: number
  #batch: Uint8Array
  #batchBytes = 0
  #batchRequests = 0
  #bytesWritten = 0
  /** By link: whether its last write had to wait for the kernel. */
  readonly #waits: Uint8Array
  /** Requests as they were sent, by slot, kept where a check wants to compare them with the reply. */
  readonly #sentBytes: Uint8Array | undefined
  readonly #frameBytesMax: number
  /** Over UDP each write is a datagram, which has one request. */
  readonly #oneAWrite: boolean
  /** What `add` adds; undefined for a request that cannot be encoded. */
  #next: Uint8Array | undefined
  /** The same without its layers, where it was encoded just now. */
  #nextPlain: Uint8Array | undefined
  #isUnfit = false
  /** By slot, without its layers, where it was encoded when it was sent and its reply may be held against it. */
  readonly #encoded: (Uint8Array | undefined)[] = []
  readonly #keepsEncoded: boolean

  constructor(sending: Sending, { transport, slots, patcher, captures, layers }: OutgoingOptions) {
    const { bank, endless, overUdp, hasIds } = sending
    this.#transport = transport
    this.#frames = bank.frames
    this.#layers = layers
    this.#patcher = patcher
    this.#captures = captures
    this.#isEncoded = bank.frames.map(
      (_, frame) => captures?.makes(frame) === true || (layers !== undefined && patcher.changes(frame)),
    )
    this.#sendable = bank.frames.map((bytes, frame) =>
      layers === undefined || this.#isEncoded[frame] ? bytes : layers.wrapFrame(bytes),
    )
    this.#slots = slots
    this.#hasIds = hasIds
    this.#firstConnection = sending.firstConnection
    this.#frameBytesMax = bank.frameBytesMax
    this.#oneAWrite = overUdp
    this.#waits = new Uint8Array(sending.links)
    this.#batch = new Uint8Array(this.#sendable.reduce((most, { length }) => Math.max(most, length), batchBytesMax))
    const isPatched = (frame: number) => patcher.changes(frame) && !this.#isEncoded[frame]
    const isAnyPatched = bank.frames.some((_, frame) => isPatched(frame))
    const keeps = bank.keepsSentBytes && isAnyPatched
    this.#sentBytes = keeps ? new Uint8Array(slots.frame.length * this.#frameBytesMax) : undefined
    this.#keepsEncoded = sending.needsRequestBytes || bank.steps.some(({ expectation }) => expectation?.echo === true)
    this.#blockFrames = 0
    const [first, second] = bank.steps
    const alone = first!.frameCount === 1 && second?.role !== 'request'
    const isConstant = !patcher.changes(0) && !this.#isEncoded[0]
    if (endless && alone && isConstant && !hasIds) {
      const frame = this.#sendable[0]!
      const frames = Math.min(sending.pipeline, Math.floor(batchBytesMax / frame.length))
      this.#blockFrames = overUdp ? 1 : Math.max(1, frames)
      this.#block = new Uint8Array(this.#blockFrames * frame.length)
      for (let index = 0; index < this.#blockFrames; index++) this.#block.set(frame, index * frame.length)
    }
  }

  /** How many of the same frame may be sent by `sendAlike` at once; 0 when requests are not all alike. */
  get alikeMax(): number {
    return this.#blockFrames
  }

  /** Bytes written since this was last asked. */
  takeBytesWritten(): number {
    const bytes = this.#bytesWritten
    this.#bytesWritten = 0
    return bytes
  }

  /** Why the last request was refused. */
  takeRefusal(): FailureKind {
    const isUnfit = this.#isUnfit
    this.#isUnfit = false
    return isUnfit ? 'unexpected' : 'overflow'
  }

  /** Sends the first frame `requests` times; takes their slots. */
  sendAlike(link: number, requests: number, now: number): Written {
    for (let index = 0; index < requests; index++) this.#slots.take(link, 0, now)
    return this.#write(link, this.#block!, requests * this.#sendable[0]!.length, requests)
  }

  /** Sends one request by itself; takes a slot unless no reply will come. By a plan it was to be sent at `intendedAt`. */
  sendOne(link: number, frame: number, now: number, reply: boolean, intendedAt: number = now): Written {
    if (this.#hasIds || this.#patcher.changes(frame) || this.#isEncoded[frame]) {
      this.makeRoom(link, frame, now)
      const isFit = this.add(link, frame, now, reply, intendedAt)
      return isFit ? this.flush(link) : written.refused
    }
    if (reply) this.#slots.take(link, frame, now, intendedAt)
    const bytes = this.#sendable[frame]!
    return this.#write(link, bytes, bytes.length, 1)
  }

  /** Makes ready what `add` adds, and writes the batch if that does not fit behind it. */
  makeRoom(link: number, frame: number, now: number): Written {
    const bytes = this.#isEncoded[frame] ? this.#encode(link, frame, now) : this.#sendable[frame]!
    this.#next = bytes
    if (bytes === undefined) return written.taken
    const fits = this.#batchBytes + bytes.length <= this.#batch.length
    if (fits && !this.#oneAWrite) return written.taken
    const result = this.flush(link)
    if (bytes.length > this.#batch.length) this.#batch = new Uint8Array(bytes.length)
    return result
  }

  /**
   * Adds a request to the batch of a link, which `flush` writes; `makeRoom` must have come before. False where what was
   * captured cannot be sent: then there is nothing to write, but the request is in flight for its connection to fail it.
   */
  add(link: number, frame: number, now: number, reply: boolean, intendedAt: number = now): boolean {
    const bytes = this.#next
    const isEncoded = this.#isEncoded[frame]!
    if (bytes === undefined) {
      this.#isUnfit = true
      if (reply) this.#encoded[this.#slots.take(link, frame, now, intendedAt)] = undefined
      return false
    }
    const at = this.#batchBytes
    this.#batchBytes += bytes.length
    this.#batchRequests++
    copy(bytes, this.#batch, at)
    if (!isEncoded) this.#patcher.apply(frame, this.#batch, at, this.#firstConnection + link, now)
    if (!reply) return true
    const slot = this.#slots.take(link, frame, now, intendedAt)
    this.#slots.mark(slot, this.#batch, at)
    if (isEncoded) this.#encoded[slot] = this.#keepsEncoded ? this.#nextPlain : undefined
    else if (this.#isKept(frame)) this.#keep(slot, bytes.length, at)
    return true
  }

  #encode(link: number, frame: number, now: number): Uint8Array | undefined {
    const plain = this.#captures?.makes(frame)
      ? this.#captures.requestOf(link, frame, now)
      : this.#patched(link, frame, now)
    this.#nextPlain = plain
    if (plain === undefined || this.#layers === undefined) return plain
    try {
      return this.#layers.wrapFrame(plain)
    } catch (error) {
      // With its layers it is longer than a frame may be.
      if (error instanceof RangeError) return undefined
      throw error
    }
  }

  #patched(link: number, frame: number, now: number): Uint8Array {
    const plain = this.#frames[frame]!.slice()
    this.#patcher.apply(frame, plain, 0, this.#firstConnection + link, now)
    return plain
  }

  #keep(slot: number, length: number, at: number): void {
    const kept = this.#sentBytes!
    for (let index = 0; index < length; index++) kept[slot * this.#frameBytesMax + index] = this.#batch[at + index]!
  }

  /** Writes the batch. */
  flush(link: number): Written {
    const length = this.#batchBytes
    if (length === 0) return written.taken
    const requests = this.#batchRequests
    this.#batchBytes = 0
    this.#batchRequests = 0
    // Behind others that wait these bytes will wait too: in an array of their own length, not in the whole batch.
    if (this.#waits[link] === 1) return this.#write(link, this.#batch.slice(0, length), length, requests)
    const result = this.#write(link, this.#batch, length, requests)
    // The transport still reads from it: it is the transport's now.
    if (result === written.kept) this.#batch = new Uint8Array(this.#batch.length)
    return result
  }

  /** The array in which the request of a slot stands as it was sent but for its layers, beginning at `sentFrom`. */
  sentBytes(slot: number, frame: number): Uint8Array {
    return this.#encodedOf(slot, frame) ?? (this.#isKept(frame) ? this.#sentBytes! : this.#frames[frame]!)
  }

  sentFrom(slot: number, frame: number): number {
    return this.#isKept(frame) ? slot * this.#frameBytesMax : 0
  }

  /** How long the request of a slot was without its layers. */
  sentLength(slot: number, frame: number): number {
    return (this.#encodedOf(slot, frame) ?? this.#frames[frame]!).length
  }

  /** What is the same each time need not be kept: but for its id it was sent as it was encoded. */
  #isKept(frame: number): boolean {
    return this.#sentBytes !== undefined && this.#patcher.changes(frame) && !this.#isEncoded[frame]
  }

  #encodedOf(slot: number, frame: number): Uint8Array | undefined {
    return this.#isEncoded[frame] ? this.#encoded[slot] : undefined
  }

  #write(link: number, bytes: Uint8Array, length: number, requests: number): Written {
    const result = this.#transport.write(link, bytes, 0, length, requests)
    this.#waits[link] = result === written.kept ? 1 : 0
    if (result !== written.refused) this.#bytesWritten += length
    return result
  }
}

/** A loop beats `set` for the few bytes that most requests have: a native call costs more than copying them. */
function copy(bytes: Uint8Array, target: Uint8Array, at: number): void {
  if (bytes.length > 64) target.set(bytes, at)
  else for (let index = 0; index < bytes.length; index++) target[at + index] = bytes[index]!
}
