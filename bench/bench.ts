import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import { join } from 'node:path'
import { messageOf } from '../harness/errors.ts'
import { describeEnvironment } from '../harness/host/processes.ts'
import { toolVersion } from '../harness/version.ts'
import type { Bench, Cores, Goal } from './goal.ts'
import { compileLimit } from './limit/limit.ts'
import { describePeers, findPeers, type Peers } from './peers/peers.ts'
import type { Processes } from './processes.ts'
import { type BenchResults, type GoalRecord, resultsSchema, type Settings } from './results.ts'

export interface BenchOptions {
  readonly goals: readonly Goal[]
  readonly settings: Settings
  readonly processes: Processes
  readonly signal: AbortSignal
  /** Receives lines about the progress. */
  readonly log: (text: string) => void
}

/** Measures goals one after the other; a goal that cannot be measured gets a note that says why. */
export async function runBench({ goals, settings, processes, signal, log }: BenchOptions): Promise<BenchResults> {
  const startedAt = new Date().toISOString()
  const machine = describeEnvironment()
  const folder = await mkdtemp(join(os.tmpdir(), 'volley-bench-'))
  try {
    const peers = await findPeers()
    const cores = chooseCores(peers)
    const limit = await compileLimit(folder)
    if (typeof limit === 'string') log(`without the C programs: ${limit}`)
    const records: GoalRecord[] = []
    for (const goal of goals) {
      const bench = { settings, cores, peers, limit, processes, folder, signal }
      records.push(await measure(goal, { ...bench, log: text => log(`${goal.id}  ${text}`) }))
    }
    return {
      schema: resultsSchema,
      startedAt,
      endedAt: new Date().toISOString(),
      volley: toolVersion,
      machine,
      settings,
      ...(cores.client !== undefined && cores.server !== undefined
        ? { pinned: { client: cores.client, server: cores.server } }
        : {}),
      peers: describePeers(peers),
      goals: records,
    }
  } finally {
    processes.endAll()
    await rm(folder, { recursive: true, force: true })
  }
}

async function measure(goal: Goal, bench: Bench): Promise<GoalRecord> {
  const { id, title } = goal
  bench.signal.throwIfAborted()
  bench.log(title)
  try {
    return { id, title, ...(await goal.measure(bench)) }
  } catch (error) {
    bench.signal.throwIfAborted()
    const why = messageOf(error)
    bench.log(why)
    return { id, title, groups: [], rows: [], notes: [`not measured: ${why}`] }
  }
}

/** One core each for client and server, if there are two and taskset can pin them. */
function chooseCores(peers: Peers): Cores {
  const count = os.availableParallelism()
  const canPin = count >= 2 && peers.has('taskset')
  return { count, client: canPin ? '0' : undefined, server: canPin ? '1' : undefined }
}
