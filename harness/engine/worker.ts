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

/** What the fleet gives a worker thread to begin with. */
export interface WorkerStart {
  readonly plan: WorkerPlan
  readonly memory: SharedArrayBuffer
}

const { plan, memory } = workerData as WorkerStart
const protocol = composeProtocol(plan.protocol, { opensAll: looksAtBodies(plan.bank) })
const moving = createTransport(plan.transport, {
  ...plan,
  links: plan.connections,
  isPaced: plan.pace !== undefined,
})
const transport = wireTransport(moving, plan.wire, streamSeed(plan.seed, 1))
const offsets = { sharedOffsetMs: sharedOffsetMs(), epochOffsetMs: epochOffsetMs() }
await transport.run(new Client(plan, { memory, transport, protocol, heapKiB, ...offsets }))
// Every connection is closed by now, and its segments are counted.
Atomics.store(openSlab(memory).fields, field.retransmits, transport.retransmits ?? 0)

/** The heap in use but for the young generation, of which all is garbage between two collections. */
function heapKiB(): number {
  const old = getHeapSpaceStatistics().filter(space => !space.space_name.startsWith('new_'))
  return Math.round(old.reduce((sum, space) => sum + space.space_used_size, 0) / 1024)
}
