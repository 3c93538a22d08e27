import type { FailureKind } from '../../failures.ts'
import { roleIndex, type Slab } from '../../metrics/slab.ts'
import type { WorkerPlan } from '../../plan/plan.ts'
import type { Prng } from '../../prng.ts'
import { PartialFrames } from '../../protocols/partialFrames.ts'
import { incomplete, type Protocol, tooLarge } from '../../protocols/protocol.ts'
import { type Transport, written } from '../../transports/transport.ts'
import { AfterEnd } from './afterEnd.ts'
import { Answers } from './answers.ts'
import { Captures } from './captures.ts'
import { ConnectionEndings } from './connectionEndings.ts'
import { WorkerCounters } from './counters.ts'
import { createInFlight, DatagramInFlight } from './datagrams.ts'
import { Deliveries } from './deliveries.ts'
import type { DueTimes } from './due.ts'
import { IgnoredFrames } from './ignoredFrames.ts'
import type { InFlight } from './inflight.ts'
import { LinkState } from './linkState.ts'
import { Logins } from './logins.ts'
import { NonRequests } from './nonRequests.ts'
import { OneWayRequests } from './oneWay.ts'
import { OtherReplies } from './otherReplies.ts'
import { Outgoing } from './outgoing.ts'
import { Pairing } from './pairing.ts'
import { Patcher } from './patches.ts'
import { Pauses } from './pauses.ts'
import { ReplyChecks } from './replyChecks.ts'
import { ReplyForms, ReplyFrames } from './replyForms.ts'
import { RequestSequence } from './requestSequence.ts'
import { Samples } from './samples.ts'
import { sendingOf } from './sending.ts'
import { createSigner, type Signer } from './signer.ts'
import { StatusCounts } from './statusCounts.ts'
import { StrayReplies } from './strayReplies.ts'
import { UnansweredRequests } from './unansweredRequests.ts'
import { UnaskedFrames } from './unaskedFrames.ts'

export interface ExchangeOptions {
  readonly slab: Slab
  readonly transport: Transport
  readonly protocol: Protocol
  readonly prng: Prng
  readonly due: DueTimes
  readonly epochOffsetMs: number
  readonly sharedOffsetMs: number
}

/**
 * What goes over open connections: requests out, replies in, each matched to its request, checked and counted. Methods
 * that can find that a connection cannot go on return the cause, and undefined when all is well.
 */
export class Exchange {
  readonly counters: WorkerCounters
  readonly unanswered: UnansweredRequests
  readonly links: LinkState
  readonly pauses: Pauses
  /** Absent where no reply of the protocol ends its connection. */
  readonly endings: ConnectionEndings | undefined
  readonly afterEnd: AfterEnd
  readonly pairing: Pairing
  readonly samples: Samples
  readonly nonRequests: NonRequests
  /** Absent where every request has a reply. */
  readonly oneWay: OneWayRequests | undefined
  /** Requests that may still be sent; in mode rate the plan counts them. */
  requestsLeft: number
  /** The longest that replies are worth waiting for after the end. */
  readonly replyWaitMsMax: number
  readonly #transport: Transport
  readonly #protocol: Protocol
  readonly #sequence: RequestSequence
  readonly #checks: ReplyChecks
  readonly frames: ReplyFrames
  /** With a key: signs the challenge of each connection. */
  readonly #signer: Signer | undefined
  /** Absent where no step of the handshake logs in. */
  readonly #logins: Logins | undefined
  /** Absent where every request is encoded before the run. */
  readonly #captures: Captures | undefined
  readonly #patcher: Patcher
  readonly #slots: InFlight
  readonly #overUdp: boolean
  /** UDP with ids in the replies: the same slots, which also find reordered and duplicate replies. */
  readonly #datagrams: DatagramInFlight | undefined
  readonly #outgoing: Outgoing
  readonly #partialFrames = new PartialFrames()
  /** Absent where every message of the protocol answers a request. */
  readonly #deliveries: Deliveries | undefined
  readonly #unasked: UnaskedFrames | undefined
  readonly #due: DueTimes
  readonly #pipeline: number
  /** Mode rate: response times count from when the request was to be sent. */
  readonly #isPaced: boolean
  readonly #strays: StrayReplies
  readonly #others: OtherReplies
  readonly #statuses: StatusCounts | undefined
  readonly #isSinglePass: boolean
  /** Requests of the loop that the current readable event has completed. */
  #completed = 0

