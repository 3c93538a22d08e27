import { createHash } from 'node:crypto'
import type { CeilingRecord } from '../audit/ceiling.ts'
import { type Environment, fileDescriptorsMax } from '../host/processes.ts'
import type { FirstReply } from '../metrics/firstReplies.ts'
import type { Totals } from '../metrics/totals.ts'
import { type NullReplyPlan, planNullReplies, roundedBytes } from '../nullServer/nullReplies.ts'
import { chooseNullWay, type NullServer, startNullServer } from '../nullServer/nullServer.ts'
import { type RequestBank, speaks } from '../plan/bank.ts'
import { type Plan, planRun, type WorkerPlan } from '../plan/plan.ts'
import { loopOf, speakingConnections } from '../scenario/clients.ts'
import type { LoadedScenario } from '../scenario/loaded.ts'
import type { Scenario } from '../scenario/scenario.ts'
import { formatCount, plural } from '../units.ts'
import { toolVersion } from '../version.ts'
import { keepCeiling, readCeiling } from './ceilingCache.ts'
import { runShortly, type WorkerReading } from './shortRun.ts'

/** The two parts of each measurement: a warm-up, in which code is compiled, and the part that counts. */
const defaultTimes = { warmupMs: 300, measuredMs: 500 }
const timeoutMs = 5000
/** More cannot be opened from one address to one port, and would take too long. */
const connectionsMax = 20_000
/** With a longer pause between requests hardly one of a connection would come in the part that counts. */
const thinkMsMax = 100
/** Descriptors besides those of the connections, which have both ends in this process. */
const ownDescriptors = 128

/** A run that has ended, whose client is to be measured. */
export interface CeilingInputs {
  readonly loaded: LoadedScenario
  readonly plan: Plan
  readonly bank: RequestBank
  readonly environment: Environment
  readonly totals: Totals
  /** Messages that answered no request. */
  readonly deliveries: number
  /** By step of the loop, where the plan keeps them. */
  readonly firstReplies: readonly FirstReply[]
  /** Requests that the client made in each second in which it was busy, as the run has shown. */
  readonly shownPerSecond: number
  readonly options: CeilingOptions
}

export interface CeilingOptions {
  /** Ends the measurement without a result when it fires. */
  readonly signal: AbortSignal
  /** Where the figure is cached; without it, it is measured each time. */
  readonly cacheFolder?: string
  /** How long each of the two measurements takes; by default 300 ms and 500 ms. */
  readonly times?: { readonly warmupMs: number; readonly measuredMs: number }
}

/** Why there is no ceiling, as the end of a sentence. */
export interface NoCeiling {
  readonly none: string
}

/**
 * The ceiling of a run's client in requests per second: the throughput of the same plan against a server that does nothing,
 * as cached by an earlier run, or measured now, in less than two seconds. Or else why there is no null server for the plan,
 * or none could be measured, which does not fail the run.
 */
export async function measureCeiling(inputs: CeilingInputs): Promise<CeilingRecord | NoCeiling> {
  const { loaded, plan, bank, options } = inputs
  const connections = speakingConnections(loaded.scenario)
  const { scheme } = plan.workers[0]!.address
  const loopBank = loopsOf(bank)
  if (scheme !== 'tcp' && scheme !== 'unix') return { none: `there is no null server for ${scheme}://` }
  const none = hindrance(inputs, loopBank)
  if (none !== undefined) return { none }
  const replies = repliesFor(inputs, loopBank)
  if (typeof replies === 'string') return { none: replies }
  const key = keyOf(inputs, replies)
  const kept = options.cacheFolder === undefined ? undefined : await readCeiling(options.cacheFolder, key, new Date())
  // A cached ceiling below this run's own rate was measured on a busy machine: measure again.
  if (kept !== undefined && kept >= inputs.shownPerSecond) return { nullPerSecond: kept, cached: true }
  let server: NullServer | undefined
  try {
    const threads = plan.workers.length
    server = await startNullServer({ way: chooseNullWay(), scheme, threads, replies })
    const driven = nullPlan(loaded.scenario, plan, loopBank, server, options.times ?? defaultTimes)
    // The higher of two: other work of the machine can only lower it.
    const samples = [await drive(driven, connections, options.signal), await drive(driven, connections, options.signal)]
    const measured = samples.filter(sample => sample !== undefined)
    if (options.signal.aborted) return { none: 'its measurement was interrupted' }
    if (measured.length === 0 || server.error() !== undefined) return { none: notMeasured }
    const nullPerSecond = Math.max(...measured)
    if (options.cacheFolder !== undefined) await keepCeiling(options.cacheFolder, key, nullPerSecond, new Date())
    return { nullPerSecond, cached: false }
  } catch {
    return { none: notMeasured }
  } finally {
    await server?.stop()
  }
}

function repliesFor(inputs: CeilingInputs, bank: RequestBank): NullReplyPlan | string {
  const { loaded, totals, deliveries, firstReplies } = inputs
  const { protocol, load, layers } = loaded.scenario
  const completed = Math.max(1, totals.completed)
  return planNullReplies(protocol, bank, {
    replies: firstReplies,
    meanReplyBytes: totals.bytesReceived / completed,
    deliveriesPerReply: deliveries / completed,
    pipeline: load.pipeline,
    hasLayers: layers !== undefined,
  })
}

