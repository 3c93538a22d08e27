import { formatByteRate, formatCount, formatTimeOfDay } from '../harness/units.ts'
import type { ServerCounters } from './counters.ts'
import { formatListen, type ListenAddress } from './listen.ts'

const lineEveryMs = 1000
const statsEveryMs = 200

/** What a server that was started with an IPC channel tells over it. */
export type ServerMessage<Counters = ServerCounters> =
  | { readonly type: 'listening'; readonly address: string }
  | StatsMessage<Counters>

type StatsMessage<Counters> = Counters & {
  readonly type: 'stats'
  /** CPU time of the server's processes since their start, user and system, in microseconds. */
  readonly cpuMicros: number
  /** The last message of all: nothing is counted any more. */
  readonly final?: true
}

/** A server as one lives with it: in this process, or in several others. */
export interface LivingServer<Counters = ServerCounters> {
  readonly address: ListenAddress
  counters(): Counters
  /** Stops accepting, answers what is in hand, closes every connection; resolves when all are closed, in 5 s at most. */
  stop(): Promise<void>
  /** What it speaks at its address; by default TCP. */
  readonly scheme?: 'udp'
  /** Brings up to date what `counters` and `cpuMicros` answer, where that is counted elsewhere. */
  refresh?(): Promise<void>
  /** CPU time of all its processes since their start; by default that of this process. */
  cpuMicros?(): number
  /** Resolves with the cause when the server cannot go on. */
  readonly broken?: Promise<string>
}

/** One line of what a server did in `seconds` seconds, with the time of day. */
export type StatsLine<Counters> = (before: Counters, after: Counters, seconds: number, time: Date) => string

/** How a server tells what it does. */
export interface Telling<Counters = ServerCounters> {
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
 * Lives with a server until it is to end: on SIGTERM or SIGINT once all that is in hand is answered (exit code 0), at
 * once on a second signal or when it breaks (1). Prints how it goes in the meantime.
 */
export function serveUntilStopped<Counters extends Counted>(
  server: LivingServer<Counters>,
  telling: Telling<Counters>,
): Promise<number> {
  const { title, quiet, print, printError } = telling
  return new Promise(resolve => {
    const lines = quiet ? undefined : setInterval(printLines(server, telling), lineEveryMs).unref()
    let stopping = false
    async function stop(): Promise<void> {
      if (stopping) return resolve(1)
      stopping = true
      await server.stop()
      clearInterval(lines)
      resolve(0)
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

/** As `serveUntilStopped`, and tells the process that started it over its channel; when that one is gone, it ends (0). */
export async function serveForParent<Counters extends Counted>(
  server: LivingServer<Counters>,
  telling: Telling<Counters>,
): Promise<number> {
  const gone = new Promise<number>(resolve => {
    process.on('disconnect', () => resolve(0))
  })
  const stats = setInterval(sendStats(server), statsEveryMs).unref()
  const over = serveUntilStopped(server, telling)
  void send({ type: 'listening', address: formatListen(server.address, server.scheme) })
  const code = await Promise.race([over, gone])
  clearInterval(stats)
  if (code === 0) await send({ ...statsOf(server), final: true })
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
  server: LivingServer<Counters>,
  { line, print }: Telling<Counters>,
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

function sendStats<Counters>(server: LivingServer<Counters>): () => Promise<void> {
  return async () => {
    await server.refresh?.()
    await send(statsOf(server))
  }
}

function statsOf<Counters>(server: LivingServer<Counters>): StatsMessage<Counters> {
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
