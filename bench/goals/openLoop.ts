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
/** Exit codes: a run that is invalid because of client lag is accepted, as this lag is measured here. */
const acceptedCodes = [0, 1, 4]

/** P4: how late planned requests are sent, and what it costs to send them in time. */
export const openLoop: Goal = {
  id: 'P4',
  title: 'open loop at 20 k/s: p99 client lag',
  async measure(bench) {
    const server = await startEcho(bench)
    try {
      const [node, epoll] = await interleave(
        transports.map(transport => rateSide(bench, transport, server.port)),
        { ...bench.settings, ...bench },
      )
      return {
        groups: [{ name: `${connections} connections, 12 bytes`, server: server.command, sides: [node!, epoll!] }],
        rows: [...claims.map(claim => judgeValue(claim, epoll!)), ...more.map(claim => judgeValue(claim, node!))],
        notes: ['the node transport spins between requests, which uses a whole core'],
      }
    } finally {
      await server.stop()
    }
  },
}

function rateSide(bench: Bench, transport: Transport, port: number): Side {
  const args = ['-c', String(connections), '--send', 'Hello World!', '-R', String(perSecond), '--quiet']
  const command = volleyCommand(bench, { target: `tcp://127.0.0.1:${port}`, transport, args })
  return {
    name: `volley ${transport}`,
    command: commandLine(command),
    run: async () => {
      const { report, cores } = await runVolley(bench, command, acceptedCodes)
      const p99 = report.latencyMs.clientLag?.p99
      return { ...figuresOf(report, cores), ...(p99 !== undefined && { lagMicros: p99 * 1000 }) }
    },
  }
}
