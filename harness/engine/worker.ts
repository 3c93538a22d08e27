import { getHeapStatistics } from 'node:v8'
import { workerData } from 'node:worker_threads'
import { epochOffsetMs } from '../clock.ts'
import type { WorkerPlan } from '../plan/plan.ts'
import { createProtocol } from '../protocols/catalog.ts'
import { createTransport } from '../transports/catalog.ts'
import { Client } from './client.ts'

/** What the fleet gives a worker thread to begin with. */
export interface WorkerStart {
  readonly plan: WorkerPlan
  readonly memory: SharedArrayBuffer
}

const { plan, memory } = workerData as WorkerStart
const protocol = createProtocol(plan.protocol)
const transport = createTransport(plan.transport, plan.address, plan.connections)
const heapKiB = () => Math.round(getHeapStatistics().used_heap_size / 1024)
await transport.run(new Client(plan, { memory, transport, protocol, epochOffsetMs: epochOffsetMs(), heapKiB }))
