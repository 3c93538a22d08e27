import type { FailureKind } from '../../failures.ts'
import { control, field, openSlab, type Slab, state, sum } from '../../metrics/slab.ts'
import { activeAt, type WorkerPlan } from '../../plan/plan.ts'
import { createPrng } from '../../prng.ts'
import type { Protocol } from '../../protocols/protocol.ts'
import { finished, type Loop, type Transport } from '../../transports/transport.ts'
import { Availability } from './availability.ts'
import { Connections, linkPhase } from './connections.ts'
import { Drain } from './drain.ts'
import { DueTimes } from './due.ts'
import { Exchange } from './exchange.ts'
import { LinkScan } from './linkScan.ts'
import { Losses } from './losses.ts'
import { PlannedRequests } from './plannedRequests.ts'
import type { ReplyFrames } from './replyForms.ts'
import { RunClock } from './runClock.ts'
import { delayedRequests, StallWatch } from './stalls.ts'

/** How long the connections may take to open before the run starts without the rest. */
const openingMsMax = 60_000
/** The longest sleep: how soon a control signal is obeyed. */
const controlMs = 100
const controlWhileOpeningMs = 5
/** How often the number of sending connections is updated along a ramp. */
const rampMs = 10

const runPhase = { opening: 0, running: 1, draining: 2 } as const

/** The inputs of a client loop in addition to its plan. */
export interface ClientOptions {
  readonly memory: SharedArrayBuffer
  readonly transport: Transport
  readonly protocol: Protocol
  /** Added to the transport's time, this gives the time that all workers share. */
  readonly sharedOffsetMs: number
  /** Added to the transport's time, this gives the time since 1970. */
  readonly epochOffsetMs: number
  /** The heap in use, in KiB; called once a second. */
  readonly heapKiB: () => number
}

/**
 * The client loop of one worker: many connections, each of which sends its next request when a reply has come. It reads
 * top to bottom: opened, received, closed, wake. Nothing is allocated, posted or logged for a request; the state of
 * links and requests is in typed arrays.
 */
export class Client implements Loop {
  readonly frames: ReplyFrames
  readonly #transport: Transport
  readonly #slab: Slab
  readonly #connections: Connections
  readonly #exchange: Exchange
  readonly #losses: Losses
  readonly #availability: Availability
  readonly #stalls: StallWatch
  readonly #due: DueTimes
  /** Mode rate only. */
  readonly #planned: PlannedRequests | undefined
  /** With a ramp: how many links send at a time. */
  readonly #activeAt: ((now: number) => number) | undefined
  /** The links below this one send; the others are open at most. */
  #active: number
  readonly #runClock: RunClock
  readonly #scan: LinkScan
  readonly #links: number
  readonly #closesByReset: boolean
  #phase: number = runPhase.opening
  #openUntil = Number.POSITIVE_INFINITY
  readonly #drain: Drain

  constructor(plan: WorkerPlan, options: ClientOptions) {
    const { memory, transport, protocol, epochOffsetMs, sharedOffsetMs, heapKiB } = options
    const prng = createPrng(plan.seed)
    const slab = openSlab(memory)
    const due = new DueTimes(plan.connections)
    const availability = new Availability(slab, plan.connections, plan.ramp === undefined ? plan.connections : 0)
    const connections = new Connections(plan, { slab, transport, due, prng, availability })
    const exchange = new Exchange(plan, { slab, transport, protocol, prng, due, epochOffsetMs, sharedOffsetMs })
    const runClock = new RunClock(slab, plan.lengthMs, sharedOffsetMs)
    this.#transport = transport
    this.#slab = slab
    this.#due = due
    this.#connections = connections
    this.#exchange = exchange
    this.#losses = new Losses(plan, { connections, exchange, due })
    this.#availability = availability
    this.#runClock = runClock
    const { ramp, index, workers } = plan
    this.#activeAt = ramp && (now => activeAt(ramp, now - runClock.startAt, workers, index))
    this.#active = ramp === undefined ? plan.speakingLinks : 0
    const drop = (link: number, cause: FailureKind, now: number) => this.#drop(link, cause, now)
    const planned = PlannedRequests.of(plan, { slab, transport, connections, exchange, runClock, drop })
    this.#planned = planned
    this.#stalls = new StallWatch(slab, sharedOffsetMs, delayedRequests(planned, exchange.oneWay, due))
    const proceed = (link: number, now: number) => this.#proceed(link, now)
    this.#scan = new LinkScan(plan, { slab, connections, exchange, availability, heapKiB, drop, proceed })
    this.#links = plan.connections
    this.frames = exchange.frames
    this.#closesByReset = plan.closesByReset === true
    this.#drain = new Drain(slab, plan)
  }

