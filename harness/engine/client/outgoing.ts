import type { FailureKind } from '../../failures.ts'
import type { BodyLayers, Protocol } from '../../protocols/protocol.ts'
import { type Transport, type Written, written } from '../../transports/transport.ts'
import type { Captures } from './captures.ts'
import type { InFlight } from './inflight.ts'
import type { OneWayRequests } from './oneWay.ts'
import type { Patcher } from './patches.ts'
import type { RequestSequence } from './requestSequence.ts'
import type { Sending } from './sending.ts'

const batchBytesMax = 256 * 1024

/** The parts of the worker that sending uses. */
export interface OutgoingOptions {
  readonly transport: Transport
  readonly slots: InFlight
  readonly patcher: Patcher
  /** Absent where every request is encoded before the run. */
  readonly captures: Captures | undefined
  readonly layers: BodyLayers | undefined
  /** Absent where every request has a reply. */
  readonly oneWay: OneWayRequests | undefined
  /** Fills in the checksums of a frame that was patched; absent where frames have none. */
  readonly seal: Protocol['seal']
}

/**
 * Hands requests to the transport in as few writes as possible. What can be decided is decided here once. Requests that
 * are all the same are sent from a block that holds them ready, any number in one write and without a copy; a single
 * one without patches is sent as it was encoded, with its layers; the others are copied and patched. Only requests that
 * take a captured value or the client's address, or are patched within layers, are encoded as they are sent, which
 * allocates.
 */
export class Outgoing {
  readonly #transport: Transport
  readonly #frames: readonly Uint8Array[]
  readonly #layers: BodyLayers | undefined
  readonly #seal: Protocol['seal']
  /** By frame: 1 for those with checksums. */
  readonly #isSealed: Uint8Array
  /** By frame: 0 for those that the server does not answer, which take no slot. */
  readonly #hasReply: Uint8Array
  readonly #oneWay: OneWayRequests | undefined
  /** Frames as they are sent, except for those that are encoded or patched each time. */
  readonly #sendable: readonly Uint8Array[]
  readonly #patcher: Patcher
  /** Absent where every request is encoded before the run. */
  readonly #captures: Captures | undefined
  /** By frame: whether it is encoded each time it is sent. */
  readonly #isEncodedOnSend: readonly boolean[]
  readonly #slots: InFlight
  readonly #hasIds: boolean
  readonly #firstConnection: number
  /** The first frame repeated, when the loop sends nothing else. */
  readonly #block: Uint8Array | undefined
  /** How many requests `sendBlock` sends at most; 0 when requests differ. */
  readonly blockFrames: number
  /** Whether the last `sendNext` was refused. */
  isRefused = false
  #batch: Uint8Array
  #batchBytes = 0
  #batchRequests = 0
  #bytesWritten = 0
  /** By link: 1 when its last write had to wait for the kernel. */
  readonly #isWaiting: Uint8Array
  /** By slot: the request as it was sent, where a check compares it with the reply. */
  readonly #sentBytes: Uint8Array | undefined
  readonly #frameBytesMax: number
  /** Over UDP each write is a datagram, which has one request. */
  readonly #oneRequestPerWrite: boolean
  /** The request that `add` adds; undefined when it cannot be encoded. */
  #next: Uint8Array | undefined
  /** The same without its layers, where it is encoded each time. */
  #nextPlain: Uint8Array | undefined
  #hasFailedToEncode = false
  /** By slot: the request without its layers, where it is encoded each time and compared with its reply. */
  readonly #encoded: (Uint8Array | undefined)[] = []
  readonly #keepsEncoded: boolean

