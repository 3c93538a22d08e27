import type { FailureKind } from '../failures.ts'
import { control, field, instant, openSlab, roleIndex, type Slab, state } from '../metrics/slab.ts'
import type { WorkerPlan } from '../plan/plan.ts'
import { createPrng } from '../prng.ts'
import { Leftovers } from '../protocols/framing.ts'
import { type Protocol, tooLarge } from '../protocols/protocol.ts'
import { finished, type Loop, type Transport, written } from '../transports/transport.ts'
import { Books } from './books.ts'
import { Connections, doing } from './connections.ts'
import { DueTimes } from './due.ts'
import { type Check, compileCheck } from './expectation.ts'
import { type InFlight, KeyedInFlight, OrderedInFlight } from './inflight.ts'
import { Outgoing } from './outgoing.ts'
import { Patcher } from './patches.ts'
import { Script } from './script.ts'

/** How long the connections may take to open before the run starts without the rest. */
const openingMsMax = 60_000
/** How long replies still on their way are waited for at the end, so that the server has seen every request. */
const settlingMsMax = 1000
/** The longest sleep: how soon a word of control is obeyed. */
const controlMs = 100
const controlWhileOpeningMs = 5
const heapSampleMs = 1000

const phase = { opening: 0, running: 1, settling: 2 } as const

export interface ClientOptions {
  readonly memory: SharedArrayBuffer
  readonly transport: Transport
  readonly protocol: Protocol
  /** What turns the transport's time into the time that all workers share. */
  readonly epochOffsetMs: number
  /** The heap in use, in KiB; asked once a second. */
  readonly heapKiB: () => number
}

/**
 * The client loop of one worker: many connections, each sending its next request when a reply is in. It reads top to
 * bottom: opened, received, closed, wake. Nothing is allocated, posted or logged for a request; what a link or a
 * request is doing stands in typed arrays.
 */
export class Client implements Loop {
  readonly #transport: Transport
  readonly #protocol: Protocol
  readonly #slab: Slab
  readonly #books: Books
  readonly #connections: Connections
  readonly #script: Script
  readonly #checks: readonly (Check | null)[]
  readonly #slots: InFlight
  readonly #outgoing: Outgoing
  readonly #leftovers = new Leftovers()
  readonly #due: DueTimes
  readonly #epochOffsetMs: number
  readonly #heapKiB: () => number

  readonly #links: number
  readonly #pipeline: number
  readonly #ordered: boolean
  readonly #everyRequest: boolean
  readonly #timeoutMs: number
  readonly #heartbeatMs: number
  readonly #lengthMs: number
  readonly #scanMs: number

  /** By link. */
  readonly #heartbeats: Uint8Array
  readonly #heartbeatAt: Float64Array
  readonly #answeredSinceOpen: Uint8Array

  /** Requests that may still be sent. */
  #budget: number
  #phase: number = phase.opening
  #startAt = Number.POSITIVE_INFINITY
  #endAt = Number.POSITIVE_INFINITY
  #openUntil = Number.POSITIVE_INFINITY
  #settleUntil = Number.POSITIVE_INFINITY
  #scanAt = 0
  #heapAt = 0

