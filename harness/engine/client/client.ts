import type { FailureKind } from '../../failures.ts'
import { control, field, openSlab, type Slab, state, sum } from '../../metrics/slab.ts'
import { createPacer, type Pacer } from '../../plan/pacer.ts'
import { activeAt, type WorkerPlan } from '../../plan/plan.ts'
import { createPrng } from '../../prng.ts'
import type { Protocol } from '../../protocols/protocol.ts'
import { finished, type Loop, type Transport } from '../../transports/transport.ts'
import { Admission, backlogMax } from './admission.ts'
import { type ArrivalStatistics, createArrivalStatistics } from './arrivalStatistics.ts'
import { Connections, connectFailure, doing } from './connections.ts'
import { DueTimes } from './due.ts'
import { Exchange } from './exchange.ts'
import { RunClock } from './runClock.ts'

/** How long the connections may take to open before the run starts without the rest. */
const openingMsMax = 60_000
/** How long replies still on their way are waited for at the end, so that the server has seen every request. */
const drainMsMax = 1000
/** The longest sleep: how soon a word of control is obeyed. */
const controlMs = 100
const controlWhileOpeningMs = 5
/** How often a ramp is looked at. */
const rampMs = 10
const heapSampleMs = 1000
/** Requests of a plan that one wake takes up: a client that is behind has to read replies all the same, and to hear its end. */
const admittedMax = 64
/** How often late replies and due heartbeats are looked for: this part of the time they are given. */
const scansPerTimeout = 16
const scanMsMax = 100

const phase = { opening: 0, running: 1, draining: 2 } as const

/** What a client loop is made with, beside its plan. */
export interface ClientOptions {
  readonly memory: SharedArrayBuffer
  readonly transport: Transport
  readonly protocol: Protocol
  /** What turns the transport's time into the time that all workers share, and into that of the day. */
  readonly sharedOffsetMs: number
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
  readonly #slab: Slab
  readonly #connections: Connections
  readonly #exchange: Exchange
  readonly #due: DueTimes
  /** With a plan: when requests are to be sent, and which connection takes the next. */
  readonly #pacer: Pacer | undefined
  readonly #admission: Admission
  readonly #arrivals: ArrivalStatistics | undefined
  /** With a ramp: how many links, the first of them, are to send at a time. */
  readonly #activeAt: ((now: number) => number) | undefined
  #active: number
  /** Requests that the plan may still have. */
  #plannedLeft: number
  readonly #runClock: RunClock
  readonly #heapKiB: () => number
  readonly #links: number
  readonly #everyRequest: boolean
  readonly #timeoutMs: number
  readonly #heartbeatMs: number
  readonly #scanMs: number
  #phase: number = phase.opening
  #openUntil = Number.POSITIVE_INFINITY
  #drainUntil = Number.POSITIVE_INFINITY
  #scanAt = 0
  #heapAt = 0

  constructor(plan: WorkerPlan, options: ClientOptions) {
    const { memory, transport, protocol, epochOffsetMs } = options
    const prng = createPrng(plan.seed)
    const slab = openSlab(memory)
    const due = new DueTimes(plan.connections)
    this.#transport = transport
    this.#slab = slab
    this.#due = due
    this.#connections = new Connections(plan, { transport, due, prng })
    this.#exchange = new Exchange(plan, { slab, transport, protocol, prng, due, epochOffsetMs })
    const { pace, ramp, index, workers } = plan
    this.#pacer = createPacer(plan)
    this.#activeAt = ramp && (now => activeAt(ramp, now - this.#runClock.startAt, workers, index))
    this.#active = ramp === undefined ? plan.connections : 0
    this.#arrivals = createArrivalStatistics(pace, workers, slab)
    this.#plannedLeft = pace === undefined ? 0 : (plan.requests ?? Number.POSITIVE_INFINITY)
    this.#admission = new Admission(plan.connections, pace === undefined ? 0 : backlogMax)
    this.#runClock = new RunClock(slab, plan.lengthMs, options.sharedOffsetMs)
    this.#heapKiB = options.heapKiB
    this.#links = plan.connections
    this.#everyRequest = plan.reconnect === 'every-request'
    this.#timeoutMs = plan.timeoutMs
    this.#heartbeatMs = plan.heartbeatMs ?? Number.POSITIVE_INFINITY
    this.#scanMs = Math.min(scanMsMax, Math.max(1, Math.min(this.#timeoutMs, this.#heartbeatMs) / scansPerTimeout))
  }

