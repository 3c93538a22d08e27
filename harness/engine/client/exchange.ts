import type { FailureKind } from '../../failures.ts'
import { roleIndex, type Slab } from '../../metrics/slab.ts'
import type { WorkerPlan } from '../../plan/plan.ts'
import type { Prng } from '../../prng.ts'
import { PartialFrames } from '../../protocols/partialFrames.ts'
import { incomplete, type Protocol, tooLarge } from '../../protocols/protocol.ts'
import { type Transport, written } from '../../transports/transport.ts'
import { Captures } from './captures.ts'
import { WorkerCounters } from './counters.ts'
import { createInFlight, DatagramInFlight } from './datagrams.ts'
import { Deliveries } from './deliveries.ts'
import type { DueTimes } from './due.ts'
import { type Check, compileCheck } from './expectation.ts'
import type { InFlight } from './inflight.ts'
import { LinkState } from './linkState.ts'
import { Outgoing } from './outgoing.ts'
import { Patcher } from './patches.ts'
import { RequestSequence } from './requestSequence.ts'
import { sendingOf } from './sending.ts'
import { createSigner, type Signer } from './signer.ts'
import { UnansweredRequests } from './unansweredRequests.ts'

export interface ExchangeOptions {
  readonly slab: Slab
  readonly transport: Transport
  readonly protocol: Protocol
  readonly prng: Prng
  readonly due: DueTimes
  readonly epochOffsetMs: number
}

/**
 * What goes over open connections: requests out, replies in, each matched to its request, checked and counted. The
 * methods that can find a connection unfit to go on answer with the cause, and undefined when all is well.
 */
export class Exchange {
  readonly counters: WorkerCounters
  readonly unanswered: UnansweredRequests
  /** Requests that may still be sent. */
  requestsLeft: number
  /** After the end: how long what is on its way may be worth waiting for. */
  readonly patienceMs: number
  readonly #transport: Transport
  readonly #protocol: Protocol
  readonly #needsRequestBytes: boolean
  readonly #sequence: RequestSequence
  readonly #checks: readonly (Check | null)[]
  /** With a key: sees to the signature of each challenge. */
  readonly #signer: Signer | undefined
  /** Absent where no step captures anything. */
  readonly #captures: Captures | undefined
  readonly #slots: InFlight
  readonly #overUdp: boolean
  /** UDP, where replies carry ids: the same slots, which tell of order and of doubles. */
  readonly #datagrams: DatagramInFlight | undefined
  readonly #outgoing: Outgoing
  readonly #partialFrames = new PartialFrames()
  /** Where the protocol has any: messages that come unasked. */
  readonly #deliveries: Deliveries | undefined
  readonly #due: DueTimes
  readonly #pipeline: number
  /** Requests go by a plan: their response time counts from when they were to be sent. */
  readonly #isPaced: boolean
  readonly #links: LinkState
  /** Requests of the loop that the current readable event has completed. */
  #completed = 0

  constructor(plan: WorkerPlan, { slab, transport, protocol, prng, due, epochOffsetMs }: ExchangeOptions) {
    const { bank, index, workers } = plan
    const sending = sendingOf(plan, protocol)
    this.counters = new WorkerCounters(slab)
    // A plan has its own count of what is left of it.
    this.requestsLeft = plan.pace ? 0 : (plan.requests ?? Number.POSITIVE_INFINITY)
    this.#transport = transport
    this.#protocol = protocol
    this.#needsRequestBytes = sending.needsRequestBytes
    this.#sequence = new RequestSequence(plan, prng)
    this.#checks = bank.steps.map(step => compileCheck(protocol, step.expectation))
    const isPaced = plan.pace !== undefined
    const depth = sending.pipeline + (plan.heartbeatMs === undefined ? 0 : 1)
    this.#overUdp = sending.overUdp
    this.#slots = createInFlight(plan, depth, protocol.requestId)
    this.#datagrams = this.#slots instanceof DatagramInFlight ? this.#slots : undefined
    const patcher = new Patcher(bank.patches, { prng, index, workers, epochOffsetMs })
    this.#signer = createSigner(plan, protocol, patcher)
    this.#captures = bank.capturedValues > 0 ? new Captures(plan, protocol, patcher) : undefined
    const { layers } = protocol
    this.#outgoing = new Outgoing(sending, { transport, slots: this.#slots, patcher, captures: this.#captures, layers })
    this.#deliveries = Deliveries.of(protocol, plan, this.counters, epochOffsetMs)
    this.patienceMs = this.#deliveries === undefined ? plan.timeoutMs : Number.POSITIVE_INFINITY
    this.#due = due
    this.#pipeline = sending.pipeline
    this.#isPaced = isPaced
    this.#links = new LinkState(plan.connections)
    this.unanswered = new UnansweredRequests({
      counters: this.counters,
      slots: this.#slots,
      sequence: this.#sequence,
      captures: this.#captures,
      links: this.#links,
      timeoutBreaks: protocol.requestId === undefined || plan.reconnect === 'every-request',
    })
  }

