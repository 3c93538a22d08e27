import { getHeapSpaceStatistics } from 'node:v8'
import { workerData } from 'node:worker_threads'
import { epochOffsetMs, sharedOffsetMs } from '../clock.ts'
import { field, openSlab } from '../metrics/slab.ts'
import type { WorkerPlan } from '../plan/plan.ts'
import { streamSeed } from '../prng.ts'
import { composeProtocol } from '../protocols/composed.ts'
import { createTransport } from '../transports/catalog.ts'
import { wireTransport } from '../transports/wire.ts'
import { Client } from './client/client.ts'
import { looksAtBodies } from './client/expectation.ts'
import { inlineMore } from './inlining.ts'

/** The data that the fleet starts a worker thread with. */
export interface WorkerStart {
  readonly plan: WorkerPlan
  readonly memory: SharedArrayBuffer
}

inlineMore()
const { plan, memory } = workerData as WorkerStart
const protocol = composeProtocol(plan.protocol, { opensAll: looksAtBodies(plan.bank) })
const plainTransport = createTransport(plan.transport, {
  ...plan,
  links: plan.connections,
  isPaced: plan.pace !== undefined,
})
const transport = wireTransport(plainTransport, plan.wire, streamSeed(plan.seed, 1))
const offsets = { sharedOffsetMs: sharedOffsetMs(), epochOffsetMs: epochOffsetMs() }
await transport.run(new Client(plan, { memory, transport, protocol, heapKiB, ...offsets }))
// Every connection is closed by now, and its retransmitted segments are counted.
Atomics.store(openSlab(memory).fields, field.retransmits, transport.retransmits ?? 0)

/** The heap in use without the young generation, which is all garbage between two collections. */
function heapKiB(): number {
  const old = getHeapSpaceStatistics().filter(space => !space.space_name.startsWith('new_'))
  return Math.round(old.reduce((sum, space) => sum + space.space_used_size, 0) / 1024)
}