const notMeasured = 'its measurement with a null server failed'

/** Why the plan cannot be run against a null server, which is known before anything is tried. */
function hindrance({ loaded, plan, environment }: CeilingInputs, { steps }: RequestBank): string | undefined {
  const connections = speakingConnections(loaded.scenario)
  const workers = plan.workers.length
  // A client and a server that compete for cores would both be measured wrong.
  if (2 * workers > environment.cores) {
    return `a null server needs as many cores as ${plural(workers, 'worker')}, and there are ${environment.cores} in all`
  }
  if (connections > connectionsMax) return `a null server takes at most ${formatCount(connectionsMax)} connections`
  if (2 * connections + ownDescriptors > fileDescriptorsMax()) {
    return 'there are too few file descriptors for both ends of its connections (ulimit -n)'
  }
  // The replies of a null server are always the same or have no values to capture, and they are planned from requests whose
  // length is known.
  if (steps.some(({ captures, isTemplate }) => captures !== undefined || isTemplate)) {
    return 'a null server has no values for requests that need some of earlier replies, or the address of their connection'
  }
  return steps.some(({ thinkMs }) => thinkMs > thinkMsMax)
    ? 'its pauses are too long to be measured in a second'
    : undefined
}

/** A bank with the steps of the loops only, and the connections that have one. */
function loopsOf(bank: RequestBank): RequestBank {
  const steps = bank.steps.filter(({ role }) => role === 'request')
  const none = { handshakeFrom: steps.length, handshakeEnd: steps.length }
  return { ...bank, steps, groups: bank.groups.filter(speaks).map(group => ({ ...group, ...none })) }
}

/** The same load with the steps of the loops only; each worker has its own thread of the server. */
function nullPlan(
  scenario: Scenario,
  { workers, seed }: Plan,
  bank: RequestBank,
  { addresses }: NullServer,
  { warmupMs, measuredMs }: typeof defaultTimes,
): Plan {
  const { requests: _, sourceAddresses: __, heartbeat: ___, clients, ...rest } = scenario
  const { after: ____, ...reconnect } = scenario.reconnect
  const loop: Scenario = {
    ...rest,
    ...(clients && { clients: clients.filter(group => loopOf(group).length > 0) }),
    connections: speakingConnections(scenario),
    warmup: warmupMs,
    duration: measuredMs,
    timeout: timeoutMs,
    reconnect: { ...reconnect, when: 'never' },
  }
  const [address] = addresses
  const { transport, protocol } = workers[0]!
  const plan = planRun(loop, { address: address!, protocol, bank, transport, seed, workers: workers.length })
  const ownAddress = (share: WorkerPlan, index: number) => ({ ...share, address: addresses[index]! })
  return { ...plan, workers: plan.workers.map(ownAddress) }
}

/**
 * Requests answered per second in which the workers were busy; undefined when it was interrupted, or anything went wrong.
 * The server is cheaper than the client, so that a worker is busy nearly all the time; where it is not, as on a machine that
 * also does other work, its ceiling follows from the utilisation law.
 */
async function drive(plan: Plan, connections: number, signal: AbortSignal): Promise<number | undefined> {
  // A null server's reply may differ from what the plan expects, but checking it is the same work for the client.
  const { measured } = await runShortly(plan, { connections, tolerates: ['unexpected'], signal })
  if (measured === undefined) return undefined
  const { before, after } = measured
  const perSecond = after.reduce((all, worker, index) => all + perBusySecond(before[index]!, worker), 0)
  return Number.isFinite(perSecond) && perSecond > 0 ? perSecond : undefined
}

function perBusySecond(before: WorkerReading, after: WorkerReading): number {
  const lengthMs = after.at - before.at
  const busyMs = Math.min(lengthMs, lengthMs - (after.idleMs - before.idleMs))
  return ((after.answered - before.answered) / busyMs) * 1000
}

/** The cache key, equal for equal work on the same machine. It takes the redacted scenario, so that it holds no secret. */
function keyOf({ loaded, plan, bank, environment }: CeilingInputs, replies: NullReplyPlan): string {
  const { cpu, cores, kernel, node } = environment
  const { connections, load, protocol, layers, wire, socket, loop, mix, clients } = loaded.redacted
  const { transport, address } = plan.workers[0]!
  const replyBytes = replyBytesOf(replies)
  const facts = [
    ...[cpu, cores, kernel, node, toolVersion, chooseNullWay(), transport, address.scheme, plan.workers.length],
    ...[
      connections,
      load.pipeline,
      protocol,
      layers,
      wire,
      socket,
      loop ?? mix ?? clients,
      bank.steps.length,
      replyBytes,
    ],
  ]
  return createHash('sha256')
    .update(JSON.stringify(facts))
    .update(Int32Array.from(bank.frames, frame => frame.length))
    .digest('hex')
}

/** Lengths of replies, which are the same in each run although real ones vary a little. */
function replyBytesOf(replies: NullReplyPlan): number | readonly number[] {
  if (replies.kind === 'canned') return replies.replyBytes
  return replies.kind === 'steps' ? replies.replies.map(({ length }) => roundedBytes(length)) : 0
}
