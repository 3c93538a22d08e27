import { fileDescriptorsMax } from '../../harness/host/processes.ts'
import type { Bench, Goal } from '../goal.ts'
import { interleave, type Side } from '../interleave.ts'
import { judgeValue, notMeasured, valuesOf } from '../judge.ts'
import { commandLine } from '../processes.ts'
import type { Bound, GoalRecord, SideRecord } from '../results.ts'
import { startEcho } from '../servers.ts'
import { round } from '../statistics.ts'
import { runVolley, type Transport, transports, volleyCommand } from '../volley.ts'

const few = 100
const wanted = 15_000
/** File descriptors that client and server need besides their connections. */
const ownDescriptors = 200
/** Opening 15,000 connections takes seconds. */
const roundsMax = 5
/** The report has the memory after every whole second. */
const secondsMin = 1
const bounds: Readonly<Record<Transport, Bound>> = { node: { atMost: 5000 }, epoll: { atMost: 1000 } }

/** P5: the client's memory per connection: the difference between many and few connections, divided. */
export const memory: Goal = {
  id: 'P5',
  title: 'user memory per connection, and 15 000 connections in one process',
  async measure(bench) {
    const many = Math.min(wanted, fileDescriptorsMax() - ownDescriptors)
    const parts: Omit<GoalRecord, 'id' | 'title'>[] = []
    for (const transport of transports) parts.push(await measureTransport(bench, transport, many))
    return {
      groups: parts.flatMap(part => part.groups),
      rows: parts.flatMap(part => part.rows),
      notes: ['resident memory of the whole process at the end of the run, from the report'],
    }
  },
}

async function measureTransport(
  bench: Bench,
  transport: Transport,
  many: number,
): Promise<Omit<GoalRecord, 'id' | 'title'>> {
  const server = await startEcho(bench)
  try {
    const settings = {
      rounds: Math.min(roundsMax, bench.settings.rounds),
      seconds: Math.max(secondsMin, bench.settings.seconds),
    }
    const side = (connections: number) => memorySide({ ...bench, settings }, transport, server.port, connections)
    const records = await interleave([side(few), side(many)], { ...bench, ...settings })
    const difference = differenceOf(records[0]!, records[1]!, many - few)
    const allOpen = { name: transport, figure: 'connections', bound: { atLeast: wanted } } as const
    return {
      groups: [{ name: `${transport}, ${few} and ${many} connections`, server: server.command, sides: records }],
      rows: [
        judgeValue({ name: transport, figure: 'connectionBytes', bound: bounds[transport] }, difference),
        many < wanted
          ? notMeasured(allOpen, `this process may open ${fileDescriptorsMax()} descriptors: raise "ulimit -n"`)
          : judgeValue(allOpen, records[1]!),
      ],
      notes: [],
    }
  } finally {
    await server.stop()
  }
}

/** Volley with this many sending connections, and its memory; a failed connection fails the round. */
function memorySide(bench: Bench, transport: Transport, port: number, connections: number): Side {
  const args = ['-c', String(connections), '--send', 'Hello World!', '--quiet']
  const command = volleyCommand(bench, { target: `tcp://127.0.0.1:${port}`, transport, args })
  return {
    name: `volley ${transport}, ${connections}`,
    command: commandLine(command),
    run: async () => {
      const { report } = await runVolley(bench, command)
      const last = report.intervals.at(-1)
      if (last === undefined) throw new Error('the run was too short for a reading of memory')
      const failures = Object.values(report.totals.failures).reduce((sum, count) => sum + count, 0)
      if (failures > 0) throw new Error(`failures: ${JSON.stringify(report.totals.failures)}`)
      return {
        requestsPerSecond: report.throughput.mean,
        connections: last.connections,
        failures,
        rssBytes: last.rssBytes,
      }
    },
  }
}

/** The difference in memory per connection between two sides, as a side. */
function differenceOf(fewSide: SideRecord, manySide: SideRecord, connections: number): SideRecord {
  const less = valuesOf(fewSide, 'rssBytes')
  const rounds = valuesOf(manySide, 'rssBytes').map((more, at) => {
    const error = manySide.rounds[at]!.error ?? fewSide.rounds[at]!.error
    const base = less[at]
    if (more === undefined || base === undefined) return { figures: {}, error: error ?? 'no reading' }
    return { figures: { connectionBytes: round((more - base) / connections) } }
  })
  return { name: manySide.name, command: manySide.command, rounds, medians: {} }
}
