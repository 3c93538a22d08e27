import type { Bench, Goal } from '../goal.ts'
import { interleave, type Side } from '../interleave.ts'
import { judgeRatio, noneMeasured } from '../judge.ts'
import { pingPongSide } from '../limit/sides.ts'
import { sockperfSide } from '../peers/sides.ts'
import { type Server, startEcho, startSockperf } from '../servers.ts'
import { transports, volleySide } from '../volley.ts'

const claims = [
  { name: 'p50, epoll', figure: 'p50Micros', bound: { atMost: 1.05 } },
  { name: 'p99, epoll', figure: 'p99Micros', bound: { atMost: 1.15 } },
] as const
const more = [
  { name: 'p50, node', figure: 'p50Micros' },
  { name: 'p99, node', figure: 'p99Micros' },
] as const
/**
 * The shortest message that sockperf's server answers, its header: a sequence number of 8 bytes, flags of 2 (from a
 * client that wants a reply), and a length of 4. Both clients send the same to the same server.
 */
const sockperfMessage = '0000000000000001 0003 0000000e'.replaceAll(' ', '')
const messageBytes = sockperfMessage.length / 2

/** P9: the round trip of one message on one connection, compared with sockperf or a C program that does the same. */
export const roundTrip: Goal = {
  id: 'P9',
  title: 'one connection: round trip against sockperf ping-pong --full-rtt',
  async measure(bench) {
    const { limit, peers } = bench
    if (peers.has('sockperf')) {
      const server = await startSockperf(bench)
      return measureAgainst(bench, server, sockperfSide(bench, server.port, messageBytes), [])
    }
    if (typeof limit === 'string') {
      return { groups: [], rows: noneMeasured(claims, `sockperf is not installed and ${limit}`), notes: [] }
    }
    const server = await startEcho(bench)
    const notes = ['sockperf is not installed: compared with a C ping-pong instead']
    return measureAgainst(bench, server, pingPongSide(bench, limit, server.port, messageBytes), notes)
  },
}

async function measureAgainst(bench: Bench, server: Server, peer: Side, notes: readonly string[]) {
  try {
    const target = `tcp://127.0.0.1:${server.port}`
    const args = ['-c', '1', '--set', `loop=[{send: {hex: "${sockperfMessage}"}}]`]
    const records = await interleave(
      [peer, ...transports.map(transport => volleySide(bench, `volley ${transport}`, { target, transport, args }))],
      { ...bench.settings, ...bench },
    )
    const [theirs, node, epoll] = records
    return {
      groups: [{ name: `1 connection, ${messageBytes} bytes`, server: server.command, sides: records }],
      rows: [
        ...claims.map(claim => judgeRatio(claim, epoll!, theirs!)),
        ...more.map(claim => judgeRatio(claim, node!, theirs!)),
      ],
      notes,
    }
  } finally {
    await server.stop()
  }
}
