import type { FailureKind } from '../../failures.ts'
import { roleIndex } from '../../metrics/slab.ts'
import { type Written, written } from '../../transports/transport.ts'
import type { WorkerCounters } from './counters.ts'
import type { LinkState } from './linkState.ts'
import type { Logins } from './logins.ts'
import type { Outgoing } from './outgoing.ts'
import type { Pairing } from './pairing.ts'
import type { Pauses } from './pauses.ts'
import type { RequestSequence } from './requestSequence.ts'

/** What is shared with `Exchange`. */
export interface NonRequestsOptions {
  readonly sequence: RequestSequence
  readonly outgoing: Outgoing
  readonly links: LinkState
  readonly pairing: Pairing
  readonly pauses: Pauses
  readonly counters: WorkerCounters
  /** Absent where no step logs in. */
  readonly logins: Logins | undefined
  readonly countSent: (role: number, messages: number) => void
  /** Sends nothing more on the link until that time. */
  readonly pause: (link: number, time: number) => void
}

/** The messages that are sent besides the requests of the loop: those of the handshake, and heartbeats. */
export class NonRequests {
  readonly #options: NonRequestsOptions

  constructor(options: NonRequestsOptions) {
    this.#options = options
  }

  /** Sends the next message of the handshake. */
  sendHandshake(link: number, now: number): FailureKind | undefined {
    const { pairing, sequence, counters, pauses, pause } = this.#options
    pairing.sends(link)
    const step = sequence.nextHandshakeStep(link)
    const cause = this.#send(link, step, now)
    if (cause !== undefined || sequence.reply[step]) return cause
    // It has no reply: the next message follows at once, or after the pause.
    counters.completed(roleIndex.handshake, 1)
    pause(link, now + (pauses.meanMs[step]! > 0 ? pauses.after(step) : 0))
    return undefined
  }

  /** Sends a heartbeat if the last is `everyMs` ago and not in flight any more. */
  sendHeartbeatIfDue(link: number, everyMs: number, now: number): FailureKind | undefined {
    const { links, sequence, pairing } = this.#options
    if (!links.isHeartbeatDue(link, everyMs, now)) return undefined
    const step = sequence.heartbeat
    pairing.sends(link)
    links.heartbeatSent(link, now, sequence.reply[step]!)
    return this.#send(link, step, now)
  }

  #send(link: number, step: number, now: number): FailureKind | undefined {
    const { sequence, outgoing, countSent } = this.#options
    const result = this.#write(link, step, sequence.frameOf(link, step), now)
    countSent(sequence.role[step]!, 1)
    return result === written.refused ? outgoing.takeRefusal() : undefined
  }

  #write(link: number, step: number, frame: number, now: number): Written {
    const { sequence, outgoing, logins } = this.#options
    if (sequence.logsIn[step]) return logins!.begin(link, step, frame, now)
    return sequence.listens[step] ? outgoing.listen(link, frame, now) : outgoing.sendOne(link, frame, now)
  }
}
