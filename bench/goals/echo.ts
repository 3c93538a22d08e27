import type { Goal } from '../goal.ts'
import { interleave } from '../interleave.ts'
import { judgeRatio, noneMeasured } from '../judge.ts'
import { echoClientSide } from '../limit/sides.ts'
import type { Bound } from '../results.ts'
import { startEcho } from '../servers.ts'
import { type Transport, transports, volleySide } from '../volley.ts'

const connections = 50
const message = 'Hello World!'
const bounds: Readonly<Record<Transport, Bound>> = { node: { atMost: 1.5 }, epoll: { atMost: 1.15 } }
const claims = transports.map(name => ({ name, figure: 'cpuMicros', bound: bounds[name] }) as const)
/** The same as each client measures itself: getrusage of the C client, the report of volley. */
const owns = transports.map(name => ({ name, figure: 'ownCpuMicros' }) as const)

/** P1: CPU time per request, compared with a C client that makes the same system calls and nothing else. */
export const echo: Goal = {
  id: 'P1',
  title: 'echo: CPU per request against a C epoll client',
  async measure(bench) {
    const { limit } = bench
    if (typeof limit === 'string') return { groups: [], rows: noneMeasured(claims, limit), notes: [] }
    const server = await startEcho(bench)
    try {
      const target = `tcp://127.0.0.1:${server.port}`
      const args = ['-c', String(connections), '--send', message]
      const [theirs, ...ours] = await interleave(
        [
          echoClientSide(bench, limit, server.port, { connections, pipeline: 1, bytes: message.length }),
          ...transports.map(transport => volleySide(bench, `volley ${transport}`, { target, transport, args })),
        ],
        { ...bench.settings, ...bench },
      )
      return {
        groups: [
          {
            name: `${connections} connections, ${message.length} bytes`,
            server: server.command,
            sides: [theirs!, ...ours],
          },
        ],
        rows: [...claims, ...owns].map((claim, at) => judgeRatio(claim, ours[at % ours.length]!, theirs!)),
        notes: [],
      }
    } finally {
      await server.stop()
    }
  },
}
