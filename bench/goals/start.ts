import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import net from 'node:net'
import { join } from 'node:path'
import type { Report } from '../../harness/report/record.ts'
import { writeReport } from '../../harness/report/save.ts'
import { finished } from '../client.ts'
import type { Bench, Goal } from '../goal.ts'
import { interleave, type Side } from '../interleave.ts'
import { judgeValue, notMeasured } from '../judge.ts'
import { type Command, commandLine } from '../processes.ts'
import { startEcho } from '../servers.ts'
import { runVolley, type Transport, transports, volleyCommand } from '../volley.ts'

const firstRequestMsMax = 10_000
const hourSeconds = 3600
const startClaims = transports.map(name => ({ name, figure: 'firstRequestMs', bound: { atMost: 400 } }) as const)
const sizeClaim = { name: 'one hour', figure: 'reportBytes', bound: { atMost: 5_000_000 } } as const
const openClaim = { name: 'one hour', figure: 'openMs', bound: { atMost: 2000 } } as const

/** P7: the time from the command to its first request, and the size of the report of one hour. */
export const start: Goal = {
  id: 'P7',
  title: 'start to first request; report of one hour',
  async measure(bench) {
    const starts = await interleave(
      transports.map(transport => startSide(bench, transport)),
      { ...bench.settings, ...bench },
    )
    const [size] = await interleave([hourSide(bench)], { ...bench, rounds: 1 })
    return {
      groups: [
        { name: 'one request', server: 'a socket of the bench', sides: starts },
        { name: `a run's report with ${hourSeconds} intervals`, server: 'the echo server', sides: [size!] },
      ],
      rows: [
        ...startClaims.map((claim, at) => judgeValue(claim, starts[at]!)),
        judgeValue(sizeClaim, size!),
        notMeasured(openClaim, 'the HTML report comes with a later version'),
      ],
      notes: [],
    }
  },
}

/** The time from the start of the process to the first byte of a request; the probe before it sends no bytes. */
function startSide(bench: Bench, transport: Transport): Side {
  const shape = (port: number | string) =>
    volleyCommand(bench, {
      target: `tcp://127.0.0.1:${port}`,
      transport,
      // Not pinned, as users start it.
      cores: undefined,
      args: ['-c', '1', '-n', '1', '--send', 'x', '--quiet'],
    })
  return {
    name: `volley ${transport}`,
    command: commandLine(withoutTime(shape('PORT'))),
    run: async () => {
      const server = net.createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      const sockets = new Set<net.Socket>()
      const arrived = new Promise<number>(resolve => {
        server.on('connection', socket => {
          sockets.add(socket)
          socket.on('error', () => {})
          socket.on('data', bytes => {
            resolve(performance.now())
            socket.write(bytes)
          })
        })
      })
      const { port } = server.address() as net.AddressInfo
      const startedAt = performance.now()
      const child = bench.processes.start(withoutTime(shape(port)), { lifeMs: firstRequestMsMax })
      try {
        const at = await Promise.race([arrived, child.ended.then(() => undefined)])
        await finished(child)
        if (at === undefined) throw new Error('volley ended without a request')
        return { firstRequestMs: at - startedAt }
      } finally {
        await child.stop()
        for (const socket of sockets) socket.destroy()
        server.close()
      }
    },
  }
}

/** The command without warm-up and duration, which a run of one request does not have. */
function withoutTime(command: Command): Command {
  const drop = ['--warmup', '-d']
  const { args } = command
  return { ...command, args: args.filter((arg, at) => !drop.includes(arg) && !drop.includes(args[at - 1] ?? '')) }
}

/** The report of a short run, with the intervals of an hour in place of its own. */
function hourSide(bench: Bench): Side {
  const longer = { ...bench, settings: { ...bench.settings, seconds: 1 } }
  return {
    name: 'report',
    command: 'a report of a short run, its last interval repeated 3600 times with other figures',
    run: async () => {
      const server = await startEcho(longer)
      try {
        const args = ['-c', '10', '--send', 'Hello World!', '--quiet']
        const command = volleyCommand(longer, { target: `tcp://127.0.0.1:${server.port}`, transport: 'node', args })
        const { report } = await runVolley(longer, command)
        const path = await writeReport(oneHour(report), mkdtempSync(join(bench.folder, 'hour-')))
        return { reportBytes: (await stat(path)).size }
      } finally {
        await server.stop()
      }
    },
  }
}

/** The report of a run as if it had lasted one hour; its intervals are copies of the last one with varied figures. */
export function oneHour(report: Report): Report {
  const last = report.intervals.at(-1)
  if (last === undefined) throw new Error('the run was too short to have an interval')
  const intervals = Array.from({ length: hourSeconds }, (_, at) => {
    const figures = Object.entries(last).map(([name, value]) => {
      const isMeasured = typeof value === 'number' && !['second', 'failed', 'connections'].includes(name)
      return [name, isMeasured ? vary(value, at) : value]
    })
    return { ...(Object.fromEntries(figures) as typeof last), second: at + 1, warmup: at === 0 }
  })
  const perSecond = intervals.slice(1).map(interval => interval.perSecond)
  return { ...report, intervals, throughput: { ...report.throughput, perSecond } }
}

/** A figure that differs by up to 10 %, with the same number of digits, so that it has the same size in a file. */
function vary(value: number, at: number): number {
  const other = value * (0.9 + ((at * 7919) % 2000) / 10_000)
  if (Number.isInteger(value)) return Math.round(other)
  const decimals = String(value).split('.')[1]?.length ?? 0
  return Number(other.toFixed(decimals))
}
