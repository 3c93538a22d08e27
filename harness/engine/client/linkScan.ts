import type { FailureKind } from '../../failures.ts'
import { field, type Slab } from '../../metrics/slab.ts'
import type { WorkerPlan } from '../../plan/plan.ts'
import type { Availability } from './availability.ts'
import { type Connections, linkPhase } from './connections.ts'
import type { Exchange } from './exchange.ts'

const heapSampleMs = 1000
/** Timeouts and due heartbeats are looked for this many times within the time they are given. */
const scansPerTimeout = 16
const scanMsMax = 100

export interface LinkScanOptions {
  readonly slab: Slab
  readonly connections: Connections
  readonly exchange: Exchange
  readonly availability: Availability
  /** The heap in use, in KiB. */
  readonly heapKiB: () => number
  /** Closes a link that cannot go on. */
  readonly drop: (link: number, cause: FailureKind, now: number) => void
  /** Lets an open link send what it may. */
  readonly proceed: (link: number, now: number) => void
}

/** What is looked at a few times a second, link by link: timeouts and heartbeats that are due. */
export class LinkScan {
  /** When the next scan is due. */
  nextAt = 0
  readonly #options: LinkScanOptions
  readonly #links: number
  readonly #speakingLinks: number
  readonly #timeoutMs: number
  readonly #heartbeatMs: number
  readonly #everyMs: number
  #heapAt = 0

  constructor(plan: WorkerPlan, options: LinkScanOptions) {
    this.#options = options
    this.#links = plan.connections
    this.#speakingLinks = plan.speakingLinks
    this.#timeoutMs = plan.timeoutMs
    this.#heartbeatMs = plan.heartbeatMs ?? Number.POSITIVE_INFINITY
    this.#everyMs = Math.min(scanMsMax, Math.max(1, Math.min(this.#timeoutMs, this.#heartbeatMs) / scansPerTimeout))
  }

  scanIfDue(now: number): void {
    if (now < this.nextAt) return
    this.nextAt = now + this.#everyMs
    const { slab, connections, exchange, availability, heapKiB } = this.#options
    for (let link = 0; link < this.#links; link++) {
      const phase = connections.phase[link]
      if (phase === linkPhase.connecting || phase === linkPhase.handshaking) this.#scanOpening(link, now)
      else if (phase === linkPhase.sending) this.#scanSending(link, now)
    }
    availability.count(now)
    if (now < this.#heapAt) return
    this.#heapAt = now + heapSampleMs
    if (exchange.counters.meanResponseMs() === 0) exchange.samples.partial(this.#links)
    Atomics.store(slab.fields, field.heapKiB, heapKiB())
  }

  #scanOpening(link: number, now: number): void {
    const { connections, drop } = this.#options
    if (connections.beganAt[link]! <= now - this.#timeoutMs) drop(link, 'connect-timeout', now)
  }

  #scanSending(link: number, now: number): void {
    const { connections, exchange, drop, proceed } = this.#options
    // No request is answered on a link that only listens: that it has lasted shows that its connection is of use.
    const hasLasted = link >= this.#speakingLinks && connections.beganAt[link]! <= now - this.#timeoutMs
    if (hasLasted) connections.resetBackoff(link)
    let cause = exchange.isIdle(link) ? undefined : exchange.timeOut(link, now - this.#timeoutMs, now)
    if (cause === undefined && this.#heartbeatMs < Number.POSITIVE_INFINITY) {
      cause = exchange.nonRequests.sendHeartbeatIfDue(link, this.#heartbeatMs, now)
    }
    if (cause === undefined) proceed(link, now)
    else drop(link, cause, now)
  }
}
