import { formatListen } from '../../harness/listenAddress.ts'
import { formatByteRate, formatCount, formatTimeOfDay } from '../../harness/units.ts'
import type { ServerCounters } from '../server/counters.ts'
import { answerMsMax, type ManagedServer } from '../server/managedServer.ts'

const lineEveryMs = 1000
const statsEveryMs = 200
/** A run ends its server by force 8 s after it has asked: the counters that it waits for are told before. */
const lastWordsMs = 7000

/** What a server that was started with an IPC channel tells over it. */
export type ServerMessage<Counters = ServerCounters> =
  | { readonly type: 'listening'; readonly address: string }
  | StatsMessage<Counters>

type StatsMessage<Counters> = Counters & {
  readonly type: 'stats'
  /** CPU time of the server's processes since their start, user and system, in microseconds. */
  readonly cpuMicros: number
  /** No request is counted any more; the last message of all, unless replies take longer than a run waits for them. */
  readonly final?: true
}

/** One line of what a server did in `seconds` seconds, with the time of day. */
export type StatsLine<Counters> = (before: Counters, after: Counters, seconds: number, time: Date) => string

/** How a server tells what it does. */
export interface ServerOutput<Counters = ServerCounters> {
  /** The first line, printed once a signal would be heard. */
  readonly title: string
  /** No line every second. */
  readonly quiet: boolean
  readonly line: StatsLine<Counters>
  readonly print: (line: string) => void
  readonly printError: (line: string) => void
}

/** Counters by name, of which one says whether anybody is there. */
type Counted = { readonly connections: number }

/**
 * Lives with a server until it is to end: on SIGTERM or SIGINT once all that is in hand is answered (exit code 0), or
 * `answerMsMax` are over (1, and it says what was not answered); at once on a second signal or when it breaks (1). Prints
 * how it goes in the meantime.
 */
export function serveUntilStopped<Counters extends Counted>(
  server: ManagedServer<Counters>,
  output: ServerOutput<Counters>,
): Promise<number> {
  const { title, quiet, print, printError } = output
  return new Promise(resolve => {
    const lines = quiet ? undefined : setInterval(printLines(server, output), lineEveryMs).unref()
    let stopping = false
    async function stop(): Promise<void> {
      if (stopping) return resolve(1)
      stopping = true
      await server.stop(answerMsMax)
      clearInterval(lines)
      const { unanswered = 0 } = server
      if (unanswered > 0) printError(`${unansweredText(unanswered)} within ${answerMsMax / 1000} s`)
      resolve(unanswered > 0 ? 1 : 0)
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
    void server.broken?.then(cause => {
      printError(`the server ends: ${cause}`)
      resolve(1)
    })
    // Who read our lines may be gone before us.
    process.stdout.on('error', () => clearInterval(lines))
    print(title)
  })
}

/** What is said of requests that a server did not answer before it stopped. */
export function unansweredText(count: number): string {
  return `${formatCount(count)} ${count === 1 ? 'request' : 'requests'} in hand ${count === 1 ? 'was' : 'were'} not answered`
}

/**
 * As `serveUntilStopped`, and tells the process that started it over its channel; when that one is gone, it ends (0). Where
 * its end takes longer than that one may wait for, the last counters are told before.
 */
export async function serveForParent<Counters extends Counted>(
  server: ManagedServer<Counters>,
  output: ServerOutput<Counters>,
): Promise<number> {
  const gone = new Promise<number>(resolve => {
    process.on('disconnect', () => resolve(0))
  })
  const stats = setInterval(sendStats(server), statsEveryMs).unref()
  const sendFinal = () => send({ ...statsOf(server), final: true })
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => setTimeout(sendFinal, lastWordsMs).unref())
  }
  const over = serveUntilStopped(server, output)
  void send({ type: 'listening', address: formatListen(server.address, server.scheme) })
  const code = await Promise.race([over, gone])
  clearInterval(stats)
  const hasStopped = code === 0 || (server.unanswered ?? 0) > 0
  if (hasStopped) await sendFinal()
  return code
}

/** One line of what a server did in `seconds` seconds, with the time of day. */
export function statsLine(before: ServerCounters, after: ServerCounters, seconds: number, time: Date): string {
  const rate = (name: 'requests' | 'deliveries' | 'bytesIn' | 'bytesOut') => (after[name] - before[name]) / seconds
  const parts = [
    `connections ${formatCount(after.connections)}`,
    `${formatCount(Math.round(rate('requests')))} requests/s`.padStart(18),
    ...(after.deliveries > 0 ? [`${formatCount(Math.round(rate('deliveries')))} deliveries/s`.padStart(20)] : []),
    `in ${formatByteRate(rate('bytesIn'))}`,
    `out ${formatByteRate(rate('bytesOut'))}`,
    ...seldom('rejected', after.rejected - before.rejected),
    ...seldom('dropped', after.dropped - before.dropped),
    ...seldom('buffer full', after.buffersFull - before.buffersFull),
    ...seldom('drained', after.buffersDrained - before.buffersDrained),
  ]
  return `${formatTimeOfDay(time)}  ${parts.join('   ')}`
}

function seldom(what: string, count: number): string[] {
  return count > 0 ? [`${what} ${formatCount(count)}`] : []
}

/** Prints a line a second, but for the seconds in which there is nothing to tell. */
function printLines<Counters extends Counted>(
  server: ManagedServer<Counters>,
  { line, print }: ServerOutput<Counters>,
): () => Promise<void> {
  let before = server.counters()
  let beforeMs = performance.now()
  let idle = true
  return async () => {
    await server.refresh?.()
    const after = server.counters()
    const nowMs = performance.now()
    const nothing = after.connections === 0 && areEqual(before, after)
    if (!nothing || !idle) print(line(before, after, (nowMs - beforeMs) / 1000, new Date()))
    idle = nothing
    before = after
    beforeMs = nowMs
  }
}

function areEqual<Counters extends object>(before: Counters, after: Counters): boolean {
  return (Object.keys(after) as (keyof Counters)[]).every(name => after[name] === before[name])
}

function sendStats<Counters>(server: ManagedServer<Counters>): () => Promise<void> {
  return async () => {
    await server.refresh?.()
    await send(statsOf(server))
  }
}

function statsOf<Counters>(server: ManagedServer<Counters>): StatsMessage<Counters> {
  return { type: 'stats', ...server.counters(), cpuMicros: server.cpuMicros?.() ?? processCpuMicros() }
}

/** CPU time of this process since its start, user and system, in microseconds. */
export function processCpuMicros(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** Resolves once the message is with the system, or cannot be sent at all. */
function send(message: ServerMessage<object>): Promise<void> {
  return new Promise(resolve => {
    if (!process.send || !process.connected) return resolve()
    process.send(message, undefined, undefined, () => resolve())
  })
}
