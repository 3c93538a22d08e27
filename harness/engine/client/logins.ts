import type { FailureKind } from '../../failures.ts'
import { roleIndex } from '../../metrics/slab.ts'
import type { WorkerPlan } from '../../plan/plan.ts'
import { loginSystems } from '../../protocols/logins/catalog.ts'
import type { Login } from '../../protocols/logins/login.ts'
import { type Written, written } from '../../transports/transport.ts'
import type { WorkerCounters } from './counters.ts'
import type { InFlight } from './inflight.ts'
import type { Outgoing } from './outgoing.ts'
import type { Pauses } from './pauses.ts'
import type { Samples } from './samples.ts'

/** What is shared with `Exchange`. */
export interface LoginsOptions {
  readonly outgoing: Outgoing
  readonly slots: InFlight
  readonly counters: WorkerCounters
  readonly samples: Samples
  readonly pauses: Pauses
  readonly countSent: (role: number, messages: number) => void
  readonly pause: (link: number, time: number) => void
}

/**
 * Steps of the handshake that log in: a dialogue whose length depends on what the server says. A step is under way until
 * its login is done; each message that is sent counts as one of the handshake, and is answered by the last that comes
 * before the next one is sent.
 */
export class Logins {
  readonly #options: LoginsOptions
  /** By step: makes the login of a connection; undefined for all other steps. */
  readonly #makers: readonly ((() => Login) | undefined)[]
  /** By link: the login that is under way. */
  readonly #logins: (Login | undefined)[]
  readonly #isSinglePass: boolean

  private constructor(plan: WorkerPlan, options: LoginsOptions) {
    const overUnixSocket = plan.address.scheme === 'unix'
    this.#options = options
    this.#makers = plan.bank.steps.map(({ login }) => login && loginSystems[login.system].logins(login, overUnixSocket))
    this.#logins = new Array(plan.connections).fill(undefined)
    this.#isSinglePass = plan.mode === 'once'
  }

  /** Undefined where no step logs in. */
  static of(plan: WorkerPlan, options: LoginsOptions): Logins | undefined {
    return plan.bank.steps.some(({ login }) => login !== undefined) ? new Logins(plan, options) : undefined
  }

  /** Sends the first message of a login, or waits for that of the server; takes a slot. */
  begin(link: number, step: number, frame: number, now: number): Written {
    const { outgoing } = this.#options
    const login = this.#makers[step]!()
    this.#logins[link] = login
    const act = login.next(undefined)
    return act.kind === 'send' ? outgoing.sendBytes(link, frame, act.bytes, now) : outgoing.listen(link, frame, now)
  }

  /** Takes the next message of the server; returns the cause to close the connection for, if it cannot go on. */
  take(
    link: number,
    slot: number,
    step: number,
    input: Uint8Array,
    from: number,
    end: number,
    now: number,
  ): FailureKind | undefined {
    const { outgoing, slots, counters, samples, countSent, pauses, pause } = this.#options
    const act = this.#logins[link]!.next(input.subarray(from, end))
    switch (act.kind) {
      case 'wait':
        return undefined
      case 'send': {
        const frame = slots.frame[slot]!
        slots.release(link, slot)
        counters.completed(roleIndex.handshake, 1)
        const result = outgoing.sendBytes(link, frame, act.bytes, now)
        countSent(roleIndex.handshake, 1)
        return result === written.refused ? outgoing.takeRefusal() : undefined
      }
      case 'done':
        this.#logins[link] = undefined
        slots.release(link, slot)
        counters.completed(roleIndex.handshake, 1)
        samples.outcome(step, true, act.text, now, this.#isSinglePass)
        if (pauses.meanMs[step]! > 0) pause(link, now + pauses.after(step))
        return undefined
      case 'failed':
        return this.#end(link, step, act.text, now)
      case 'refused':
        this.#end(link, step, act.text, now)
        return 'connect-refused'
    }
  }

  /** Keeps the reason, so that a user sees it. */
  #end(link: number, step: number, text: string, now: number): FailureKind {
    this.#logins[link] = undefined
    this.#options.samples.outcome(step, false, text, now, this.#isSinglePass)
    return 'unexpected'
  }
}
