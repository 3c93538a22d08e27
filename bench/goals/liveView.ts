import type { Bench, Goal } from '../goal.ts'
import { interleave, type Side } from '../interleave.ts'
import { judgeRatio, noneMeasured } from '../judge.ts'
import { pathOf } from '../peers/peers.ts'
import { type Command, commandLine } from '../processes.ts'
import { startEcho } from '../servers.ts'
import { figuresOf, runVolley, type Transport, transports, type VolleyRun, volleyCommand } from '../volley.ts'

const connections = 50
/** The last sequence that a live view writes. */
const showCursor = '\u001b[?25h'
const claims = transports.map(name => ({ name, figure: 'requestsPerSecond', bound: { atLeast: 0.99 } }) as const)
const costs = transports.map(name => ({ name, figure: 'ownCpuMicros' }) as const)

/** P6: the same run on a pseudo-terminal and with --quiet. */
export const liveView: Goal = {
  id: 'P6',
  title: 'live view on against off: throughput',
  async measure(bench) {
    if (!bench.peers.has('script'))
      return { groups: [], rows: noneMeasured(claims, 'script is not installed'), notes: [] }
    const server = await startEcho(bench)
    try {
      const target = `tcp://127.0.0.1:${server.port}`
      const args = ['-c', String(connections), '--send', 'Hello World!']
      const run = (transport: Transport): VolleyRun => ({ target, transport, args })
      const records = await interleave(
        transports.flatMap(transport => [screenSide(bench, run(transport)), quietSide(bench, run(transport))]),
        { ...bench.settings, ...bench },
      )
      return {
        groups: [{ name: `${connections} connections, 12 bytes`, server: server.command, sides: records }],
        rows: [...claims, ...costs].map((claim, at) => {
          const pair = (at % transports.length) * 2
          return judgeRatio(claim, records[pair]!, records[pair + 1]!)
        }),
        notes: ['audit, journal and report cannot be turned off: they run on both sides'],
      }
    } finally {
      await server.stop()
    }
  },
}

function quietSide(bench: Bench, run: VolleyRun): Side {
  const command = volleyCommand(bench, { ...run, args: [...run.args, '--quiet'] })
  return {
    name: `${run.transport}, --quiet`,
    command: commandLine(command),
    run: async () => figuresOf((await runVolley(bench, command)).report, undefined),
  }
}

function screenSide(bench: Bench, run: VolleyRun): Side {
  const inner = volleyCommand(bench, run)
  const typed = `stty cols 80 rows 24; exec ${commandLine(inner)}`
  const command: Command = { program: pathOf(bench.peers, 'script'), args: ['-qfec', typed, '/dev/null'] }
  return {
    name: `${run.transport}, live view`,
    command: commandLine(command),
    run: async () => {
      const { report, stdout } = await runVolley(bench, { ...command, out: inner.out })
      if (!stdout.includes(showCursor)) throw new Error('no live view was drawn')
      return figuresOf(report, undefined)
    },
  }
}
