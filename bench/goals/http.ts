import type { Bench, Goal } from '../goal.ts'
import { interleave, type Side } from '../interleave.ts'
import { judgeRatio, noneMeasured } from '../judge.ts'
import { autocannonSide, heySide, wrkSide } from '../peers/sides.ts'
import type { Bound } from '../results.ts'
import { startHttp } from '../servers.ts'
import { type Transport, transports, volleySide, whyNot } from '../volley.ts'

const connections = 50
const bounds: Readonly<Record<Transport, Bound>> = { node: { atLeast: 1 }, epoll: { atLeast: 1.2 } }
const claims = transports.map(name => ({ name, figure: 'requestsPerCore', bound: bounds[name] }) as const)
const wholes = transports.map(name => ({ name, figure: 'requestsPerSecond' }) as const)

/** P2: GET requests a second per client core, compared with wrk with one thread. */
export const http: Goal = {
  id: 'P2',
  title: 'HTTP GET: requests/s per client core against wrk -t1',
  async measure(bench) {
    if (!bench.peers.has('wrk')) return none('wrk is not installed')
    const server = await startHttp(bench).catch((error: Error) => error)
    if (server instanceof Error) return none(server.message)
    try {
      const url = `http://127.0.0.1:${server.port}/`
      const reason = await whyNot(bench, url)
      if (reason !== undefined) return none(reason)
      const args = ['-c', String(connections)]
      const sides = [
        wrkSide(bench, url, connections),
        ...transports.map(transport => volleySide(bench, `volley ${transport}`, { target: url, transport, args })),
        ...others(bench, url),
      ]
      const records = await interleave(sides, { ...bench.settings, ...bench })
      const [theirs, ...ours] = records
      return {
        groups: [{ name: `${connections} connections`, server: server.command, sides: records }],
        rows: [...claims, ...wholes].map((claim, at) => judgeRatio(claim, ours[at % transports.length]!, theirs!)),
        notes: ['if the client waits for the server, requests/s are those of the server: compare requests/s per core'],
      }
    } finally {
      await server.stop()
    }
  },
}

/** Peers that are only for comparison, if installed. */
function others(bench: Bench, url: string): Side[] {
  return [
    ...(bench.peers.has('autocannon') ? [autocannonSide(bench, url, connections)] : []),
    ...(bench.peers.has('hey') ? [heySide(bench, url, connections)] : []),
  ]
}

function none(reason: string) {
  return { groups: [], rows: noneMeasured(claims, reason), notes: [] }
}