  constructor(plan: WorkerPlan, { memory, transport, protocol, epochOffsetMs, heapKiB }: ClientOptions) {
    const { bank, connections } = plan
    const prng = createPrng(plan.seed)
    this.#transport = transport
    this.#protocol = protocol
    this.#slab = openSlab(memory)
    this.#books = new Books(this.#slab)
    this.#due = new DueTimes(connections)
    this.#connections = new Connections(plan, { transport, due: this.#due, prng })
    this.#script = new Script(plan, prng)
    this.#checks = bank.steps.map(step => compileCheck(protocol, step.expectation))
    const depth = plan.pipeline + (plan.heartbeatMs === undefined ? 0 : 1)
    this.#slots = protocol.requestId
      ? new KeyedInFlight(connections, depth, protocol.requestId)
      : new OrderedInFlight(connections, depth)
    this.#outgoing = new Outgoing({
      transport,
      bank,
      patcher: new Patcher(bank.patches, { prng, index: plan.index, workers: plan.workers, epochOffsetMs }),
      slots: this.#slots,
      slotCount: connections * this.#slots.capacity,
      hasIds: protocol.requestId !== undefined,
      firstConnection: plan.firstConnection,
      pipeline: plan.pipeline,
      endless: plan.mode === 'loop',
    })
    this.#epochOffsetMs = epochOffsetMs
    this.#heapKiB = heapKiB

    this.#links = connections
    this.#pipeline = plan.pipeline
    this.#ordered = protocol.requestId === undefined
    this.#everyRequest = plan.reconnect === 'every-request'
    this.#timeoutMs = plan.timeoutMs
    this.#heartbeatMs = plan.heartbeatMs ?? Number.POSITIVE_INFINITY
    this.#lengthMs = plan.lengthMs
    this.#scanMs = Math.min(100, Math.max(1, Math.min(plan.timeoutMs, this.#heartbeatMs) / 16))
    this.#heartbeats = new Uint8Array(connections)
    this.#heartbeatAt = new Float64Array(connections)
    this.#answeredSinceOpen = new Uint8Array(connections)
    this.#budget = plan.requests ?? Number.POSITIVE_INFINITY
  }

  opened(link: number, now: number): void {
    this.#books.connected(now - this.#connections.beganAt[link]!)
    this.#connections.opened(link, now)
    this.#script.begin(link)
    this.#answeredSinceOpen[link] = 0
    this.#shakeHands(link, now)
    this.#connections.connectNext(now)
  }

  received(link: number, bytes: Uint8Array, from: number, to: number, now: number): void {
    if (this.#phase !== phase.settling && now >= this.#endAt) this.#closeBooks(now)
    if (this.#phase === phase.settling) {
      this.#receivedAfterEnd(link, bytes, from, to, now)
      return
    }
    this.#books.received(to - from)

    const slots = this.#slots
    const leftovers = this.#leftovers
    leftovers.join(link, bytes, from, to)
    const input = leftovers.bytes
    const end = leftovers.to
    let at = leftovers.from
    let completed = 0
    let frameEnd = 0
    while (at < end) {
      frameEnd = this.#frameEnd(link, input, at, end)
      if (frameEnd <= 0) break
      const slot = slots.find(link, input, at, frameEnd)
      if (slot < 0) this.#books.mishap('unexpected')
      else {
        const frame = slots.frame[slot]!
        const step = this.#script.stepOfFrame[frame]!
        const check = this.#checks[step]!
        const ok = check === null || this.#passes(check, slot, frame, input, at, frameEnd)
        const sentAt = slots.sentAt[slot]!
        slots.release(link, slot)
        if (ok && this.#script.role[step] === roleIndex.request) {
          this.#books.answered(step, now - sentAt)
          completed++
        } else this.#answerApart(link, step, ok)
        if (this.#script.thinkMs[step]! > 0) this.#pause(link, now + this.#script.thinkMs[step]!)
      }
      at = frameEnd
    }

    if (completed > 0) {
      this.#answeredSinceOpen[link] = 1
      this.#connections.answered(link)
      this.#books.completed(roleIndex.request, completed)
    }
    if (frameEnd < 0) this.#drop(link, frameEnd === tooLarge ? 'too-large' : 'malformed', now)
    else {
      leftovers.keep(link, input, at, end)
      this.#goOn(link, now)
    }
    this.#endIfDone(now)
  }

  closed(link: number, cause: FailureKind, now: number): void {
    this.#gone(link, cause, now)
    this.#connections.connectNext(now)
    this.#endIfDone(now)
  }

  wake(now: number): number {
    const wanted = Atomics.load(this.#slab.fields, field.control)
    if (this.#phase === phase.opening) this.#whileOpening(wanted, now)
    if (this.#phase === phase.running && (wanted === control.stop || now >= this.#endAt)) this.#closeBooks(now)
    if (this.#phase !== phase.settling) {
      for (let link = this.#due.takeDue(now); link >= 0; link = this.#due.takeDue(now)) this.#resume(link, now)
      if (now >= this.#scanAt) this.#scan(now)
      this.#connections.connectNext(now)
      this.#endIfDone(now)
    }
    if (this.#phase === phase.settling) {
      const done = this.#connections.over === this.#links || now >= this.#settleUntil
      return done ? finished : this.#settleUntil
    }
    const controlAt = now + (this.#phase === phase.opening ? controlWhileOpeningMs : controlMs)
    return Math.min(this.#due.soonest, this.#scanAt, this.#endAt, controlAt)
  }

  /** Before the start: lets the connections open, says when they stand, and waits for the word. */
  #whileOpening(wanted: number, now: number): void {
    if (wanted === control.stop) this.#phase = phase.running
    if (this.#openUntil === Number.POSITIVE_INFINITY) this.#openUntil = now + openingMsMax
    if (this.#connections.unsettled === 0 || now >= this.#openUntil) this.#say(state.ready)
    if (wanted !== control.start) return
    this.#startAt = this.#slab.instants[instant.start]! - this.#epochOffsetMs
    if (now < this.#startAt) {
      this.#transport.wakeAt(this.#startAt)
      return
    }
    this.#phase = phase.running
    this.#endAt = this.#startAt + this.#lengthMs
    this.#say(state.running)
    for (let link = 0; link < this.#links; link++) {
      if (this.#connections.doing[link] === doing.waiting) {
        this.#connections.doing[link] = doing.sending
        this.#heartbeatAt[link] = now
        this.#send(link, now)
      }
    }
  }

  /** Sends the next message of the handshake, or after the last of them lets the loop begin. */
  #shakeHands(link: number, now: number): void {
    const step = this.#script.nextHandshake(link)
    if (step >= 0) {
      this.#sendApart(link, step, now)
      return
    }
    this.#books.open(1)
    this.#connections.settle(link)
    this.#heartbeatAt[link] = now
    this.#connections.doing[link] = this.#phase === phase.running ? doing.sending : doing.waiting
    if (this.#phase === phase.running) this.#send(link, now)
  }

  /** Sends as many requests as the connection may have in flight. */
  #send(link: number, now: number): void {
    const open = this.#pipeline - this.#slots.count[link]! + this.#heartbeats[link]!
    const room = Math.min(open, this.#budget, this.#script.left(link))
    if (room <= 0) return
    const outgoing = this.#outgoing
    const alike = outgoing.alikeMax
    const frameBytes = this.#script.frameBytes
    let refused = false
    let sent = 0
    let bytes = 0
    while (sent < room && !refused) {
      if (alike > 0) {
        const requests = Math.min(room - sent, alike)
        sent += requests
        bytes += requests * frameBytes[0]!
        refused = outgoing.sendAlike(link, requests, now) === written.refused
      } else {
        const frame = this.#script.next(link)
        sent++
        bytes += frameBytes[frame]!
        const result = room === 1 ? outgoing.sendOne(link, frame, now, true) : outgoing.add(link, frame, now)
        refused = result === written.refused
      }
    }
    if (outgoing.flush(link) === written.refused) refused = true
    this.#budget -= sent
    this.#books.sent(roleIndex.request, sent, bytes)
    if (refused) this.#drop(link, 'overflow', now)
  }

  /** Sends a heartbeat or a message of the handshake. */
  #sendApart(link: number, step: number, now: number): void {
    const frame = this.#script.frameOf(link, step)
    this.#books.sent(this.#script.role[step]!, 1, this.#script.frameBytes[frame]!)
    const result = this.#outgoing.sendOne(link, frame, now, this.#script.reply[step]!)
    if (result === written.refused) this.#drop(link, 'overflow', now)
  }

  #frameEnd(link: number, input: Uint8Array, at: number, end: number): number {
    const oldest = this.#slots.oldest(link)
    const requestBytes = oldest < 0 ? 0 : this.#script.frameBytes[this.#slots.frame[oldest]!]!
    return this.#protocol.frameEnd(input, at, end, requestBytes)
  }

  #passes(check: Check, slot: number, frame: number, reply: Uint8Array, from: number, end: number): boolean {
    const sentFrom = this.#outgoing.sentFrom(slot)
    const sentEnd = sentFrom + this.#script.frameBytes[frame]!
    return check(reply, from, end, this.#outgoing.sentBytes(frame), sentFrom, sentEnd)
  }

  /** A reply that is not one more completed request of the loop. */
  #answerApart(link: number, step: number, ok: boolean): void {
    const role = this.#script.role[step]!
    if (role === roleIndex.heartbeat) this.#heartbeats[link] = 0
    if (role === roleIndex.request) this.#answeredSinceOpen[link] = 1
    if (ok) this.#books.completed(role, 1)
    else this.#books.failed(role, 1, 'unexpected')
    // What the handshake was refused, the loop need not try.
    if (role === roleIndex.handshake && !ok) this.#connections.refuse(link)
  }

  /** Nothing more is sent on the link until `time`. */
  #pause(link: number, time: number): void {
    this.#due.set(link, time)
    this.#transport.wakeAt(time)
  }

  /** After replies: the next message of the handshake, the next requests, or the end of this connection. */
  #goOn(link: number, now: number): void {
    const at = this.#connections.doing[link]
    const idle = this.#slots.count[link] === 0
    if (at === doing.refused) this.#drop(link, 'connect-failed', now)
    else if (at === doing.handshaking) {
      if (idle && !this.#due.has(link)) this.#shakeHands(link, now)
    } else if (at === doing.sending) {
      if (idle && this.#script.left(link) === 0) this.#finish(link)
      else if (idle && this.#everyRequest && this.#answeredSinceOpen[link] === 1) this.#renew(link, now)
      else if (!this.#due.has(link)) this.#send(link, now)
    }
  }

  /** The time has come that a link waited for: to go on after a pause, or to connect again. */
  #resume(link: number, now: number): void {
    if (this.#connections.doing[link] === doing.closed) this.#connections.renew(link)
    else this.#goOn(link, now)
  }

  /** Closes a link whose request is answered, to open it anew: at once, or after the pause that the step asks for. */
  #renew(link: number, now: number): void {
    const pausing = this.#due.has(link)
    this.#close(link)
    if (pausing) this.#connections.doing[link] = doing.closed
    else this.#connections.renew(link)
    this.#connections.connectNext(now)
  }

  #finish(link: number): void {
    this.#close(link)
    this.#due.clear(link)
    this.#connections.retire(link)
  }

  #close(link: number): void {
    this.#transport.close(link)
    this.#books.open(-1)
    this.#leftovers.drop(link)
    this.#slots.clear(link)
  }

  /** Closes a link that cannot go on. */
  #drop(link: number, cause: FailureKind, now: number): void {
    this.#transport.close(link)
    this.#gone(link, cause, now)
  }

  /** A link is closed that should not be: what was in flight on it has failed. */
  #gone(link: number, cause: FailureKind, now: number): void {
    const was = this.#connections.doing[link]!
    if (was === doing.over) return
    if (this.#phase === phase.settling) {
      this.#connections.retire(link)
      this.#transport.wakeAt(now)
      return
    }
    const books = this.#books
    const waiting = this.#slots.count[link]!
    const heartbeats = this.#heartbeats[link]!
    if (was === doing.connecting) books.mishap(connectFailure(cause))
    else if (was === doing.handshaking || was === doing.refused) {
      if (waiting > 0) books.failed(roleIndex.handshake, waiting, connectFailure(cause))
      else if (was === doing.handshaking) books.mishap(connectFailure(cause))
    } else {
      books.open(-1)
      if (waiting > heartbeats) books.failed(roleIndex.request, waiting - heartbeats, cause)
      if (heartbeats > 0) books.failed(roleIndex.heartbeat, heartbeats, cause)
      // A connection that was closed without having served anything has failed, though no request has.
      if (waiting === 0 && this.#answeredSinceOpen[link] === 0) books.mishap(cause)
    }
    this.#heartbeats[link] = 0
    this.#slots.clear(link)
    this.#leftovers.drop(link)
    this.#due.clear(link)
    this.#connections.lost(link, now)
  }

  /** Looks for what has taken too long and for heartbeats that are due. */
  #scan(now: number): void {
    this.#scanAt = now + this.#scanMs
    const lateSince = now - this.#timeoutMs
    for (let link = 0; link < this.#links; link++) {
      const at = this.#connections.doing[link]!
      if (at === doing.connecting || at === doing.handshaking) {
        if (this.#connections.beganAt[link]! <= lateSince) this.#drop(link, 'connect-timeout', now)
      } else if (at === doing.sending) {
        if (this.#slots.count[link]! > 0) this.#timeOut(link, lateSince, now)
        if (now - this.#heartbeatAt[link]! >= this.#heartbeatMs) this.#beat(link, now)
      }
    }
    if (now >= this.#heapAt) {
      this.#heapAt = now + heapSampleMs
      Atomics.store(this.#slab.fields, field.heapKiB, this.#heapKiB())
    }
  }

  /**
   * Fails what was sent at or before `lateSince`. Where replies come in order the connection is of no more use: a late
   * reply would be taken for the next one. Where they carry ids the slot is freed and the connection goes on.
   */
  #timeOut(link: number, lateSince: number, now: number): void {
    const slots = this.#slots
    let slot = slots.overdue(link, lateSince)
    if (slot < 0) return
    if (this.#ordered) {
      this.#drop(link, 'timeout', now)
      return
    }
    for (; slot >= 0; slot = slots.overdue(link, lateSince)) {
      const role = this.#script.role[this.#script.stepOfFrame[slots.frame[slot]!]!]!
      if (role === roleIndex.heartbeat) this.#heartbeats[link] = 0
      this.#books.failed(role, 1, 'timeout')
      slots.release(link, slot)
    }
    this.#goOn(link, now)
  }

  #beat(link: number, now: number): void {
    this.#heartbeatAt[link] = now
    if (this.#connections.doing[link] !== doing.sending || this.#heartbeats[link]! > 0) return
    const step = this.#script.heartbeat
    if (this.#script.reply[step]) this.#heartbeats[link] = 1
    this.#sendApart(link, step, now)
  }

  #endIfDone(now: number): void {
    if (this.#phase !== phase.running) return
    if (this.#connections.over < this.#links && (this.#budget > 0 || this.#books.inFlight > 0)) return
    this.#closeBooks(now)
    this.#transport.wakeAt(now)
  }

  /** From here on nothing is counted; what is in flight is waited for a moment, so that the server has seen it. */
  #closeBooks(now: number): void {
    this.#phase = phase.settling
    this.#settleUntil = now + Math.min(settlingMsMax, this.#timeoutMs)
    let inFlight = 0
    for (let link = 0; link < this.#links; link++) {
      const at = this.#connections.doing[link]!
      const waiting = this.#slots.count[link]!
      if (at === doing.sending) inFlight += waiting - this.#heartbeats[link]!
      if (waiting > 0 || at === doing.over) continue
      if (at !== doing.closed) this.#transport.close(link)
      this.#connections.retire(link)
    }
    Atomics.store(this.#slab.fields, field.inFlightAtEnd, inFlight)
    this.#slab.instants[instant.end] = Math.min(now, this.#endAt) + this.#epochOffsetMs
    this.#say(state.closed)
  }

  #receivedAfterEnd(link: number, bytes: Uint8Array, from: number, to: number, now: number): void {
    const slots = this.#slots
    const leftovers = this.#leftovers
    leftovers.join(link, bytes, from, to)
    const input = leftovers.bytes
    const end = leftovers.to
    let at = leftovers.from
    let frameEnd = 0
    while (at < end) {
      frameEnd = this.#frameEnd(link, input, at, end)
      if (frameEnd <= 0) break
      const slot = slots.find(link, input, at, frameEnd)
      if (slot >= 0) slots.release(link, slot)
      at = frameEnd
    }
    if (frameEnd >= 0 && slots.count[link]! > 0) {
      leftovers.keep(link, input, at, end)
      return
    }
    this.#transport.close(link)
    this.#connections.retire(link)
    if (this.#connections.over === this.#links) this.#transport.wakeAt(now)
  }

  #say(word: number): void {
    Atomics.store(this.#slab.fields, field.state, word)
  }
}

/** What is counted when a connection fails before it is of use. */
function connectFailure(cause: FailureKind): FailureKind {
  if (cause === 'timeout' || cause === 'connect-timeout') return 'connect-timeout'
  return cause === 'connect-refused' ? cause : 'connect-failed'
}
