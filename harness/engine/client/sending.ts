import type { RequestBank } from '../../plan/bank.ts'
import type { WorkerPlan } from '../../plan/plan.ts'
import type { Protocol } from '../../protocols/protocol.ts'

/** How a worker sends requests: what follows from its plan and its protocol alone. */
export interface Sending {
  readonly bank: RequestBank
  readonly links: number
  /** The number of link 0 over all workers. */
  readonly firstConnection: number
  /** Requests that a connection may have in flight. */
  readonly pipeline: number
  /** The same with a heartbeat that is answered. */
  readonly slotsPerLink: number
  /** A connection may send the next request of the loop at any time: it does not make a single pass over the steps. */
  readonly endless: boolean
  /** Each write is a datagram, which holds one request. */
  readonly overUdp: boolean
  /** Replies carry the id of their request, and may come in any order. */
  readonly hasIds: boolean
  /** Finding the end of a reply takes the length of its request. */
  readonly needsRequestBytes: boolean
}

/** How the requests of a plan are sent in a protocol, which is the one with its layers. */
export function sendingOf(plan: WorkerPlan, protocol: Protocol): Sending {
  const hasAnsweredHeartbeat = plan.bank.steps.some(({ role, reply }) => role === 'heartbeat' && reply)
  return {
    bank: plan.bank,
    links: plan.connections,
    firstConnection: plan.firstConnection,
    pipeline: plan.pipeline,
    slotsPerLink: plan.pipeline + (hasAnsweredHeartbeat ? 1 : 0),
    endless: plan.mode === 'loop',
    overUdp: plan.address.scheme === 'udp',
    hasIds: protocol.requestId !== undefined,
    needsRequestBytes: protocol.needsRequestBytes === true,
  }
}