  constructor(sending: Sending, { transport, slots, patcher, captures, layers, seal, oneWay }: OutgoingOptions) {
    const { bank, endless, overUdp, hasIds } = sending
    this.#transport = transport
    this.#frames = bank.frames
    this.#layers = layers
    this.#seal = seal
    const sealed = bank.steps.filter(({ unframed }) => seal !== undefined && !unframed)
    this.#isSealed = new Uint8Array(bank.frames.length)
    for (const { firstFrame, frameCount } of sealed) this.#isSealed.fill(1, firstFrame, firstFrame + frameCount)
    this.#oneWay = oneWay
    this.#hasReply = new Uint8Array(bank.frames.length).fill(1)
    for (const { firstFrame, frameCount } of bank.steps.filter(({ reply }) => !reply)) {
      this.#hasReply.fill(0, firstFrame, firstFrame + frameCount)
    }
    this.#patcher = patcher
    this.#captures = captures
    this.#isEncodedOnSend = bank.frames.map(
      (_, frame) => captures?.encodes(frame) === true || (layers !== undefined && patcher.changes(frame)),
    )
    this.#sendable = bank.frames.map((bytes, frame) =>
      layers === undefined || bytes.length === 0 || this.#isEncodedOnSend[frame] ? bytes : layers.wrapFrame(bytes),
    )
    this.#slots = slots
    this.#hasIds = hasIds
    this.#firstConnection = sending.firstConnection
    this.#frameBytesMax = bank.frameBytesMax
    this.#oneRequestPerWrite = overUdp
    this.#isWaiting = new Uint8Array(sending.links)
    this.#batch = new Uint8Array(this.#sendable.reduce((most, { length }) => Math.max(most, length), batchBytesMax))
    const isPatched = (frame: number) => patcher.changes(frame) && !this.#isEncodedOnSend[frame]
    const isAnyPatched = bank.frames.some((_, frame) => isPatched(frame))
    const keeps = bank.keepsSentBytes && isAnyPatched
    this.#sentBytes = keeps ? new Uint8Array(slots.frame.length * this.#frameBytesMax) : undefined
    this.#keepsEncoded = sending.needsRequestBytes || bank.steps.some(({ expectation }) => expectation?.echo === true)
    this.blockFrames = 0
    const [first, second] = bank.steps
    const alone = first!.frameCount === 1 && second?.role !== 'request'
    const isConstant = !patcher.changes(0) && !this.#isEncodedOnSend[0]
    if (endless && alone && isConstant && !hasIds) {
      const frame = this.#sendable[0]!
      const frames = Math.min(sending.pipeline, Math.floor(batchBytesMax / frame.length))
      this.blockFrames = overUdp ? 1 : Math.max(1, frames)
      this.#block = new Uint8Array(this.blockFrames * frame.length)
      for (let index = 0; index < this.blockFrames; index++) this.#block.set(frame, index * frame.length)
    }
  }

  /** Bytes written since the last call. */
  takeBytesWritten(): number {
    const bytes = this.#bytesWritten
    this.#bytesWritten = 0
    return bytes
  }

  /** The cause for which the last request was refused. */
  takeRefusal(): FailureKind {
    const hasFailedToEncode = this.#hasFailedToEncode
    this.#hasFailedToEncode = false
    return hasFailedToEncode ? 'unexpected' : 'overflow'
  }

  /** Sends the next `room` requests of the link; returns how many were sent, less only where `isRefused` says why. */
  sendNext(link: number, room: number, sequence: RequestSequence, now: number): number {
    let refused = false
    let sent = 0
    while (sent < room && !refused) {
      if (this.blockFrames > 0) {
        const requests = Math.min(room - sent, this.blockFrames)
        sent += requests
        refused = this.sendBlock(link, requests, now) === written.refused
      } else if (room === 1) {
        sent++
        refused = this.sendOne(link, sequence.nextFrame(link), now) === written.refused
      } else {
        const frame = sequence.nextFrame(link)
        // When the batch before this request is refused, the request itself has not been sent.
        refused = this.makeRoom(link, frame, now) === written.refused
        if (!refused) {
          sent++
          refused = !this.add(link, frame, now)
        }
      }
    }
    this.isRefused = this.flush(link) === written.refused || refused
    return sent
  }

  /** Sends the first frame `requests` times, at most `blockFrames` times; takes their slots. */
  sendBlock(link: number, requests: number, now: number): Written {
    if (this.#hasReply[0] === 0) this.#oneWay?.wrote(0, requests)
    else for (let index = 0; index < requests; index++) this.#slots.take(link, 0, now)
    return this.#write(link, this.#block!, requests * this.#sendable[0]!.length, requests)
  }

  /** Sends one request by itself, which was to be sent at `intendedAt`; takes a slot if it has a reply. */
  sendOne(link: number, frame: number, now: number, intendedAt: number = now): Written {
    if (this.#hasIds || this.#patcher.changes(frame) || this.#isEncodedOnSend[frame]) {
      this.makeRoom(link, frame, now)
      const isAdded = this.add(link, frame, now, intendedAt)
      return isAdded ? this.flush(link) : written.refused
    }
    if (this.#hasReply[frame] === 1) this.#slots.take(link, frame, now, intendedAt)
    else this.#oneWay?.wrote(frame, 1)
    const bytes = this.#sendable[frame]!
    return this.#write(link, bytes, bytes.length, 1)
  }

  /** Sends nothing, and waits for what the server says by itself. */
  listen(link: number, frame: number, now: number): Written {
    this.#slots.take(link, frame, now)
    return written.taken
  }

  /** Sends bytes that are no frame of the bank, and whose reply is that of a step; takes a slot for it. */
  sendBytes(link: number, frame: number, bytes: Uint8Array, now: number): Written {
    this.#slots.take(link, frame, now)
    return this.#write(link, bytes, bytes.length, 1)
  }

  /** Prepares the request that `add` adds, and writes the batch first if the request does not fit behind it. */
  makeRoom(link: number, frame: number, now: number): Written {
    const bytes = this.#isEncodedOnSend[frame] ? this.#encode(link, frame, now) : this.#sendable[frame]!
    this.#next = bytes
    if (bytes === undefined) return written.taken
    const fits = this.#batchBytes + bytes.length <= this.#batch.length
    if (fits && !this.#oneRequestPerWrite) return written.taken
    const result = this.flush(link)
    if (bytes.length > this.#batch.length) this.#batch = new Uint8Array(bytes.length)
    return result
  }

  /**
   * Adds the request that `makeRoom` has prepared to the batch, which `flush` writes. False when its captured values
   * cannot be encoded: then nothing is written, but the request is in flight, so that it fails with its connection.
   */
  add(link: number, frame: number, now: number, intendedAt: number = now): boolean {
    const hasReply = this.#hasReply[frame] === 1
    if (!hasReply) this.#oneWay?.wrote(frame, 1)
    const bytes = this.#next
    const isEncoded = this.#isEncodedOnSend[frame]!
    if (bytes === undefined) {
      this.#hasFailedToEncode = true
      if (hasReply) this.#encoded[this.#slots.take(link, frame, now, intendedAt)] = undefined
      return false
    }
    const at = this.#batchBytes
    this.#batchBytes += bytes.length
    this.#batchRequests++
    copy(bytes, this.#batch, at)
    if (!isEncoded) this.#patcher.apply(frame, this.#batch, at, this.#firstConnection + link, now)
    if (!hasReply) {
      if (this.#isSealed[frame] === 1) this.#seal!(this.#batch, at, this.#batchBytes)
      return true
    }
    const slot = this.#slots.take(link, frame, now, intendedAt)
    this.#slots.writeId(slot, this.#batch, at)
    if (this.#isSealed[frame] === 1) this.#seal!(this.#batch, at, this.#batchBytes)
    if (isEncoded) this.#encoded[slot] = this.#keepsEncoded ? this.#nextPlain : undefined
    else if (this.#isKept(frame)) this.#keep(slot, bytes.length, at)
    return true
  }

  #encode(link: number, frame: number, now: number): Uint8Array | undefined {
    const plain = this.#captures?.encodes(frame)
      ? this.#captures.encode(link, frame, now)
      : this.#patched(link, frame, now)
    this.#nextPlain = plain
    if (plain === undefined || this.#layers === undefined) return plain
    try {
      return this.#layers.wrapFrame(plain)
    } catch (error) {
      // With its layers the request is longer than a frame may be.
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
    // These bytes will wait behind others. An array of their length waits, not the whole batch.
    if (this.#isWaiting[link] === 1) return this.#write(link, this.#batch.slice(0, length), length, requests)
    const result = this.#write(link, this.#batch, length, requests)
    // The transport still reads from the batch, and keeps it.
    if (result === written.kept) this.#batch = new Uint8Array(this.#batch.length)
    return result
  }

  /** The array that holds the request of a slot as it was sent, without its layers, from `sentFrom` on. */
  sentBytes(slot: number, frame: number): Uint8Array {
    return this.#encodedOf(slot, frame) ?? (this.#isKept(frame) ? this.#sentBytes! : this.#frames[frame]!)
  }

  sentFrom(slot: number, frame: number): number {
    return this.#isKept(frame) ? slot * this.#frameBytesMax : 0
  }

  /** The length of the request of a slot without its layers, in bytes. */
  sentLength(slot: number, frame: number): number {
    return (this.#encodedOf(slot, frame) ?? this.#frames[frame]!).length
  }

  /** Whether sent requests of a frame are kept: not where they differ in their ids alone. */
  #isKept(frame: number): boolean {
    return this.#sentBytes !== undefined && this.#patcher.changes(frame) && !this.#isEncodedOnSend[frame]
  }

  #encodedOf(slot: number, frame: number): Uint8Array | undefined {
    return this.#isEncodedOnSend[frame] ? this.#encoded[slot] : undefined
  }

  #write(link: number, bytes: Uint8Array, length: number, requests: number): Written {
    const result = this.#transport.write(link, bytes, 0, length, requests)
    this.#isWaiting[link] = result === written.kept ? 1 : 0
    if (result !== written.refused) this.#bytesWritten += length
    return result
  }
}

/** For the few bytes that most requests have, a loop is faster than the native call of `set`. */
function copy(bytes: Uint8Array, target: Uint8Array, at: number): void {
  if (bytes.length > 64) target.set(bytes, at)
  else for (let index = 0; index < bytes.length; index++) target[at + index] = bytes[index]!
}
