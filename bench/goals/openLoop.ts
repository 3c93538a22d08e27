import type { Bench, Goal } from '../goal.ts'
import { interleave, type Side } from '../interleave.ts'
import { judgeValue } from '../judge.ts'
import { commandLine } from '../processes.ts'
import { startEcho } from '../servers.ts'
import { figuresOf, runVolley, type Transport, transports, volleyCommand } from '../volley.ts'

const connections = 50
const perSecond = 20_000
const claims = [
  { name: 'epoll', figure: 'lagMicros', bound: { atMost: 50 } },
  { name: 'epoll', figure: 'clientCores', bound: { atMost: 0.5 } },
] as const
const more = [
  { name: 'node', figure: 'lagMicros' },
  { name: 'node', figure: 'clientCores' },
] as const
/** That our own lag is a doubt about the run is what is looked at here, not a reason to throw it away. */
const taken = [0, 1, 4]

/** P4: how late requests leave that are sent by a plan, and what keeping it costs. */
export const openLoop: Goal = {
  id: 'P4',
  title: 'open loop at 20 k/s: p99 client lag',
  async measure(bench) {
    const server = await startEcho(bench)
    try {
      const [node, epoll] = await interleave(
        transports.map(transport => planSide(bench, transport, server.port)),
        { ...bench.settings, ...bench },
      )
      return {
        groups: [{ name: `${connections} connections, 12 bytes`, server: server.command, sides: [node!, epoll!] }],
        rows: [...claims.map(claim => judgeValue(claim, epoll!)), ...more.map(claim => judgeValue(claim, node!))],
        notes: ['the node transport spins between requests, and takes a whole core for it'],
      }
    } finally {
      await server.stop()
    }
  },
}

function planSide(bench: Bench, transport: Transport, port: number): Side {
  const args = ['-c', String(connections), '--send', 'Hello World!', '-R', String(perSecond), '--quiet']
  const command = volleyCommand(bench, { target: `tcp://127.0.0.1:${port}`, transport, args })
  return {
    name: `volley ${transport}`,
    command: commandLine(command),
    run: async () => {
      const { report, cores } = await runVolley(bench, command, taken)
      const p99 = report.latencyMs.clientLag?.p99
      return { ...figuresOf(report, cores), ...(p99 !== undefined && { lagMicros: p99 * 1000 }) }
    },
  }
}
