import type { RequestBank } from '../plan/requests.ts'
import type { BodyLayers } from '../protocols/protocol.ts'
import { type Transport, type Written, written } from '../transports/transport.ts'
import type { InFlight } from './inflight.ts'
import type { Patcher } from './patches.ts'

const batchBytesMax = 256 * 1024

/**
 * Puts requests together and hands them to the transport in as few writes as may be. What can be decided is decided
 * here once: requests that are all alike go out of a block that holds them ready, any number in one write and without
 * a copy; a single one that nothing is patched into goes out as it was encoded; the rest is copied and patched. Layers
 * are put around each request here once, but around one that is patched each time: that is the one that allocates.
 */
export class Outgoing {
  readonly #transport: Transport
  readonly #frames: readonly Uint8Array[]
  readonly #layers: BodyLayers | undefined
  /** Frames as they are sent; one that is patched as it is before its layers. */
  readonly #sendable: readonly Uint8Array[]
  /** By frame: the most bytes that it is sent with. */
  readonly #sentBytesMax: readonly number[]
  readonly #patcher: Patcher
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

  constructor(options: {
    transport: Transport
    bank: RequestBank
    patcher: Patcher
    slots: InFlight
    links: number
    slotCount: number
    hasIds: boolean
    layers: BodyLayers | undefined
    firstConnection: number
    pipeline: number
    /** Every request of the loop may be sent at any time: none waits for its turn in a single pass. */
    endless: boolean
    overUdp: boolean
  }) {
    const { bank, patcher, layers } = options
    this.#transport = options.transport
    this.#frames = bank.frames
    this.#layers = layers
    const isWrapped = (index: number) => layers !== undefined && !patcher.changes(index)
    this.#sendable = bank.frames.map((frame, index) => (isWrapped(index) ? layers!.wrapFrame(frame) : frame))
    this.#sentBytesMax = this.#sendable.map((frame, index) =>
      layers === undefined || isWrapped(index) ? frame.length : layers.wrappedBytesMax(frame),
    )
    this.#patcher = patcher
    this.#slots = options.slots
    this.#hasIds = options.hasIds
    this.#firstConnection = options.firstConnection
    this.#frameBytesMax = bank.frameBytesMax
    this.#oneAWrite = options.overUdp
    this.#waits = new Uint8Array(options.links)
    this.#batch = new Uint8Array(this.#sentBytesMax.reduce((most, bytes) => Math.max(most, bytes), batchBytesMax))
    this.#sentBytes = bank.keepsSentBytes ? new Uint8Array(options.slotCount * this.#frameBytesMax) : undefined
    this.#blockFrames = 0
    const [first, second] = bank.steps
    const alone = first!.frameCount === 1 && second?.role !== 'request'
    if (options.endless && alone && !patcher.changes(0) && !options.hasIds) {
      const frame = this.#sendable[0]!
      const frames = Math.min(options.pipeline, Math.floor(batchBytesMax / frame.length))
      this.#blockFrames = this.#oneAWrite ? 1 : Math.max(1, frames)
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

  /** Sends the first frame `requests` times; takes their slots. */
  sendAlike(link: number, requests: number, now: number): Written {
    for (let index = 0; index < requests; index++) this.#slots.take(link, 0, now)
    return this.#write(link, this.#block!, requests * this.#sendable[0]!.length, requests)
  }

  /** Sends one request by itself; takes a slot unless no reply will come. By a plan it was to be sent at `intendedAt`. */
  sendOne(link: number, frame: number, now: number, reply: boolean, intendedAt: number = now): Written {
    if (this.#hasIds || this.#patcher.changes(frame)) {
      this.add(link, frame, now, reply, intendedAt)
      return this.flush(link)
    }
    if (reply) this.#slots.take(link, frame, now, intendedAt)
    const bytes = this.#sendable[frame]!
    return this.#write(link, bytes, bytes.length, 1)
  }

  /** Writes the batch if a frame does not fit behind it. */
  makeRoom(link: number, frame: number): Written {
    const fits = this.#batchBytes + this.#sentBytesMax[frame]! <= this.#batch.length
    return fits && !this.#oneAWrite ? written.taken : this.flush(link)
  }

  /** Adds a request to the batch of a link, which `flush` writes; there must be room for it. */
  add(link: number, frame: number, now: number, reply: boolean, intendedAt: number = now): void {
    const at = this.#batchBytes
    const plain = this.#layers === undefined ? undefined : this.#addLayered(this.#layers, link, frame, now)
    if (plain === undefined) {
      const bytes = this.#frames[frame]!
      this.#batchBytes += bytes.length
      copy(bytes, this.#batch, at)
      this.#patcher.apply(frame, this.#batch, at, this.#firstConnection + link, now)
    }
    this.#batchRequests++
    if (!reply) return
    const slot = this.#slots.take(link, frame, now, intendedAt)
    this.#slots.mark(slot, this.#batch, at)
    if (this.#sentBytes === undefined || !this.#patcher.changes(frame)) return
    const from = plain === undefined ? at : 0
    const source = plain ?? this.#batch
    for (let index = 0; index < this.#frames[frame]!.length; index++) {
      this.#sentBytes[slot * this.#frameBytesMax + index] = source[from + index]!
    }
  }

  /** Adds the request with its layers; answers the plain frame, which a reply is compared with. */
  #addLayered(layers: BodyLayers, link: number, frame: number, now: number): Uint8Array {
    let plain = this.#frames[frame]!
    let bytes = this.#sendable[frame]!
    if (this.#patcher.changes(frame)) {
      plain = plain.slice()
      this.#patcher.apply(frame, plain, 0, this.#firstConnection + link, now)
      bytes = layers.wrapFrame(plain)
    }
    copy(bytes, this.#batch, this.#batchBytes)
    this.#batchBytes += bytes.length
    return plain
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

  /**
   * The array in which a request stands as it was sent but for its layers, beginning at `sentFrom`; one that never changes
   * has no copy.
   */
  sentBytes(frame: number): Uint8Array {
    // Where no step expects its own request back nothing is kept, and nobody looks at what is given here.
    return (this.#patcher.changes(frame) ? this.#sentBytes : undefined) ?? this.#frames[frame]!
  }

  sentFrom(slot: number, frame: number): number {
    return this.#patcher.changes(frame) ? slot * this.#frameBytesMax : 0
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
