import type { FailureKind } from '../../failures.ts'
import { roleIndex, type Slab } from '../../metrics/slab.ts'
import type { WorkerPlan } from '../../plan/plan.ts'
import type { Prng } from '../../prng.ts'
import { PartialFrames } from '../../protocols/partialFrames.ts'
import { type Protocol, tooLarge } from '../../protocols/protocol.ts'
import { type Transport, written } from '../../transports/transport.ts'
import { Captures } from './captures.ts'
import { WorkerCounters } from './counters.ts'
import { createInFlight, DatagramInFlight } from './datagrams.ts'
import { Deliveries } from './deliveries.ts'
import type { DueTimes } from './due.ts'
import { type Check, compileCheck } from './expectation.ts'
import type { InFlight } from './inflight.ts'
import { Outgoing } from './outgoing.ts'
import { Patcher } from './patches.ts'
import { RequestSequence } from './requestSequence.ts'
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
  budget: number
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
  /** By link: heartbeats in flight, when the last one was sent, and whether a request was answered since it opened. */
  readonly #heartbeats: Uint8Array
  readonly #heartbeatAt: Float64Array
  readonly #served: Uint8Array

  constructor(plan: WorkerPlan, { slab, transport, protocol, prng, due, epochOffsetMs }: ExchangeOptions) {
    const { bank, connections, pipeline, index, workers } = plan
    this.counters = new WorkerCounters(slab)
    // A plan has its own count of what is left of it.
    this.budget = plan.pace ? 0 : (plan.requests ?? Number.POSITIVE_INFINITY)
    this.#transport = transport
    this.#protocol = protocol
    this.#needsRequestBytes = protocol.needsRequestBytes === true
    this.#sequence = new RequestSequence(plan, prng)
    this.#checks = bank.steps.map(step => compileCheck(protocol, step.expectation))
    const isPaced = plan.pace !== undefined
    const depth = pipeline + (plan.heartbeatMs === undefined ? 0 : 1)
    this.#overUdp = plan.address.scheme === 'udp'
    this.#slots = createInFlight(plan, depth, protocol.requestId)
    this.#datagrams = this.#slots instanceof DatagramInFlight ? this.#slots : undefined
    const patcher = new Patcher(bank.patches, { prng, index, workers, epochOffsetMs })
    this.#signer = createSigner(plan, protocol, patcher)
    this.#captures = bank.capturedValues > 0 ? new Captures(plan, protocol, patcher) : undefined
    this.#outgoing = new Outgoing({
      transport,
      bank,
      patcher,
      captures: this.#captures,
      slots: this.#slots,
      links: connections,
      slotCount: connections * this.#slots.capacity,
      hasIds: protocol.requestId !== undefined,
      layers: protocol.layers,
      needsRequestBytes: this.#needsRequestBytes,
      firstConnection: plan.firstConnection,
      pipeline,
      endless: plan.mode === 'loop',
      overUdp: this.#overUdp,
    })
    this.#deliveries = Deliveries.of(protocol, plan, this.counters, epochOffsetMs)
    this.patienceMs = this.#deliveries === undefined ? plan.timeoutMs : Number.POSITIVE_INFINITY
    this.#due = due
    this.#pipeline = pipeline
    this.#isPaced = isPaced
    this.#heartbeats = new Uint8Array(connections)
    this.#heartbeatAt = new Float64Array(connections)
    this.#served = new Uint8Array(connections)
    this.unanswered = new UnansweredRequests({
      counters: this.counters,
      slots: this.#slots,
      sequence: this.#sequence,
      captures: this.#captures,
      heartbeats: this.#heartbeats,
      served: this.#served,
      timeoutBreaks: protocol.requestId === undefined || plan.reconnect === 'every-request',
    })
  }

  /** A connection stands: its handshake is to be done first. */
  begin(link: number): void {
    this.#sequence.begin(link)
    this.#deliveries?.opened(link)
    this.#served[link] = 0
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
    this.#heartbeatAt[link] = now
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
    const open = this.#pipeline - this.#slots.count[link]! + this.#heartbeats[link]!
    const room = Math.min(open, this.budget, this.#sequence.left(link))
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
    this.budget -= sent
    this.#count(roleIndex.request, sent)
    return refused ? outgoing.takeRefusal() : undefined
  }

  /** Takes what came in: every whole reply is matched, checked and counted. */
  receive(link: number, bytes: Uint8Array, from: number, to: number, now: number): FailureKind | undefined {
    const { counters } = this
    const slots = this.#slots
    const sequence = this.#sequence
    const partialFrames = this.#partialFrames
    const deliveries = this.#deliveries
    deliveries?.heard(link, now)
    counters.received(to - from)
    partialFrames.join(link, bytes, from, to)
    const input = partialFrames.bytes
    const end = partialFrames.to
    let at = partialFrames.from
    let completed = 0
    let cause: FailureKind | undefined
    while (at < end) {
      const frameEnd = this.#frameEnd(link, input, at, end)
      if (frameEnd <= 0) {
        if (frameEnd < 0) cause = frameEnd === tooLarge ? 'too-large' : 'malformed'
        // One datagram says nothing of the next, and ids tell what it was not the reply to.
        if (cause !== undefined && this.#datagrams !== undefined) {
          counters.failedWithoutRequest(cause)
          cause = undefined
          at = end
        }
        break
      }
      if (deliveries?.take(input, at, frameEnd, now, false)) {
        at = frameEnd
        continue
      }
      const slot = slots.find(link, input, at, frameEnd)
      if (slot < 0) this.#stray(link, input, at, frameEnd)
      else {
        if (this.#datagrams?.isReordered(link, slot)) counters.reordered()
        const frame = slots.frame[slot]!
        const step = sequence.stepOfFrame[frame]!
        const role = sequence.role[step]!
        const check = this.#checks[step]!
        const isExpected = check === null || this.#passes(check, slot, frame, input, at, frameEnd)
        const ok = isExpected && (this.#captures?.take(link, step, input, at, frameEnd) ?? true)
        // Over UDP without ids it may be the double of the last one: the next would be taken for this one's, and so on.
        if (!ok && (role === roleIndex.handshake || (this.#overUdp && this.#datagrams === undefined))) {
          cause = this.#signer?.isRefusal(input, at, frameEnd) ? 'connect-refused' : 'unexpected'
          break
        }
        const sentAt = slots.sentAt[slot]!
        const intendedAt = slots.intendedAt[slot]!
        slots.release(link, slot)
        if (ok && role === roleIndex.request) {
          counters.answered(step, now - intendedAt)
          if (this.#isPaced) counters.served(now - sentAt)
          completed++
        } else {
          this.#signer?.answered(step, input, at, frameEnd)
          this.#answerApart(link, role, ok)
          if (!ok && deliveries !== undefined && !this.#protocol.isRefusal?.(input, at, frameEnd)) {
            counters.answeredApart()
          }
          if (!ok && role === roleIndex.request) {
            counters.failedAfter(now - intendedAt)
            this.unanswered.missCaptures(link, step)
          }
        }
        if (sequence.thinkMs[step]! > 0) this.#pause(link, now + sequence.thinkMs[step]!)
      }
      at = frameEnd
    }
    if (completed > 0) {
      this.#served[link] = 1
      counters.completed(roleIndex.request, completed)
      counters.answeredOn(link, completed)
    }
    if (cause === undefined) partialFrames.keep(link, input, at, end)
    return cause
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
      const isDelivery = this.#deliveries?.take(input, at, frameEnd, now, true) === true
      const slot = isDelivery ? -1 : this.#slots.find(link, input, at, frameEnd)
      if (slot >= 0) {
        const role = this.#sequence.role[this.#sequence.stepOfFrame[this.#slots.frame[slot]!]!]!
        if (role === roleIndex.request) this.counters.drained(now - this.#slots.intendedAt[slot]!)
        this.counters.answeredApart()
        this.#slots.release(link, slot)
      }
      at = frameEnd
    }
    this.#partialFrames.keep(link, input, at, end)
  }

  /** Sends a heartbeat when the last is `everyMs` ago and has been answered. */
  beat(link: number, everyMs: number, now: number): FailureKind | undefined {
    if (now - this.#heartbeatAt[link]! < everyMs || this.#heartbeats[link]! > 0) return undefined
    this.#heartbeatAt[link] = now
    const step = this.#sequence.heartbeat
    if (this.#sequence.reply[step]) this.#heartbeats[link] = 1
    return this.#sendApart(link, step, now)
  }

  /** After a failure the steps begin anew. */
  restart(link: number): void {
    this.#sequence.restart(link)
  }

  /** Forgets a connection that is closed. */
  forget(link: number): void {
    this.#heartbeats[link] = 0
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
    return this.#slots.count[link]! - this.#heartbeats[link]!
  }

  /** Whether the link has done its single pass over the steps. */
  passDone(link: number): boolean {
    return this.#sequence.left(link) === 0
  }

  /** Whether a request has been answered since the connection was opened. */
  served(link: number): boolean {
    return this.#served[link] === 1
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
    if (isDuplicate) this.counters.duplicate()
    else this.counters.failedWithoutRequest('unexpected')
  }

  /** A reply that is not one more completed request of the loop. */
  #answerApart(link: number, role: number, ok: boolean): void {
    if (role === roleIndex.heartbeat) this.#heartbeats[link] = 0
    if (role === roleIndex.request) this.#served[link] = 1
    if (ok) this.counters.completed(role, 1)
    else this.counters.failed(role, 1, 'unexpected')
  }

  /** Nothing more is sent on the link until `time`. */
  #pause(link: number, time: number): void {
    this.#due.set(link, time)
    this.#transport.wakeAt(time)
  }
}
