import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Goal } from '../goal.ts'
import { interleave } from '../interleave.ts'
import { judgeRatio, noneMeasured } from '../judge.ts'
import { pgbenchSide } from '../peers/sides.ts'
import { startPostgres } from '../servers.ts'
import { transports, volleySide, whyNot } from '../volley.ts'

const connections = 10
/** What the loop of the description sends too. */
const statement = 'SELECT 1'
const needed = ['postgres', 'initdb', 'pgbench', 'setpriv'] as const
const claims = transports.map(name => ({ name, figure: 'requestsPerCore', bound: { atLeast: 1 } }) as const)
const wholes = transports.map(name => ({ name, figure: 'requestsPerSecond' }) as const)

/** P10: transactions a second per client core, compared with pgbench with one thread. */
export const postgres: Goal = {
  id: 'P10',
  title: `PostgreSQL ${statement}: transactions/s per client core against pgbench -j1`,
  async measure(bench) {
    const absent = needed.find(name => !bench.peers.has(name))
    if (absent !== undefined) return none(`${absent} is not installed`)
    const server = await startPostgres(bench)
    try {
      const target = `postgres://127.0.0.1:${server.port}`
      const reason = await whyNot(bench, target)
      if (reason !== undefined) return none(reason)
      const script = join(bench.folder, 'statement.sql')
      await writeFile(script, `${statement};\n`)
      const args = ['-c', String(connections)]
      const records = await interleave(
        [
          pgbenchSide(bench, server.port, connections, script),
          ...transports.map(transport => volleySide(bench, `volley ${transport}`, { target, transport, args })),
        ],
        { ...bench.settings, ...bench },
      )
      const [theirs, ...ours] = records
      return {
        groups: [{ name: `${statement}, ${connections} connections`, server: server.command, sides: records }],
        rows: [...claims, ...wholes].map((claim, at) => judgeRatio(claim, ours[at % ours.length]!, theirs!)),
        notes: ['the server is the limit: compare transactions/s per client core'],
      }
    } finally {
      await server.stop()
    }
  },
}

function none(reason: string) {
  return { groups: [], rows: noneMeasured(claims, reason), notes: [] }
}
