import type { CutShort } from '../audit/endings.ts'
import type { Collector } from '../metrics/collector.ts'
import { field } from '../metrics/slab.ts'
import { totalsOf } from '../metrics/totals.ts'
import type { Plan } from '../plan/plan.ts'
import { formatSetting } from '../units.ts'

/**
 * A run by count in which no connection is good for a request ends when nothing has been sent, answered or failed for this
 * long, or for as long as a reply may take and the longest wait before a connect, if that is more. Where requests are sent
 * and fail with their connections, it ends when nothing was answered for three times as long.
 */
const stuckMsMin = 10_000
const unansweredTimes = 3
/**
 * A run of any kind in which no connection was ever ready for a request ends after three timeouts, or three of the shortest
 * waits before a connect if that is longer. One connection that was ready once proves that there is a server: from then on
 * the run waits for it, as it may come back.
 */
const unconnectedTimes = 3
const unconnectedMsMin = 1000
/** The part of that time after which the run says that it will end. */
const warnAfterShare = 1 / 3

/** Notices that a run cannot go on. */
export class ProgressWatch {
  readonly #collector: Collector
  readonly #isCounted: boolean
  readonly #stuckMsMax: number
  readonly #unconnectedMsMax: number
  #moves = 0
  #movedAt = Number.POSITIVE_INFINITY
  #answers = 0
  #answeredAt = Number.POSITIVE_INFINITY
  #hasConnected = false
  /** When the first failure of a run without a connection was seen. */
  #failingSince = Number.POSITIVE_INFINITY

  constructor(collector: Collector, { counted, workers }: Plan) {
    const { timeoutMs, backoffMinMs, backoffMaxMs, attempts = 0 } = workers[0]!
    // With a number of attempts, connections are given up by that, and each has all of them.
    const attemptsMs = attempts * (timeoutMs + backoffMaxMs)
    const unconnectedMs = unconnectedTimes * Math.max(timeoutMs, backoffMinMs)
    this.#collector = collector
    this.#isCounted = counted
    this.#stuckMsMax = Math.max(stuckMsMin, timeoutMs + backoffMaxMs, attemptsMs)
    this.#unconnectedMsMax = Math.max(unconnectedMsMin, unconnectedMs, attemptsMs)
  }

  /** Why the run cannot go on, as of a reading of the collector; undefined while it can. To be asked at each reading. */
  cutShort(now: number): CutShort | undefined {
    if (this.#unconnectedMs(now) >= this.#unconnectedMsMax) {
      return { reason: 'unconnected', forMs: this.#unconnectedMsMax }
    }
    const stuckMs = this.#isCounted ? this.#stuckMs(now) : undefined
    return stuckMs === undefined ? undefined : { reason: 'stuck', forMs: stuckMs }
  }

  /** What is said of a run that will soon be ended; always the same text. */
  warning(now: number): string | undefined {
    const limitMs = this.#unconnectedMsMax
    if (this.#unconnectedMs(now) < warnAfterShare * limitMs) return undefined
    return `no connection was ready for a request so far: after ${formatSetting(limitMs)} without one the run ends`
  }

  /** For how long connections have failed and none was ever ready; negative where that is not so. */
  #unconnectedMs(now: number): number {
    if (!this.#hasConnected) this.#hasConnected = this.#collector.total(field.ready) > 0
    if (this.#hasConnected || !this.#hasFailures()) return Number.NEGATIVE_INFINITY
    this.#failingSince = Math.min(this.#failingSince, now)
    return now - this.#failingSince
  }

  /** For how long nothing has moved, or nothing was answered, once that is too long; else undefined. */
  #stuckMs(now: number): number | undefined {
    const { sent, completed, failed, failures } = totalsOf(this.#collector)
    const answers = completed + (failures.unexpected ?? 0)
    const moves = sent + completed + failed
    // Before its first connection is wanted, a ramp has none that could send, and nothing has failed.
    const isFailing = this.#collector.isFailing() && this.#hasFailures()
    if (!isFailing || moves !== this.#moves) this.#movedAt = now
    if (!isFailing || answers !== this.#answers) this.#answeredAt = now
    this.#moves = moves
    this.#answers = answers
    this.#movedAt = Math.min(this.#movedAt, now)
    this.#answeredAt = Math.min(this.#answeredAt, now)
    if (now - this.#movedAt >= this.#stuckMsMax) return this.#stuckMsMax
    const unansweredMsMax = unansweredTimes * this.#stuckMsMax
    return now - this.#answeredAt >= unansweredMsMax ? unansweredMsMax : undefined
  }

  #hasFailures(): boolean {
    return Object.keys(this.#collector.failures()).length > 0
  }
}
