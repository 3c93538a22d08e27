import type { FailureKind } from '../../failures.ts'
import type { WorkerPlan } from '../../plan/plan.ts'
import { type Connections, connectFailure, handshakeFailure, linkPhase } from './connections.ts'
import type { DueTimes } from './due.ts'
import type { Exchange } from './exchange.ts'

export interface LossesOptions {
  readonly connections: Connections
  readonly exchange: Exchange
  readonly due: DueTimes
}

/** What is counted when a connection is lost, and what becomes of its link. */
export class Losses {
  readonly #connections: Connections
  readonly #exchange: Exchange
  readonly #due: DueTimes
  readonly #isOnce: boolean

  constructor({ mode }: WorkerPlan, { connections, exchange, due }: LossesOptions) {
    this.#connections = connections
    this.#exchange = exchange
    this.#due = due
    this.#isOnce = mode === 'once'
  }

  /** A link is closed that was not to be: what was under way on it has failed, and it is opened again by the rules. */
  lost(link: number, cause: FailureKind, now: number): void {
    const isIdleClose = this.#count(link, cause, now)
    this.#exchange.closed(link)
    this.#exchange.restart(link, now)
    this.#due.clear(link)
    if (isIdleClose) this.#connections.closedIdle(link, now)
    else this.#connections.lost(link, now, cause)
  }

  /** Counts the loss; returns whether it was no failure, as the server has closed an idle connection. */
  #count(link: number, cause: FailureKind, now: number): boolean {
    const { counters, unanswered, links } = this.#exchange
    const phase = this.#connections.phase[link]
    if (phase === linkPhase.connecting) {
      counters.failureWithoutRequest(connectFailure(cause))
      return false
    }
    if (phase === linkPhase.handshaking) {
      unanswered.failHandshake(link, handshakeFailure(cause))
      return false
    }
    counters.openConnections(-1)
    // Its last reply and what broke the connection may have come together.
    if (links.hasServed(link)) this.#connections.resetBackoff(link)
    // The single pass of mode once cannot be finished over another connection.
    if (this.#isOnce || !unanswered.isIdleClose(link, cause, now)) {
      unanswered.fail(link, cause, now)
      return false
    }
    counters.idleClose()
    return true
  }
}