  opened(link: number, now: number): void {
    // When counting stopped, every link without requests in flight was closed, and so was this one.
    if (this.#hasEnded(now)) return
    this.#exchange.counters.addTimeInFlight(now)
    this.#exchange.counters.connected(now - this.#connections.beganAt[link]!)
    this.#connections.opened(link, now)
    const info = this.#transport.tcpInfo?.(link)
    if (info !== undefined) this.#exchange.counters.roundTripAtOpen(info)
    const listenMs = this.#exchange.opened(link, now)
    if (listenMs === 0) this.#shakeHands(link, now)
    else this.#exchange.pause(link, now + listenMs)
    this.#connections.connectNext(now)
  }

  received(link: number, bytes: Uint8Array, from: number, to: number, now: number): void {
    if (this.#hasEnded(now)) {
      this.#exchange.afterEnd.receive(link, bytes, from, to, now)
      this.#retireIfDone(link, now)
      return
    }
    this.#exchange.counters.addTimeInFlight(now)
    const cause = this.#exchange.receive(link, bytes, from, to, now)
    if (cause === undefined) this.#proceed(link, now)
    else this.#drop(link, cause, now)
    this.#endIfDone(now)
  }

  drained(link: number, now: number): void {
    const { oneWay, counters } = this.#exchange
    if (oneWay === undefined) return
    if (this.#hasEnded(now)) {
      oneWay.forget(link)
      this.#retireIfDone(link, now)
      return
    }
    counters.addTimeInFlight(now)
    oneWay.drained(link)
    this.#proceed(link, now)
    this.#endIfDone(now)
  }

  closed(link: number, cause: FailureKind, now: number): void {
    const hasEnded = this.#hasEnded(now)
    if (!hasEnded) this.#exchange.counters.addTimeInFlight(now)
    const lostBy = cause === 'closed-early' ? this.#exchange.receiveEnd(link, now, hasEnded) : cause
    if (lostBy === undefined) this.#proceed(link, now)
    else this.#lose(link, lostBy, now)
    this.#connections.connectNext(now)
    this.#endIfDone(now)
  }

  wake(now: number): number {
    this.#stalls.woke(now)
    if (this.#phase !== runPhase.draining) this.#obeyControl(now)
    if (this.#phase === runPhase.opening) return this.#wakeWhileOpening(now)
    if (this.#phase === runPhase.running) return this.#wakeWhileRunning(now)
    return this.#wakeWhileDraining(now)
  }

  #wakeWhileOpening(now: number): number {
    this.#resumeDue(now)
    this.#scan.scanIfDue(now)
    this.#connections.connectNext(now)
    return Math.min(this.#due.soonest, this.#scan.nextAt, this.#runClock.startAt, now + controlWhileOpeningMs)
  }

  #wakeWhileRunning(now: number): number {
    this.#resumeDue(now)
    if (this.#activeAt !== undefined) this.#followRamp(this.#activeAt(now), now)
    this.#planned?.sendDue(now)
    this.#scan.scanIfDue(now)
    this.#connections.connectNext(now)
    this.#endIfDone(now)
    if (this.#phase === runPhase.draining) return this.#wakeWhileDraining(now)
    const plannedAt = this.#planned?.nextAt ?? Number.POSITIVE_INFINITY
    const next = Math.min(this.#due.soonest, this.#scan.nextAt, plannedAt, this.#runClock.endAt)
    const wakeAt = Math.min(next, now + (this.#activeAt === undefined ? controlMs : rampMs))
    return this.#stalls.asked(Math.max(now, wakeAt), this.#exchange.counters.inFlight)
  }

  #wakeWhileDraining(now: number): number {
    const until = Math.min(this.#drain.until(now), this.#exchange.afterEnd.quietAt(now))
    if (this.#connections.retired < this.#links && now < until) return until
    // The ages, as of when counting stopped, of the requests that are still unanswered.
    const { endAt } = this.#runClock
    this.#exchange.afterEnd.censor(this.#links, endAt)
    this.#exchange.endings?.censor(endAt)
    this.#planned?.censorWaiting(endAt)
    return finished
  }

  /** Starts the run, or ends it, as the main thread has signalled and the run's clock says. */
  #obeyControl(now: number): void {
    this.#addTime(now)
    const signal = Atomics.load(this.#slab.fields, field.control)
    if (this.#phase === runPhase.opening) this.#startOnSignal(signal, now)
    if (this.#phase === runPhase.running && (signal === control.stop || this.#runClock.isOver(now))) {
      this.#stopCounting(now)
    }
  }

  /** Reports when the connections are open, and starts the run at the time given with the signal. */
  #startOnSignal(signal: number, now: number): void {
    if (signal === control.stop) this.#phase = runPhase.running
    if (this.#openUntil === Number.POSITIVE_INFINITY) this.#openUntil = now + openingMsMax
    if (this.#connections.firstAttemptsPending === 0 || now >= this.#openUntil)
      Atomics.store(this.#slab.fields, field.state, state.ready)
    if (signal !== control.start) return
    if (now < this.#runClock.start()) return
    this.#phase = runPhase.running
    this.#runClock.begin()
    this.#availability.begin(this.#runClock.startAt)
    Atomics.store(this.#slab.fields, field.state, state.running)
    for (let link = 0; link < this.#links; link++) {
      if (this.#connections.phase[link] === linkPhase.ready) this.#startLoop(link, now)
    }
  }

  /** Sends the next message of the handshake; after the last of them the link is ready for requests. */
  #shakeHands(link: number, now: number): void {
    this.#exchange.pairing.listened(link)
    if (!this.#exchange.isHandshakeDone(link)) {
      const cause = this.#exchange.nonRequests.sendHandshake(link, now)
      if (cause !== undefined) this.#drop(link, cause, now)
      return
    }
    this.#exchange.counters.openConnections(1)
    this.#connections.ready(link, now)
    if (this.#phase === runPhase.running) this.#startLoop(link, now)
  }

  #startLoop(link: number, now: number): void {
    this.#connections.phase[link] = linkPhase.sending
    const { links, pauses, pairing, endings } = this.#exchange
    const isFirst = !links.hasBegun(link)
    links.startHeartbeats(link, isFirst ? now - pauses.firstHeartbeatSoonerBy(link) : now)
    if (isFirst) links.pause(link, now + pauses.beforeFirst(link))
    // What is sent again does not wait for the pause.
    if (endings !== undefined) pairing.sends(link)
    const cause = endings?.resend(link, now)
    const pausedUntil = links.pausedUntil(link)
    if (cause !== undefined) this.#drop(link, cause, now)
    else if (pausedUntil <= now) {
      // What came before the first requests is no reply.
      pairing.sends(link)
      this.#send(link, now)
    } else {
      // The link's first request waits for its turn, or the pause of the connection before this one goes on.
      this.#due.set(link, pausedUntil)
      this.#transport.wakeAt(pausedUntil)
    }
  }

  /** Sends what the link may send: as much as its pipeline holds, or in mode rate the requests that wait for a link. */
  #send(link: number, now: number): void {
    // A link that only listens, or is beyond the ramp's current height, stays open and sends nothing.
    if (link >= this.#active) return
    if (this.#planned !== undefined) {
      this.#planned.sendWaiting(link, now)
      return
    }
    const cause = this.#exchange.send(link, now)
    if (cause !== undefined) this.#drop(link, cause, now)
  }

  /** Lets `active` links send from now on: opens those that never were, and lets open ones go on. */
  #followRamp(active: number, now: number): void {
    const before = this.#active
    this.#active = active
    this.#availability.want(active, now)
    for (let link = before; link < active; link++) this.#proceed(link, now)
    this.#connections.openUpTo(active)
  }

  /** After replies: the next message of the handshake, the next requests, or the end of this connection. */
  #proceed(link: number, now: number): void {
    const exchange = this.#exchange
    const phase = this.#connections.phase[link]
    if (exchange.endings?.isEnding(link)) this.#endConnection(link, now)
    else if (phase === linkPhase.handshaking) {
      if (exchange.isIdle(link) && !this.#due.has(link)) this.#shakeHands(link, now)
    } else if (phase === linkPhase.sending) {
      if (exchange.links.hasServed(link)) this.#connections.resetBackoff(link)
      if (exchange.isIdle(link) && exchange.isPassDone(link)) this.#finish(link, now)
      else if (exchange.links.isSpent(link) && exchange.isIdle(link)) this.#reopen(link, now)
      else if (!this.#due.has(link)) this.#send(link, now)
    }
  }

  /** A reply has ended its connection: the link goes on over a new one, and nothing has failed. */
  #endConnection(link: number, now: number): void {
    if (!this.#connections.goesOn(link)) this.#drop(link, 'closed-early', now)
    else if (this.#exchange.endings!.withdraw(link) || !this.#exchange.isPassDone(link)) this.#reopen(link, now)
    else this.#finish(link, now)
  }

  /** Resumes the links whose pause is over, or that are to connect again. */
  #resumeDue(now: number): void {
    for (let link = this.#due.takeDue(now); link >= 0; link = this.#due.takeDue(now)) {
      const phase = this.#connections.phase[link]
      if (phase === linkPhase.sending) this.#exchange.pairing.sends(link)
      if (phase === linkPhase.closed) this.#connections.reopen(link)
      else this.#proceed(link, now)
    }
  }

  /** Closes a link whose request was answered and opens it again: at once, or after the think time of the step. */
  #reopen(link: number, now: number): void {
    this.#close(link)
    if (this.#due.has(link)) this.#connections.phase[link] = linkPhase.closed
    else this.#connections.reopen(link)
    this.#connections.connectNext(now)
  }

  /** Closes a link that has made its single pass over the steps. */
  #finish(link: number, now: number): void {
    this.#close(link)
    this.#due.clear(link)
    this.#availability.finished(now)
    this.#connections.retire(link)
  }

  #close(link: number): void {
    this.#transport.close(link, this.#closesByReset)
    this.#exchange.counters.openConnections(-1)
    this.#exchange.closed(link)
  }

  /** Closes a link that cannot go on. */
  #drop(link: number, cause: FailureKind, now: number): void {
    this.#transport.close(link)
    this.#lose(link, cause, now)
  }

  /** A failure has closed a link: the requests in flight on it have failed. */
  #lose(link: number, cause: FailureKind, now: number): void {
    if (this.#phase === runPhase.draining) {
      this.#retire(link, now)
      return
    }
    this.#losses.lost(link, cause, now)
  }

  #endIfDone(now: number): void {
    if (this.#phase !== runPhase.running) return
    const { requestsLeft, counters } = this.#exchange
    const isMore = requestsLeft > 0 || counters.inFlight > 0 || this.#planned?.isDone === false
    if (!this.#connections.isSilent && isMore) return
    this.#stopCounting(now)
    this.#transport.wakeAt(now)
  }

  /** From here on nothing is counted. Replies are waited for a moment, so that the server has seen every request. */
  #stopCounting(now: number): void {
    this.#stalls.woke(now)
    this.#addTime(now)
    this.#availability.count(Math.min(now, this.#runClock.endAt))
    this.#planned?.queueDue(Math.min(now, this.#runClock.endAt))
    this.#phase = runPhase.draining
    this.#drain.begin(now, this.#exchange.replyWaitMsMax)
    let inFlight = this.#exchange.endings?.unservedRequests ?? 0
    for (let link = 0; link < this.#links; link++) {
      if (this.#connections.phase[link] === linkPhase.sending) {
        inFlight += this.#exchange.requestsInFlight(link)
        const info = this.#transport.tcpInfo?.(link)
        if (info !== undefined) this.#exchange.counters.roundTripAtEnd(info)
      }
      this.#retireIfDone(link, now)
    }
    Atomics.store(this.#slab.fields, field.inFlightAtEnd, inFlight)
    this.#runClock.close(now)
    Atomics.store(this.#slab.fields, field.state, state.closed)
  }

  #retireIfDone(link: number, now: number): void {
    if (this.#exchange.afterEnd.mayClose(link)) this.#retire(link, now)
  }

  /** Closes a link permanently, as counting has stopped; after the last link the loop is finished. */
  #retire(link: number, now: number): void {
    this.#transport.close(link)
    this.#connections.retire(link)
    if (this.#connections.retired === this.#links) this.#transport.wakeAt(now)
  }

  /** Whether counting has stopped. An event at or after the end stops it, if no wake has done so yet. */
  #hasEnded(now: number): boolean {
    if (this.#phase !== runPhase.draining && this.#runClock.isOver(now)) this.#stopCounting(now)
    return this.#phase === runPhase.draining
  }

  /** Accounts for the time up to now, though not beyond the end. */
  #addTime(now: number): void {
    this.#exchange.counters.addTimeInFlight(Math.min(now, this.#runClock.endAt))
    this.#slab.sums[sum.idleMs] = this.#transport.idleMs
  }
}