  opened(link: number, now: number): void {
    // With the books every link that nothing is in flight on was closed, this one too.
    if (this.#isDraining(now)) return
    this.#exchange.counters.connected(now - this.#connections.beganAt[link]!)
    this.#connections.opened(link, now)
    const info = this.#transport.tcpInfo?.(link)
    if (info !== undefined) this.#exchange.counters.roundTripAtOpen(info)
    this.#exchange.begin(link)
    this.#shakeHands(link, now)
    this.#connections.connectNext(now)
  }

  received(link: number, bytes: Uint8Array, from: number, to: number, now: number): void {
    if (this.#isDraining(now)) {
      this.#exchange.drain(link, bytes, from, to, now)
      if (this.#exchange.mayLeave(link)) this.#leave(link, now)
      return
    }
    this.#exchange.counters.elapse(now)
    const cause = this.#exchange.receive(link, bytes, from, to, now)
    if (cause === undefined) this.#goOn(link, now)
    else this.#drop(link, cause, now)
    this.#endIfDone(now)
  }

  closed(link: number, cause: FailureKind, now: number): void {
    if (!this.#isDraining(now)) this.#exchange.counters.elapse(now)
    this.#gone(link, cause, now)
    this.#connections.connectNext(now)
    this.#endIfDone(now)
  }

  wake(now: number): number {
    if (this.#phase !== phase.draining) this.#elapse(now)
    const wanted = Atomics.load(this.#slab.fields, field.control)
    if (this.#phase === phase.opening) this.#whileOpening(wanted, now)
    if (this.#phase === phase.running && (wanted === control.stop || this.#runClock.isOver(now)))
      this.#stopCounting(now)
    if (this.#phase !== phase.draining) {
      for (let link = this.#due.takeDue(now); link >= 0; link = this.#due.takeDue(now)) this.#resume(link, now)
      if (this.#activeAt !== undefined && this.#phase === phase.running) this.#followRamp(this.#activeAt(now), now)
      if (this.#pacer !== undefined && this.#phase === phase.running) this.#admit(this.#pacer, now, true)
      if (now >= this.#scanAt) this.#scan(now)
      this.#connections.connectNext(now)
      this.#endIfDone(now)
    }
    if (this.#phase === phase.draining) {
      const until = Math.min(this.#drainUntil, this.#exchange.quietAt(now))
      if (this.#connections.over < this.#links && now < until) return until
      this.#giveUp()
      return finished
    }
    const paced = this.#plannedLeft > 0 ? this.#runClock.startAt + this.#pacer!.next : Number.POSITIVE_INFINITY
    const next = Math.min(this.#due.soonest, this.#scanAt, paced)
    if (this.#phase === phase.opening) return Math.min(next, this.#runClock.startAt, now + controlWhileOpeningMs)
    return Math.min(next, this.#runClock.endAt, now + (this.#activeAt === undefined ? controlMs : rampMs))
  }

  /** Before the start: lets the connections open, says when they stand, and waits for the word. */
  #whileOpening(wanted: number, now: number): void {
    if (wanted === control.stop) this.#phase = phase.running
    if (this.#openUntil === Number.POSITIVE_INFINITY) this.#openUntil = now + openingMsMax
    if (this.#connections.stillOpening === 0 || now >= this.#openUntil) this.#say(state.ready)
    if (wanted !== control.start) return
    if (now < this.#runClock.start()) return
    this.#phase = phase.running
    this.#runClock.begin()
    this.#say(state.running)
    for (let link = 0; link < this.#links; link++) {
      if (this.#connections.doing[link] === doing.waiting) this.#beginLoop(link, now)
    }
  }

  /** Sends the next message of the handshake, or after the last of them lets the loop begin. */
  #shakeHands(link: number, now: number): void {
    if (!this.#exchange.handshakeDone(link)) {
      this.#dropIf(this.#exchange.shakeHands(link, now), link, now)
      return
    }
    this.#exchange.counters.open(1)
    this.#connections.concludeOpening(link)
    this.#connections.doing[link] = doing.waiting
    if (this.#phase === phase.running) this.#beginLoop(link, now)
  }

  #beginLoop(link: number, now: number): void {
    this.#connections.doing[link] = doing.sending
    this.#exchange.beginLoop(link, now)
    this.#send(link, now)
  }

  /** Sends what the link may send: as much as it holds, or with a plan what has waited for a connection. */
  #send(link: number, now: number): void {
    // A link that the ramp does not want now stays open and waits to be wanted again.
    if (link >= this.#active) return
    if (this.#pacer === undefined) {
      this.#dropIf(this.#exchange.send(link, now), link, now)
      return
    }
    while (this.#admission.waiting > 0 && this.#isFree(link)) {
      const intendedAt = this.#admission.takeWaiting()
      this.#exchange.counters.late(0, now - intendedAt)
      this.#dropIf(this.#exchange.sendPlanned(link, intendedAt, now), link, now)
    }
    if (this.#isFree(link)) this.#admission.offer(link)
  }

  /** So many links shall send from now on: links that stood by go on, and only those that never were are opened. */
  #followRamp(active: number, now: number): void {
    const before = this.#active
    this.#active = active
    for (let link = before; link < active; link++) this.#goOn(link, now)
    this.#connections.openUpTo(active)
  }

  /** Takes up the requests of the plan whose time has come, each over the connection that has been free longest. */
  #admit(pacer: Pacer, now: number, maySend: boolean): void {
    const { counters } = this.#exchange
    let at = now
    const { startAt } = this.#runClock
    let left = maySend ? admittedMax : Number.POSITIVE_INFINITY
    for (; startAt + pacer.next <= now && this.#plannedLeft > 0 && left > 0; pacer.advance(), left--) {
      const intendedAt = startAt + pacer.next
      this.#plannedLeft--
      counters.planned()
      this.#arrivals?.add(at)
      const link = maySend ? this.#takeFreeLink() : -1
      if (link < 0) {
        if (!this.#admission.wait(intendedAt)) {
          counters.failedWithoutRequest('dropped')
          counters.censored(now - intendedAt)
        }
        continue
      }
      counters.late(at - intendedAt, 0)
      const cause = this.#exchange.sendPlanned(link, intendedAt, at)
      // Those that are due at the same time leave one after the other, and each has its own time.
      at = this.#transport.now()
      this.#dropIf(cause, link, at)
      if (this.#isFree(link)) this.#admission.offer(link)
    }
  }

  /** A link that still stands and has room, or -1. */
  #takeFreeLink(): number {
    let link = this.#admission.takeLink()
    while (link >= 0 && !this.#isFree(link)) link = this.#admission.takeLink()
    return link
  }

  #isFree(link: number): boolean {
    return this.#connections.doing[link] === doing.sending && this.#exchange.hasRoom(link)
  }

  /** After replies: the next message of the handshake, the next requests, or the end of this connection. */
  #goOn(link: number, now: number): void {
    const exchange = this.#exchange
    const at = this.#connections.doing[link]
    if (at === doing.handshaking) {
      if (exchange.idle(link) && !this.#due.has(link)) this.#shakeHands(link, now)
    } else if (at === doing.sending) {
      if (exchange.served(link)) this.#connections.answered(link)
      if (exchange.idle(link) && exchange.passDone(link)) this.#finish(link)
      else if (this.#everyRequest && exchange.idle(link) && exchange.served(link)) this.#renew(link, now)
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
    this.#close(link)
    if (this.#due.has(link)) this.#connections.doing[link] = doing.closed
    else this.#connections.renew(link)
    this.#connections.connectNext(now)
  }

  /** Closes a link that has made its single pass over the steps. */
  #finish(link: number): void {
    this.#close(link)
    this.#due.clear(link)
    this.#connections.retire(link)
  }

  #close(link: number): void {
    this.#transport.close(link)
    this.#exchange.counters.open(-1)
    this.#exchange.forget(link)
  }

  #dropIf(cause: FailureKind | undefined, link: number, now: number): void {
    if (cause !== undefined) this.#drop(link, cause, now)
  }

  /** Closes a link that cannot go on. */
  #drop(link: number, cause: FailureKind, now: number): void {
    this.#transport.close(link)
    this.#gone(link, cause, now)
  }

  /** A link is closed that should not be: what was in flight on it has failed. */
  #gone(link: number, cause: FailureKind, now: number): void {
    const was = this.#connections.doing[link]!
    if (this.#phase === phase.draining) {
      this.#leave(link, now)
      return
    }
    const exchange = this.#exchange
    if (was === doing.connecting) exchange.counters.failedWithoutRequest(connectFailure(cause))
    else if (was === doing.handshaking) exchange.unanswered.failHandshake(link, connectFailure(cause))
    else {
      exchange.counters.open(-1)
      exchange.unanswered.fail(link, cause, now)
    }
    exchange.forget(link)
    exchange.restart(link)
    this.#due.clear(link)
    this.#connections.lost(link, now, cause)
  }

  /** Looks for what has taken too long and for heartbeats that are due. */
  #scan(now: number): void {
    this.#scanAt = now + this.#scanMs
    const lateSince = now - this.#timeoutMs
    const exchange = this.#exchange
    for (let link = 0; link < this.#links; link++) {
      const at = this.#connections.doing[link]!
      if (at === doing.connecting || at === doing.handshaking) {
        if (this.#connections.beganAt[link]! <= lateSince) this.#drop(link, 'connect-timeout', now)
      } else if (at === doing.sending) {
        let cause = exchange.idle(link) ? undefined : exchange.unanswered.timeOut(link, lateSince, now)
        if (cause === undefined && this.#heartbeatMs < Number.POSITIVE_INFINITY) {
          cause = exchange.beat(link, this.#heartbeatMs, now)
        }
        if (cause === undefined) this.#goOn(link, now)
        else this.#drop(link, cause, now)
      }
    }
    if (now >= this.#heapAt) {
      this.#heapAt = now + heapSampleMs
      Atomics.store(this.#slab.fields, field.heapKiB, this.#heapKiB())
    }
  }

  #endIfDone(now: number): void {
    if (this.#phase !== phase.running) return
    const { budget, counters } = this.#exchange
    const isMore = budget > 0 || this.#plannedLeft > 0 || this.#admission.waiting > 0 || counters.inFlight > 0
    if (this.#connections.over < this.#links && isMore) return
    this.#stopCounting(now)
    this.#transport.wakeAt(now)
  }

  /** From here on nothing is counted; what is in flight is waited for a moment, so that the server has seen it. */
  #stopCounting(now: number): void {
    this.#elapse(now)
    // What was due and has not come up is part of the plan all the same: it is left waiting, and told of.
    if (this.#pacer !== undefined) this.#admit(this.#pacer, Math.min(now, this.#runClock.endAt), false)
    this.#phase = phase.draining
    this.#drainUntil = now + Math.min(drainMsMax, this.#exchange.patienceMs)
    let inFlight = 0
    for (let link = 0; link < this.#links; link++) {
      if (this.#connections.doing[link] === doing.sending) {
        inFlight += this.#exchange.requestsInFlight(link)
        const info = this.#transport.tcpInfo?.(link)
        if (info !== undefined) this.#exchange.counters.roundTripAtEnd(info)
      }
      if (this.#exchange.mayLeave(link)) this.#leave(link, now)
    }
    Atomics.store(this.#slab.fields, field.inFlightAtEnd, inFlight)
    this.#runClock.close(now)
    this.#say(state.closed)
  }

  /** What is left without an answer at the very end is as old as the run was when the books were closed. */
  #giveUp(): void {
    const { endAt } = this.#runClock
    for (let link = 0; link < this.#links; link++) this.#exchange.unanswered.censor(link, endAt)
    while (this.#admission.waiting > 0) this.#exchange.counters.censored(endAt - this.#admission.takeWaiting())
  }

  /** Closes a link for good, now that the books are closed; with the last of them the loop is finished. */
  #leave(link: number, now: number): void {
    this.#transport.close(link)
    this.#connections.retire(link)
    if (this.#connections.over === this.#links) this.#transport.wakeAt(now)
  }

  /** Whether the books are closed, which an event after the end does if no wake has yet. */
  #isDraining(now: number): boolean {
    if (this.#phase !== phase.draining && this.#runClock.isOver(now)) this.#stopCounting(now)
    return this.#phase === phase.draining
  }

  /** What has gone on up to now, though not beyond the end. */
  #elapse(now: number): void {
    this.#exchange.counters.elapse(Math.min(now, this.#runClock.endAt))
    this.#slab.sums[sum.idleMs] = this.#transport.idleMs
  }

  #say(word: number): void {
    Atomics.store(this.#slab.fields, field.state, word)
  }
}