  /** A connection stands: its handshake is to be done first. */
  begin(link: number): void {
    this.#sequence.begin(link)
    this.#deliveries?.opened(link)
    this.#links.opened(link)
  }

  /** Whether the last message of the handshake has been answered; else the next is to be sent. */
  handshakeDone(link: number): boolean {
    return this.#sequence.handshakeDone(link)
  }

  shakeHands(link: number, now: number): FailureKind | undefined {
    return this.#sendApart(link, this.#sequence.nextHandshake(link), now)
  }

  /** The first request may go: from here on heartbeats are counted. */
  beginLoop(link: number, now: number): void {
    this.#links.startHeartbeats(link, now)
  }

  /** Whether a request may be sent over the link. */
  hasRoom(link: number): boolean {
    return this.requestsInFlight(link) < this.#pipeline
  }

  /** Sends one request that was to be sent at `intendedAt`; there must be room for it. */
  sendPlanned(link: number, intendedAt: number, now: number): FailureKind | undefined {
    const result = this.#outgoing.sendOne(link, this.#sequence.next(link), now, true, intendedAt)
    this.#count(roleIndex.request, 1)
    return result === written.refused ? this.#outgoing.takeRefusal() : undefined
  }

  /** Sends as many requests as the connection may have in flight. */
  send(link: number, now: number): FailureKind | undefined {
    const open = this.#pipeline - this.requestsInFlight(link)
    const room = Math.min(open, this.requestsLeft, this.#sequence.left(link))
    if (room <= 0) return undefined
    const outgoing = this.#outgoing
    const alike = outgoing.alikeMax
    let refused = false
    let sent = 0
    while (sent < room && !refused) {
      if (alike > 0) {
        const requests = Math.min(room - sent, alike)
        sent += requests
        refused = outgoing.sendAlike(link, requests, now) === written.refused
      } else if (room === 1) {
        sent++
        refused = outgoing.sendOne(link, this.#sequence.next(link), now, true) === written.refused
      } else {
        const frame = this.#sequence.next(link)
        // What finds no room has not been sent: the batch before it was refused.
        refused = outgoing.makeRoom(link, frame, now) === written.refused
        if (!refused) {
          sent++
          refused = !outgoing.add(link, frame, now, true)
        }
      }
    }
    if (outgoing.flush(link) === written.refused) refused = true
    this.requestsLeft -= sent
    this.#count(roleIndex.request, sent)
    return refused ? outgoing.takeRefusal() : undefined
  }

  /** Takes the bytes of a readable event: cuts them into frames, and keeps the start of one that is not whole yet. */
  receive(link: number, bytes: Uint8Array, from: number, to: number, now: number): FailureKind | undefined {
    const partialFrames = this.#partialFrames
    this.#deliveries?.heard(link, now)
    this.counters.bytesReceived(to - from)
    partialFrames.join(link, bytes, from, to)
    const input = partialFrames.bytes
    const end = partialFrames.to
    let at = partialFrames.from
    let cause: FailureKind | undefined
    this.#completed = 0
    while (at < end) {
      const frameEnd = this.#frameEnd(link, input, at, end)
      if (frameEnd === incomplete) break
      if (frameEnd < 0) {
        cause = this.#brokenFrame(frameEnd)
        at = end
        break
      }
      cause = this.#take(link, input, at, frameEnd, now)
      if (cause !== undefined) break
      at = frameEnd
    }
    if (this.#completed > 0) {
      this.#links.answered(link)
      this.counters.completed(roleIndex.request, this.#completed)
      this.counters.completedOn(link, this.#completed)
    }
    if (cause === undefined) partialFrames.keep(link, input, at, end)
    return cause
  }

  /** Takes a whole frame: finds the request it answers, checks it and records the outcome. */
  #take(link: number, input: Uint8Array, from: number, end: number, now: number): FailureKind | undefined {
    if (this.#deliveries?.take(input, from, end, now)) return undefined
    const slots = this.#slots
    const slot = slots.find(link, input, from, end)
    if (slot < 0) {
      this.#stray(link, input, from, end)
      return undefined
    }
    if (this.#datagrams?.isReordered(link, slot)) this.counters.reorderedReply()
    const frame = slots.frame[slot]!
    const step = this.#sequence.stepOfFrame[frame]!
    const check = this.#checks[step]!
    const isOk =
      (check === null || this.#passes(check, slot, frame, input, from, end)) &&
      (this.#captures === undefined || this.#captures.take(link, step, input, from, end))
    if (isOk && this.#sequence.role[step] === roleIndex.request) this.#complete(link, slot, step, now)
    else {
      if (!isOk && this.#isFatal(step)) {
        return this.#signer?.isRefusal(input, from, end) ? 'connect-refused' : 'unexpected'
      }
      this.#signer?.answered(step, input, from, end)
      // The audit accounts for every acknowledgement that came, also one that was not as expected.
      if (!isOk && this.#deliveries !== undefined && !this.#protocol.isRefusal?.(input, from, end)) {
        this.counters.nonCompletingReply()
      }
      this.#recordOther(link, slot, step, isOk, now)
    }
    if (this.#sequence.thinkMs[step]! > 0) this.#pause(link, now + this.#sequence.thinkMs[step]!)
    return undefined
  }

  /** Records a completed request of the loop; `receive` counts those of an event together. */
  #complete(link: number, slot: number, step: number, now: number): void {
    const slots = this.#slots
    this.counters.responseTime(step, now - slots.intendedAt[slot]!)
    if (this.#isPaced) this.counters.serviceTime(now - slots.sentAt[slot]!)
    this.#completed++
    slots.release(link, slot)
  }

  /** Records a reply to a heartbeat or a message of the handshake, or one that fails its request. */
  #recordOther(link: number, slot: number, step: number, isOk: boolean, now: number): void {
    const role = this.#sequence.role[step]!
    const responseMs = now - this.#slots.intendedAt[slot]!
    this.#slots.release(link, slot)
    if (role === roleIndex.heartbeat) this.#links.heartbeatEnded(link)
    if (isOk) {
      this.counters.completed(role, 1)
      return
    }
    this.counters.failed(role, 1, 'unexpected')
    if (role !== roleIndex.request) return
    this.#links.answered(link)
    this.counters.timeToFailure(responseMs)
    this.unanswered.missCaptures(link, step)
  }

  /**
   * Whether an unexpected reply to a step ends its connection. In a handshake it does. Over UDP without ids the reply
   * may be a duplicate of the one before it, and every later reply would be matched to the wrong request.
   */
  #isFatal(step: number): boolean {
    return this.#sequence.role[step] === roleIndex.handshake || (this.#overUdp && this.#datagrams === undefined)
  }

  /**
   * The cause for a connection to be closed after bytes that are no frame. Undefined for a datagram where replies carry
   * ids: only that datagram is lost, as the next one is framed by itself and no request is taken for answered.
   */
  #brokenFrame(frameEnd: number): FailureKind | undefined {
    const cause = frameEnd === tooLarge ? 'too-large' : 'malformed'
    if (this.#datagrams === undefined) return cause
    this.counters.failureWithoutRequest(cause)
    return undefined
  }

  /** Takes what comes in once the books are closed: frees the slots and counts nothing but response times. */
  drain(link: number, bytes: Uint8Array, from: number, to: number, now: number): void {
    this.#deliveries?.heard(link, now)
    this.#partialFrames.join(link, bytes, from, to)
    const { bytes: input, to: end } = this.#partialFrames
    let at = this.#partialFrames.from
    while (at < end) {
      const frameEnd = this.#frameEnd(link, input, at, end)
      if (frameEnd < 0) {
        this.unanswered.censor(link, now)
        this.#slots.clear(link)
      }
      if (frameEnd <= 0) break
      const isDelivery = this.#deliveries?.takeAfterEnd(input, at, frameEnd, now) === true
      const slot = isDelivery ? -1 : this.#slots.find(link, input, at, frameEnd)
      if (slot >= 0) {
        const role = this.#sequence.role[this.#sequence.stepOfFrame[this.#slots.frame[slot]!]!]!
        if (role === roleIndex.request) this.counters.drainedResponseTime(now - this.#slots.intendedAt[slot]!)
        this.counters.nonCompletingReply()
        this.#slots.release(link, slot)
      }
      at = frameEnd
    }
    this.#partialFrames.keep(link, input, at, end)
  }

  /** Sends a heartbeat when the last is `everyMs` ago and has been answered. */
  beat(link: number, everyMs: number, now: number): FailureKind | undefined {
    if (!this.#links.isHeartbeatDue(link, everyMs, now)) return undefined
    const step = this.#sequence.heartbeat
    this.#links.heartbeatSent(link, now, this.#sequence.reply[step]!)
    return this.#sendApart(link, step, now)
  }

  /** After a failure the steps begin anew. */
  restart(link: number): void {
    this.#sequence.restart(link)
  }

  /** Forgets a connection that is closed. */
  forget(link: number): void {
    this.#links.closed(link)
    this.#deliveries?.closed(link)
    this.#slots.clear(link)
    this.#partialFrames.drop(link)
    this.#captures?.forget(link)
  }

  /** Whether nothing is in flight on the link. */
  idle(link: number): boolean {
    return this.#slots.count[link] === 0
  }

  /** After the end: whether nothing that comes in on the link is waited for. */
  mayLeave(link: number): boolean {
    return this.#deliveries === undefined && this.idle(link)
  }

  /** After the end: when the links that may not leave by themselves are to do so, or that is to be asked again. */
  quietAt(now: number): number {
    if (this.#deliveries === undefined) return Number.POSITIVE_INFINITY
    const isAwaiting = this.#slots.count.some(count => count > 0)
    return this.#deliveries.quietAt(now, isAwaiting)
  }

  /** Requests of the loop that are in flight on a link. */
  requestsInFlight(link: number): number {
    return this.#slots.count[link]! - this.#links.heartbeats[link]!
  }

  /** Whether the link has done its single pass over the steps. */
  passDone(link: number): boolean {
    return this.#sequence.left(link) === 0
  }

  /** Whether a request has been answered since the connection was opened. */
  served(link: number): boolean {
    return this.#links.hasServed(link)
  }

  /** Sends a heartbeat or a message of the handshake. */
  #sendApart(link: number, step: number, now: number): FailureKind | undefined {
    const frame = this.#sequence.frameOf(link, step)
    const result = this.#outgoing.sendOne(link, frame, now, this.#sequence.reply[step]!)
    this.#count(this.#sequence.role[step]!, 1)
    return result === written.refused ? this.#outgoing.takeRefusal() : undefined
  }

  /** Counts what was sent since the last time. */
  #count(role: number, requests: number): void {
    this.#deliveries?.sent(requests)
    this.counters.sent(role, requests, this.#outgoing.takeBytesWritten())
  }

  #frameEnd(link: number, input: Uint8Array, at: number, end: number): number {
    if (!this.#needsRequestBytes) return this.#protocol.frameEnd(input, at, end, 0)
    const oldest = this.#slots.oldest(link)
    const requestBytes = oldest < 0 ? 0 : this.#outgoing.sentLength(oldest, this.#slots.frame[oldest]!)
    return this.#protocol.frameEnd(input, at, end, requestBytes)
  }

  #passes(check: Check, slot: number, frame: number, reply: Uint8Array, from: number, end: number): boolean {
    const outgoing = this.#outgoing
    const sentFrom = outgoing.sentFrom(slot, frame)
    const sentEnd = sentFrom + outgoing.sentLength(slot, frame)
    return check(reply, from, end, outgoing.sentBytes(slot, frame), sentFrom, sentEnd)
  }

  /** A reply that no request waits for: it is late, or over UDP a datagram has come twice. */
  #stray(link: number, input: Uint8Array, at: number, end: number): void {
    if (this.#slots.takeLate(link, input, at, end)) {
      this.counters.lateReply()
      return
    }
    const isDuplicate = this.#overUdp && (this.#datagrams?.isDuplicate(link, input, at, end) ?? true)
    if (isDuplicate) this.counters.duplicateReply()
    else this.counters.failureWithoutRequest('unexpected')
  }

  /** Nothing more is sent on the link until `time`. */
  #pause(link: number, time: number): void {
    this.#due.set(link, time)
    this.#transport.wakeAt(time)
  }
}
