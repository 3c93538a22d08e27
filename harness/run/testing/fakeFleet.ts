import type { Timers } from '../../clock.ts'
import { WorkerCounters } from '../../engine/client/counters.ts'
import type { Fleet } from '../../engine/fleet.ts'
import { createSlab, field, instant, type Slab, state } from '../../metrics/slab.ts'
import type { Plan } from '../../plan/plan.ts'

const tickMs = 10
const perMs = 1

export interface FakeFleetOptions {
  /** How long the connections take to open. */
  readonly openingMs?: number
  /** The response time in milliseconds of a request that starts this many seconds after the run. */
  readonly responseMs?: (seconds: number) => number
  /** Planned requests for each that is answered; the others stay unanswered. */
  readonly plannedPerAnswer?: number
  /** From so many milliseconds on requests are not answered any more: none is sent, or each fails at once. */
  readonly broken?: {
    readonly fromMs: number
    readonly requests: 'unsent' | 'failing'
    readonly linksInService: number
  }
  /** No connection is ever ready for a request: each attempt fails. */
  readonly isRefused?: boolean
  /** And none is tried. */
  readonly isUnwanted?: boolean
  /** From the end of the run to the end of the fleet. */
  readonly drainMs?: number
  /** The error that the fleet ends with. */
  readonly error?: string
}

/** One worker without a thread, which answers 1,000 requests a second on the clock of its timers. */
export class FakeFleet implements Fleet {
  readonly slabs: readonly Slab[]
  readonly ready: Promise<void>
  readonly ended: Promise<string | undefined>
  readonly counters: WorkerCounters
  startAt: number | undefined
  extensions = 0
  stops = 0
  readonly #plan: Plan
  readonly #timers: Timers
  readonly #options: FakeFleetOptions
  #answered = 0
  #endAt = Number.POSITIVE_INFINITY
  #finish!: (error: string | undefined) => void
  #cancel = () => {}

  constructor(plan: Plan, timers: Timers, options: FakeFleetOptions = {}) {
    this.#plan = plan
    this.#timers = timers
    this.#options = options
    const slab = createSlab(1)
    this.slabs = [slab]
    this.counters = new WorkerCounters(slab)
    const { openingMs = 0 } = options
    this.ready = openingMs === 0 ? Promise.resolve() : new Promise(resolve => void timers.after(openingMs, resolve))
    this.ended = new Promise(resolve => {
      this.#finish = resolve
    })
  }

  start(at: number): void {
    if (this.stops > 0) return
    this.startAt = at
    if (!this.#options.isRefused) this.slabs[0]!.fields[field.ready] = 1
    this.#endAt = this.#plan.endsByTime ? at + this.#plan.lengthMs : Number.POSITIVE_INFINITY
    this.#cancel = this.#timers.every(tickMs, () => this.#work())
  }

  extend(): void {
    this.extensions++
    this.#endAt += this.#plan.extensionMs
  }

  stop(): void {
    this.stops++
    this.#close(this.#timers.now())
  }

  #work(): void {
    const { responseMs = () => 1, plannedPerAnswer = 1, drainMs = 0 } = this.#options
    const now = this.#timers.now()
    const { counted, workers } = this.#plan
    if (counted && this.#answered >= workers[0]!.requests!) this.#close(now)
    if (this.#isBroken(now)) return
    for (; this.#answered < (Math.min(now, this.#endAt) - this.startAt!) * perMs; this.#answered++) {
      for (let planned = 0; planned < plannedPerAnswer; planned++) this.counters.planned()
      this.counters.sent(0, 1, 1)
      this.counters.responseTime(0, responseMs(this.#answered / 1000))
      this.counters.completed(0, 1)
    }
    if (now >= this.#endAt + drainMs) this.#close(this.#endAt)
  }

  #isBroken(now: number): boolean {
    const { broken } = this.#options
    if (this.#options.isRefused) {
      if (!this.#options.isUnwanted) this.counters.failureWithoutRequest('handshake-closed')
      return now < this.#endAt
    }
    if (broken === undefined || now - this.startAt! < broken.fromMs) return false
    this.slabs[0]!.fields[field.linksInService] = broken.linksInService
    if (broken.requests === 'unsent') this.counters.failureWithoutRequest('connect-refused')
    if (broken.requests === 'failing') {
      this.counters.sent(0, 1, 1)
      this.counters.failed(0, 1, 'malformed')
    }
    return true
  }

  #close(endAt: number): void {
    const [slab] = this.slabs
    if (slab!.fields[field.state] === state.closed) return
    this.#cancel()
    slab!.instants[instant.end] = endAt
    slab!.fields[field.state] = state.closed
    this.#finish(this.#options.error)
  }
}