  constructor(plan: WorkerPlan, options: ExchangeOptions) {
    const { slab, transport, protocol, prng, due, epochOffsetMs } = options
    const { bank } = plan
    const sending = sendingOf(plan, protocol)
    this.counters = new WorkerCounters(slab)
    this.#transport = transport
    this.#protocol = protocol
    this.#due = due
    this.#overUdp = sending.overUdp
    this.#pipeline = sending.pipeline
    this.#isPaced = plan.pace !== undefined
    this.requestsLeft = this.#isPaced ? 0 : (plan.requests ?? Number.POSITIVE_INFINITY)
    this.#sequence = new RequestSequence(plan, prng)
    this.pauses = new Pauses(plan)
    this.#slots = createInFlight(plan, sending.slotsPerLink, protocol.requestId)
    this.#datagrams = this.#slots instanceof DatagramInFlight ? this.#slots : undefined
    const patcher = new Patcher(bank.patches, { ...plan, prng, epochOffsetMs })
    this.#patcher = patcher
    const forms = ReplyForms.of(plan, protocol)
    const protocolOf = (step: number) => forms?.of(step) ?? protocol
    this.#signer = createSigner(plan, protocol, patcher)
    this.#captures = Captures.of(plan, protocol, patcher, protocolOf)
    const slots = this.#slots
    const { layers, seal } = protocol
    this.links = new LinkState(plan)
    const pause = (link: number, time: number) => this.pause(link, time)
    const pacing = { counters: this.counters, links: this.links, pauses: this.pauses, due, pause }
    this.oneWay = OneWayRequests.of(plan, { ...pacing, transport })
    const parts = { transport, slots, patcher, captures: this.#captures, layers, seal, oneWay: this.oneWay }
    this.#outgoing = new Outgoing(sending, parts)
    this.frames = new ReplyFrames(protocol, { forms, slots, sequence: this.#sequence, outgoing: this.#outgoing })
    this.#checks = new ReplyChecks(bank.steps, protocolOf, { captures: this.#captures, outgoing: this.#outgoing, slab })
    this.#deliveries = Deliveries.of(protocol, plan, this.counters, epochOffsetMs)
    this.replyWaitMsMax = this.#deliveries === undefined ? plan.timeoutMs : Number.POSITIVE_INFINITY
    const isOrdered = protocol.requestId === undefined && !sending.overUdp
    this.pairing = new Pairing(plan.connections, isOrdered, plan.timeoutMs)
    this.samples = new Samples(slab, protocol, { ...options, partialFrames: this.#partialFrames, protocolOf })
    const { counters, links, pairing, samples } = this
    const shared = { counters, slots, sequence: this.#sequence, links, oneWay: this.oneWay }
    this.#unasked = UnaskedFrames.of(protocol, plan.connections, {
      ignored: IgnoredFrames.of(protocol, shared),
      deliveries: this.#deliveries,
      answers: Answers.of(protocol, bank, { ...shared, outgoing: this.#outgoing, captures: this.#captures }),
    })
    this.endings = ConnectionEndings.of(protocol, plan, { ...shared, outgoing: this.#outgoing })
    this.#strays = new StrayReplies({ counters, pairing, due, slots, samples, overUdp: this.#overUdp })
    const countSent = (role: number, messages: number) => this.#countSent(role, messages)
    const sends = { ...shared, samples, pauses: this.pauses, outgoing: this.#outgoing, countSent, pause }
    this.#logins = Logins.of(plan, sends)
    this.nonRequests = new NonRequests({ ...sends, pairing, logins: this.#logins })
    this.#isSinglePass = plan.mode === 'once'
    this.#statuses = StatusCounts.of(protocol, slab, this.#sequence)
    this.unanswered = new UnansweredRequests({
      ...shared,
      captures: this.#captures,
      partialFrames: this.#partialFrames,
      timeoutBreaks: protocol.requestId === undefined || plan.reconnect === 'every-request',
    })
    const ends = { ...shared, protocol, unanswered: this.unanswered, deliveries: this.#deliveries }
    this.#others = new OtherReplies(ends)
    this.afterEnd = new AfterEnd({
      ...{ ...ends, pairing, samples, strays: this.#strays },
      ...{ partialFrames: this.#partialFrames, frames: this.frames },
    })
  }

  /** A connection is open; returns for how many milliseconds to listen before its handshake begins. */
  opened(link: number, now: number): number {
    this.#sequence.opened(link)
    this.#patcher.opened(link)
    this.#captures?.opened(link, this.#transport)
    this.#deliveries?.opened(link)
    this.links.opened(link, now)
    const waitMs = this.pairing.opened(link)
    // A handshake that begins with listening takes the greeting itself.
    return this.#sequence.listensNext(link) ? 0 : waitMs
  }

  /** Whether every message of the handshake has been answered. */
  isHandshakeDone(link: number): boolean {
    return this.#sequence.isHandshakeDone(link)
  }

  /** Whether a request may be sent over the link. */
  hasRoom(link: number): boolean {
    return this.requestsInFlight(link) < this.#pipeline && this.links.left(link) > 0
  }

  /** Sends one request that was to be sent at `intendedAt`; there must be room for it. */
  sendPlanned(link: number, intendedAt: number, now: number): FailureKind | undefined {
    const result = this.#outgoing.sendOne(link, this.#sequence.nextFrame(link), now, intendedAt)
    this.links.sent(link, 1)
    this.#countSent(roleIndex.request, 1)
    this.oneWay?.settle(link, result === written.refused, now)
    return result === written.refused ? this.#outgoing.takeRefusal() : undefined
  }

  /** Sends as many requests as the connection may have in flight. */
  send(link: number, now: number): FailureKind | undefined {
    const free = this.#pipeline - this.requestsInFlight(link)
    const { oneWay } = this
    const most = oneWay?.havePauses ? Math.min(1, free) : free
    const room = Math.min(most, this.requestsLeft, this.links.left(link), this.#sequence.requestsLeft(link))
    if (room <= 0) return undefined
    const sent = this.#outgoing.sendNext(link, room, this.#sequence, now)
    this.requestsLeft -= sent
    this.links.sent(link, sent)
    this.#countSent(roleIndex.request, sent)
    oneWay?.settle(link, this.#outgoing.isRefused, now)
    return this.#outgoing.isRefused ? this.#outgoing.takeRefusal() : undefined
  }

  /** The cause to close a connection for whose requests have waited too long. */
  timeOut(link: number, sentBefore: number, now: number): FailureKind | undefined {
    return this.oneWay?.isOverdue(link, sentBefore) ? 'timeout' : this.unanswered.timeOut(link, sentBefore, now)
  }

  /** Takes the bytes of a readable event: cuts them into frames, and keeps the start of one that is not whole yet. */
  receive(link: number, bytes: Uint8Array, from: number, to: number, now: number): FailureKind | undefined {
    this.#deliveries?.received(link, now)
    this.links.received(link, now)
    this.counters.bytesReceived(to - from)
    this.#partialFrames.join(link, bytes, from, to)
    const { bytes: input, to: end } = this.#partialFrames
    let at = this.#partialFrames.from
    let cause: FailureKind | undefined
    this.#completed = 0
    while (at < end) {
      const frameEnd = this.frames.frameEnd(link, input, at, end)
      if (frameEnd === incomplete) {
        at = this.frames.start(link, input, at, end)
        if (!this.frames.isInOtherForm(link)) cause = this.#unasked?.takeWithinPart(link, input, at, end, now)
        break
      }
      if (frameEnd < 0) {
        cause = this.#brokenFrame(frameEnd)
        this.samples.broken(frameEnd, input, at, end, now)
        at = end
        break
      }
      cause = this.#take(link, input, at, frameEnd, now)
      if (cause !== undefined) break
      at = this.endings?.isEnding(link) ? end : frameEnd
    }
    this.#countCompleted(link)
    if (cause === undefined) this.#partialFrames.keep(link, input, this.frames.start(link, input, at, end), end)
    return cause
  }

  /** The server has closed the connection: takes a reply that lasts until then, after which nothing was lost. */
  receiveEnd(link: number, now: number, hasEnded: boolean): FailureKind | undefined {
    this.#partialFrames.show(link)
    const { bytes, from, to } = this.#partialFrames
    const end = this.#protocol.endAtClose?.(bytes, from, to) ?? incomplete
    if (end <= 0) return end === incomplete ? 'closed-early' : this.#brokenFrame(end)
    if (hasEnded) this.afterEnd.takeFrame(link, bytes, from, end, now)
    this.#completed = 0
    const cause = hasEnded ? undefined : this.#take(link, bytes, from, end, now)
    this.#countCompleted(link)
    return cause ?? (this.endings?.isEnding(link) ? undefined : 'closed-early')
  }

  /** Counts the requests that the current event has completed, all at once. */
  #countCompleted(link: number): void {
    if (this.#completed === 0) return
    this.links.answered(link)
    this.counters.completed(roleIndex.request, this.#completed)
    this.counters.completedOn(link, this.#completed)
  }

  /** Takes a whole frame: finds the request it answers, checks it and records the outcome. */
  #take(link: number, input: Uint8Array, from: number, end: number, now: number): FailureKind | undefined {
    const slots = this.#slots
    const isInOtherForm = this.frames.isInOtherForm(link)
    if (this.#unasked !== undefined && !isInOtherForm) {
      if (this.#unasked.take(link, input, from, end, now)) return this.#unasked.takeCause()
      const refused = this.#unasked.takeWithin(link, input, from, end, now)
      if (refused !== undefined) return refused
    }
    const slot = slots.find(link, input, from, end)
    if (slot < 0) return this.#strays.take(link, input, from, end, now)
    if (this.#datagrams?.isReordered(link, slot)) this.counters.reorderedReply()
    const frame = slots.frame[slot]!
    const step = this.#sequence.stepOfFrame[frame]!
    if (this.#logins !== undefined && this.#sequence.logsIn[step])
      return this.#logins.take(link, slot, step, input, from, end, now)
    if (!isInOtherForm) this.endings?.replied(link, step, input, from, end)
    this.#statuses?.count(step, input, from)
    const isOk = this.#checks.passes(link, slot, frame, step, input, from, end)
    if (this.#isSinglePass) this.samples.replied(step, isOk, input, from, end, now)
    if (isOk && this.#sequence.role[step] === roleIndex.request) this.#complete(link, slot, step, now)
    else {
      if (!isOk) this.samples.unexpected(step, input, from, end, now)
      if (!isOk && this.#isFatal(step)) {
        this.pairing.doubt()
        return this.#signer !== undefined && this.#others.isRefusal(input, from, end) ? 'connect-refused' : 'unexpected'
      }
      this.#signer?.answered(step, input, from, end)
      this.#others.record(link, slot, step, isOk, input, from, end, now)
    }
    if (this.pauses.meanMs[step]! > 0) this.#think(link, step, now + this.pauses.after(step))
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

  /**
   * Whether an unexpected reply to a step ends its connection. In a handshake it does. Over UDP without ids the reply
   * may be a duplicate of the one before, and every later reply would be matched to the wrong request.
   */
  #isFatal(step: number): boolean {
    return this.#sequence.role[step] === roleIndex.handshake || (this.#overUdp && this.#datagrams === undefined)
  }

  /** The cause to close a connection for after bytes that are no frame. With ids a datagram is only lost: undefined. */
  #brokenFrame(frameEnd: number): FailureKind | undefined {
    const cause = frameEnd === tooLarge ? 'too-large' : 'malformed'
    if (this.#datagrams === undefined) return cause
    this.counters.failureWithoutRequest(cause)
    return undefined
  }

  /** After a failure the link begins with the first step again, and the values that it has captured are void. */
  restart(link: number, now: number): void {
    this.endings?.fail(link, now)
    this.#sequence.restart(link)
    this.#captures?.forget(link)
  }

  /** A connection is closed: forgets all that belonged to it. */
  closed(link: number): void {
    this.links.closed(link)
    this.endings?.closed(link)
    this.#unasked?.closed(link)
    this.#deliveries?.closed(link)
    this.oneWay?.forget(link)
    this.#slots.clear(link)
    this.samples.unfinished('unfinished', link)
    this.#partialFrames.drop(link)
    this.pairing.closed(link)
  }

  /** Whether nothing is in flight on the link. */
  isIdle(link: number): boolean {
    return this.#slots.count[link] === 0 && (this.oneWay === undefined || this.oneWay.waiting[link] === 0)
  }

  /** Requests of the loop that are in flight on a link. */
  requestsInFlight(link: number): number {
    const waiting = this.oneWay === undefined ? 0 : this.oneWay.waiting[link]!
    return this.#slots.count[link]! - this.links.heartbeats[link]! + waiting
  }

  /** Whether the link has made its single pass over the steps. */
  isPassDone(link: number): boolean {
    return this.#sequence.isPassDone(link)
  }

  #countSent(role: number, requests: number): void {
    this.#deliveries?.sent(role, requests)
    this.counters.sent(role, requests, this.#outgoing.takeBytesWritten())
  }

  /** Pauses after a reply; a pause within a handshake ends with its connection. */
  #think(link: number, step: number, until: number): void {
    if (this.#sequence.role[step] === roleIndex.request) this.links.pause(link, until)
    this.pause(link, until)
  }

  /** Sends nothing more on the link until `time`. */
  pause(link: number, time: number): void {
    this.#due.set(link, time)
    this.#transport.wakeAt(time)
  }
}
