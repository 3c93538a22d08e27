import type { Bench, Goal } from '../goal.ts'
import { interleave } from '../interleave.ts'
import { judgeRatio, judgeValue, noneMeasured } from '../judge.ts'
import { echoClientSide } from '../limit/sides.ts'
import { redisBenchmarkSide } from '../peers/sides.ts'
import type { GoalRecord } from '../results.ts'
import { startEcho, startRedis } from '../servers.ts'
import { transports, volleySide, whyNot } from '../volley.ts'

const connections = 50
const depth = 16
const body = 'Hello World!'
const frameBytes = 4 + body.length
const frameClaims = transports.map(
  name => ({ name: `frames, ${name}`, figure: 'requestsPerCore', bound: { atLeast: 2_500_000 } }) as const,
)
const pingClaims = transports.map(
  name => ({ name: `PING, ${name}`, figure: 'requestsPerCore', bound: { atLeast: 1 } }) as const,
)
const pingWholes = transports.map(name => ({ name: `PING, ${name}`, figure: 'requestsPerSecond' }) as const)

type Part = Omit<GoalRecord, 'id' | 'title'>

/** P3: many requests in flight on each connection, with a framed protocol and with RESP. */
export const pipeline: Goal = {
  id: 'P3',
  title: `pipeline ${depth}: requests/s per client core`,
  async measure(bench) {
    const parts = [await measureFrames(bench), await measurePing(bench)]
    return {
      groups: parts.flatMap(part => part.groups),
      rows: parts.flatMap(part => part.rows),
      notes: parts.flatMap(part => part.notes),
    }
  },
}

async function measureFrames(bench: Bench): Promise<Part> {
  const server = await startEcho(bench)
  try {
    const target = `tcp://127.0.0.1:${server.port}`
    const args = ['--protocol', 'frame', '-c', String(connections), '-p', String(depth), '--send', body]
    const { limit } = bench
    const shape = { connections, pipeline: depth, bytes: frameBytes }
    const records = await interleave(
      [
        ...transports.map(transport => volleySide(bench, `volley ${transport}`, { target, transport, args })),
        ...(typeof limit === 'string' ? [] : [echoClientSide(bench, limit, server.port, shape)]),
      ],
      { ...bench.settings, ...bench },
    )
    return {
      groups: [
        { name: `${frameBytes}-byte frames, ${connections} connections`, server: server.command, sides: records },
      ],
      rows: frameClaims.map((claim, at) => judgeValue(claim, records[at]!)),
      notes: typeof limit === 'string' ? [`frames without the C client: ${limit}`] : [],
    }
  } finally {
    await server.stop()
  }
}

async function measurePing(bench: Bench): Promise<Part> {
  const absent = (['redis-server', 'redis-benchmark'] as const).filter(name => !bench.peers.has(name))
  if (absent.length > 0) return none(`${absent.join(' and ')} not installed`)
  const server = await startRedis(bench)
  try {
    const target = `redis://127.0.0.1:${server.port}`
    const reason = await whyNot(bench, target)
    if (reason !== undefined) return none(reason)
    const args = ['-c', String(connections), '-p', String(depth)]
    const records = await interleave(
      [
        await redisBenchmarkSide(bench, server.port, { connections, pipeline: depth }),
        ...transports.map(transport => volleySide(bench, `volley ${transport}`, { target, transport, args })),
      ],
      { ...bench.settings, ...bench },
    )
    const [theirs, ...ours] = records
    return {
      groups: [{ name: `RESP PING, ${connections} connections`, server: server.command, sides: records }],
      rows: [...pingClaims, ...pingWholes].map((claim, at) => judgeRatio(claim, ours[at % ours.length]!, theirs!)),
      notes: [],
    }
  } finally {
    await server.stop()
  }
}

function none(reason: string): Part {
  return { groups: [], rows: noneMeasured(pingClaims, reason), notes: [] }
}
