import type { Goal } from '../goal.ts'
import { interleave } from '../interleave.ts'
import { judgeRatio } from '../judge.ts'
import type { Row } from '../results.ts'
import { startEcho } from '../servers.ts'
import { type Transport, transports, volleySide } from '../volley.ts'

const connections = 50
const depth = 64
/** Two for the workers, and two so that the server is not the limit. */
const coresWanted = 4

/** P8: the gain of a second worker. */
export const workers: Goal = {
  id: 'P8',
  title: `two workers against one at pipeline ${depth}`,
  async measure(bench) {
    const { count, client } = bench.cores
    const isEnough = count >= coresWanted
    // Pinned if the clients of the other goals are.
    const clientCores = client === undefined ? undefined : '0,1'
    const serverCores = client !== undefined && isEnough ? `2-${count - 1}` : undefined
    const server = await startEcho(bench, { threads: isEnough ? count - 2 : 1, cores: serverCores })
    try {
      const target = `tcp://127.0.0.1:${server.port}`
      const args = ['--protocol', 'frame', '-c', String(connections), '-p', String(depth), '--send', 'Hello World!']
      const side = (transport: Transport, count: number) =>
        volleySide(bench, `${transport}, ${count} ${count === 1 ? 'worker' : 'workers'}`, {
          target,
          transport,
          args,
          workers: count,
          cores: clientCores,
        })
      const records = await interleave(
        transports.flatMap(transport => [side(transport, 2), side(transport, 1)]),
        { ...bench.settings, ...bench },
      )
      const reason = `needs ${coresWanted} cores, two for the workers and two for the server; this machine has ${count}`
      const judge = (claim: Parameters<typeof judgeRatio>[0], at: number) =>
        judgeRatio(claim, records[at * 2]!, records[at * 2 + 1]!)
      const wholes = transports.map((name, at): Row => {
        const row = judge({ name, figure: 'requestsPerSecond', bound: { atLeast: 1.8 } }, at)
        return isEnough || row.verdict === 'not measured' ? row : { ...row, verdict: 'not measured', reason }
      })
      const rows = [...wholes, ...transports.map((name, at) => judge({ name, figure: 'requestsPerCore' }, at))]
      return {
        groups: [{ name: `16-byte frames, ${connections} connections`, server: server.command, sides: records }],
        rows,
        notes: isEnough ? [] : ['the requests/s per core of two workers and of one show what workers cost each other'],
      }
    } finally {
      await server.stop()
    }
  },
}
