import { Collector } from '../../../metrics/collector.ts'
import type { Measured } from '../../../metrics/measured.ts'
import { control, createSlab, field, instant, openSlab, type Slab, state } from '../../../metrics/slab.ts'
import { constantRateOf } from '../../../plan/pacer.ts'
import { type Plan, planRun } from '../../../plan/plan.ts'
import { encodeRequests } from '../../../plan/requests.ts'
import { composeProtocol } from '../../../protocols/composed.ts'
import type { Protocol } from '../../../protocols/protocol.ts'
import { resolveProtocol } from '../../../scenario/resolve.ts'
import type { Scenario } from '../../../scenario/scenario.ts'
import { createMemoryTransport, type MemoryServer } from '../../../transports/memory.ts'
import { wireTransport } from '../../../transports/wire.ts'
import { Client } from '../client.ts'
import { looksAtBodies } from '../expectation.ts'

const readMs = 100
const readsMsMax = 120_000

/** When a simulated run starts: late enough for a few connects to be done. */
export const startMs = 10

const defaults: Scenario = {
  name: 'simulated',
  target: { address: 'tcp://127.0.0.1:1' },
  environments: {},
  protocol: { name: 'line', delimiter: '\n', maxFrame: 1024 },
  connections: 1,
  connect: [],
  load: { mode: 'loop', pipeline: 1 },
  duration: 1000,
  warmup: 0,
  timeout: 100,
  reconnect: { when: 'failure', backoff: { min: 10, max: 80 } },
  thresholds: [],
  workers: 1,
  transport: 'auto',
}

/** The outcome of a simulated run: the counters by name, and the latencies. */
export interface Simulated {
  readonly sent: number
  readonly completed: number
  readonly failed: number
  readonly inFlightAtEnd: number
  readonly connects: number
  readonly handshakes: number
  readonly heartbeats: number
  /** Over UDP. */
  readonly duplicates: number
  readonly late: number
  readonly reordered: number
  readonly failures: Readonly<Record<string, number>>
  readonly meanMs: number
  readonly measured: Measured
  readonly endedAtMs: number
  /** When the client had closed its last connection. */
  readonly leftAtMs: number
  readonly slab: Slab
  /** The inputs of a report. */
  readonly scenario: Scenario
  readonly collector: Collector
}

/** Runs one worker's client loop against a server in memory, in simulated time. */
export async function simulate(
  server: MemoryServer,
  settings: Partial<Scenario> = {},
  {
    rows = [] as Record<string, string>[],
    stopAt = Number.POSITIVE_INFINITY,
    extensionMs = 0,
    standStill = undefined as { readonly atMs: number; readonly forMs: number } | undefined,
    epochOffsetMs = 0,
    clientCores = 0,
    serverCores = 0,
  } = {},
): Promise<Simulated> {
  const steps = settings.mix || settings.clients ? {} : { loop: [{ send: 'ping', think: 0 }] }
  const scenario: Scenario = { ...defaults, ...steps, ...settings }
  const { run, protocol } = planFor(scenario, rows)
  const plan = run.workers[0]!
  const slab = createSlab(plan.bank.steps.filter(step => step.role === 'request').length, plan.speakingLinks)
  const transport = createMemoryTransport(server)
  const wire = wireTransport(transport, plan.wire, 1)
  const client = new Client(plan, {
    memory: slab.memory,
    transport: wire,
    protocol,
    sharedOffsetMs: 0,
    epochOffsetMs,
    heapKiB: () => 0,
  })
  slab.instants[instant.start] = startMs
  transport.at(startMs / 2, () => Atomics.store(slab.fields, field.control, control.start))
  if (stopAt < Number.POSITIVE_INFINITY) {
    transport.at(stopAt, () => Atomics.store(slab.fields, field.control, control.stop))
  }
  if (standStill !== undefined) transport.at(startMs + standStill.atMs, () => transport.standStill(standStill.forMs))
  if (extensionMs > 0) {
    transport.at(startMs + run.lengthMs - readMs, () => Atomics.store(slab.fields, field.extensionMs, extensionMs))
  }
  const collector = new Collector({
    slabs: [openSlab(slab.memory)],
    connections: scenario.connections,
    warmupMs: run.warmupMs,
    isWarmupAutomatic: run.isWarmupAutomatic,
    constantPerSecond: constantRateOf(plan.pace),
    clientCpuSeconds: () => (clientCores * transport.now()) / 1000,
    serverCpuSeconds: () => (serverCores * transport.now()) / 1000,
    rssBytes: () => 0,
  })
  transport.at(startMs, () => collector.begin(startMs))
  transport.at(startMs + collector.measuredAfterMs, now => collector.read(now))
  for (let read = 1; read * readMs <= Math.min(run.lengthMs + extensionMs, readsMsMax); read++) {
    transport.at(startMs + read * readMs, now => {
      const endedAt = collector.endedAt(0)
      collector.read(now)
      collector.endSeconds(endedAt)
    })
  }
  await wire.run(client)
  if (Atomics.load(slab.fields, field.state) !== state.closed) throw new Error('counting has not stopped')
  const endedAt = slab.instants[instant.end]!
  collector.read(Math.max(endedAt, transport.now()))
  collector.endSeconds(endedAt)
  const result = {
    sent: collector.total(field.sent),
    completed: collector.total(field.completed),
    failed: collector.total(field.failed),
    inFlightAtEnd: collector.inFlight(),
  }
  if (result.sent !== result.completed + result.failed + result.inFlightAtEnd) {
    throw new Error(`sent is not completed + failed + in flight: ${JSON.stringify(result)}`)
  }
  const [handshake, heartbeat] = [1, 2]
  const measured = collector.measured(endedAt)
  return {
    ...result,
    measured,
    connects: collector.total(field.connects),
    handshakes: collector.total(field.completed + handshake),
    heartbeats: collector.total(field.completed + heartbeat),
    duplicates: collector.total(field.duplicates),
    late: collector.total(field.lateReplies),
    reordered: collector.total(field.reordered),
    failures: collector.failures(),
    meanMs: measured.response.histogram.mean / 10_000,
    endedAtMs: slab.instants[instant.end]!,
    leftAtMs: transport.now(),
    slab,
    scenario,
    collector,
  }
}

/** Plans a scenario for one worker. */
function planFor(scenario: Scenario, rows: Record<string, string>[]): { run: Plan; protocol: Protocol } {
  const protocol = resolveProtocol(scenario)
  const bank = encodeRequests(scenario, composeProtocol(protocol), { files: new Map(), rows }, 1)
  const address = { scheme: protocol.overUdp ? 'udp' : 'tcp', host: '127.0.0.1', port: 1 } as const
  return {
    run: planRun(scenario, { address, protocol, bank, transport: 'node', seed: 1, workers: 1 }),
    protocol: composeProtocol(protocol, { opensAll: looksAtBodies(bank) }),
  }
}

/** A server that answers each whole line after `delayMs` with what `reply` returns; null leaves it unanswered. */
export function lineServer(delayMs: number, reply: (line: string) => string | null = line => line): MemoryServer {
  const partial = new Map<unknown, string>()
  return {
    received(connection, bytes) {
      const lines = ((partial.get(connection) ?? '') + Buffer.from(bytes).toString()).split('\n')
      partial.set(connection, lines.pop()!)
      for (const line of lines) {
        const answer = reply(line)
        if (answer !== null) connection.send(Buffer.from(`${answer}\n`), delayMs)
      }
    },
  }
}
