import { reasonOf } from '../../harness/errors.ts'
import { formatListen } from '../../harness/listenAddress.ts'
import { formatByteRate, formatCount, formatSeconds, formatSize, formatTimeOfDay, plural } from '../../harness/units.ts'
import type { ServerCounters } from '../server/counters.ts'
import { answerMsMax, type ManagedServer } from '../server/managedServer.ts'

const lineEveryMs = 1000
const statsEveryMs = 200
/** A run kills its server 8 s after it has asked it to stop: the final counters are sent before that. */
const finalCountersMs = 7000
/** How long the last counts of other processes are waited for, where the server stops at once. */
const refreshMsMax = 300

/** A message of a server over the IPC channel that it was started with. */
export type ServerMessage<Counters = ServerCounters> =
  | { readonly type: 'listening'; readonly address: string }
  | StatsMessage<Counters>

type StatsMessage<Counters> = Counters & {
  readonly type: 'stats'
  /** CPU time of the server's processes since their start, user and system, in microseconds. */
  readonly cpuMicros: number
  /** Counting has stopped: this is the last message, unless replies take longer than a run waits for them. */
  readonly final?: true
}

/** Formats what a server did in `seconds` seconds as one line with the time of day. */
export type StatsLine<Counters> = (before: Counters, after: Counters, seconds: number, time: Date) => string

/** What a server prints about its counters. */
export interface ServerTexts<Counters> {
  /** The line of each second. */
  readonly line: StatsLine<Counters>
  /** The line of what came after the last whole second. */
  readonly lastLine: StatsLine<Counters>
  /** What it has counted in all, as the end of a sentence. */
  total(counters: Counters): string
}

/** The output of a server. */
export interface ServerOutput<Counters = ServerCounters> {
  /** The first line, printed once signals are handled. */
  readonly title: string
  /** Print no line every second. */
  readonly quiet: boolean
  readonly texts: ServerTexts<Counters>
  readonly print: (line: string) => void
  readonly printError: (line: string) => void
}

/** Counters by name, with the number of open connections. */
type Counted = { readonly connections: number }

/**
 * Runs a server until it stops, and resolves with the exit code. SIGTERM or SIGINT stop it once all pending requests are
 * answered (0), or after `answerMsMax` (1, and it prints how many were not answered), and so does a reader of its lines that is gone; a
 * second signal or a failure stops it at once (1). Prints a line every second, what came after the last of them, and the
 * total.
 */
export function serveUntilStopped<Counters extends Counted>(
  server: ManagedServer<Counters>,
  output: ServerOutput<Counters>,
): Promise<number> {
  const { title, quiet, texts, print, printError } = output
  return new Promise(resolve => {
    const lines = quiet ? undefined : new Lines(server, output)
    let stopping = false
    let over = false
    async function end(how: 'stopped' | 'stopped at once', code: number): Promise<void> {
      if (over) return
      over = true
      const isExact = await refreshed(server)
      lines?.last()
      const least = isExact ? '' : 'at least '
      print(`${formatTimeOfDay(new Date())}  ${how}; ${least}${texts.total(server.counters())}`)
      resolve(code)
    }
    async function stop(): Promise<void> {
      if (stopping) return end('stopped at once', 1)
      stopping = true
      await server.stop(answerMsMax)
      const { unanswered = 0 } = server
      if (unanswered > 0) printError(`${unansweredText(unanswered)} within ${answerMsMax / 1000} s`)
      await end('stopped', unanswered > 0 ? 1 : 0)
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
    void server.broken?.then(cause => {
      printError(`the server stops: ${cause}`)
      void end('stopped at once', 1)
    })
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      lines?.stop()
      // Where the reader is gone, as in "volley serve ... | head", nobody waits for the server either.
      if (error.code === 'EPIPE' && !stopping) void stop()
      else if (error.code !== 'EPIPE')
        printError(`cannot write to stdout: ${reasonOf(error)}; the server goes on without its lines`)
    })
    print(title)
  })
}

/** The message about requests that a server did not answer before it stopped. */
export function unansweredText(count: number): string {
  return `${formatCount(count)} pending ${count === 1 ? 'request was' : 'requests were'} not answered`
}

/**
 * As `serveUntilStopped`, and sends its counters to the process that started it; when that one exits, the server exits too
 * (0). If stopping takes longer than the other process may wait, the final counters are sent before the end.
 */
export async function serveForParent<Counters extends Counted>(
  server: ManagedServer<Counters>,
  output: ServerOutput<Counters>,
): Promise<number> {
  const parentExited = new Promise<number>(resolve => {
    process.on('disconnect', () => resolve(0))
  })
  const stats = setInterval(sendStats(server), statsEveryMs).unref()
  const sendFinal = () => send({ ...statsOf(server), final: true })
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => setTimeout(sendFinal, finalCountersMs).unref())
  }
  const over = serveUntilStopped(server, output)
  void send({ type: 'listening', address: formatListen(server.address, server.scheme) })
  const code = await Promise.race([over, parentExited])
  clearInterval(stats)
  const hasStopped = code === 0 || (server.unanswered ?? 0) > 0
  if (hasStopped) await sendFinal()
  return code
}

/** What reference servers print about their counters. */
export const serverTexts: ServerTexts<ServerCounters> = {
  line: statsLine,
  lastLine: lastStatsLine,
  total: ({ requests, bytesIn, bytesOut }) =>
    `${plural(requests, 'request')} in all, ${plural(bytesIn, 'byte')} in, ${plural(bytesOut, 'byte')} out`,
}

/** Formats what a server did in `seconds` seconds as one line with the time of day. */
export function statsLine(before: ServerCounters, after: ServerCounters, seconds: number, time: Date): string {
  const rate = (name: 'requests' | 'deliveries' | 'bytesIn' | 'bytesOut') => (after[name] - before[name]) / seconds
  const parts = [
    `connections ${formatCount(after.connections)}`,
    `${formatCount(Math.round(rate('requests')))} requests/s`.padStart(18),
    ...(after.deliveries > 0 ? [`${formatCount(Math.round(rate('deliveries')))} deliveries/s`.padStart(20)] : []),
    `in ${formatByteRate(rate('bytesIn'))}`,
    `out ${formatByteRate(rate('bytesOut'))}`,
    ...incidents(before, after),
  ]
  return `${formatTimeOfDay(time)}  ${parts.join('   ')}`
}

/** The same as counts for the part of a second at the end, so that the lines add up to the total. */
function lastStatsLine(before: ServerCounters, after: ServerCounters, seconds: number, time: Date): string {
  const since = (name: keyof ServerCounters) => after[name] - before[name]
  const parts = [
    `connections ${formatCount(after.connections)}`,
    `${plural(since('requests'), 'request')} in the last ${formatSeconds(seconds)}`.padStart(18),
    ...(after.deliveries > 0 ? [plural(since('deliveries'), 'delivery').padStart(20)] : []),
    `in ${formatSize(since('bytesIn'))}`,
    `out ${formatSize(since('bytesOut'))}`,
    ...incidents(before, after),
  ]
  return `${formatTimeOfDay(time)}  ${parts.join('   ')}`
}

function incidents(before: ServerCounters, after: ServerCounters): string[] {
  return [
    ...unlessZero('rejected', after.rejected - before.rejected),
    ...unlessZero('dropped', after.dropped - before.dropped),
    ...unlessZero('buffer full', after.buffersFull - before.buffersFull),
    ...unlessZero('drained', after.buffersDrained - before.buffersDrained),
  ]
}

function unlessZero(what: string, count: number): string[] {
  return count > 0 ? [`${what} ${formatCount(count)}`] : []
}

/** Prints a line every second, unless nothing has happened in it and the one before. */
class Lines<Counters extends Counted> {
  readonly #server: ManagedServer<Counters>
  readonly #output: ServerOutput<Counters>
  readonly #timer: NodeJS.Timeout
  #before: Counters
  #beforeMs = performance.now()
  #wasIdle = true
  #isOver = false

  constructor(server: ManagedServer<Counters>, output: ServerOutput<Counters>) {
    this.#server = server
    this.#output = output
    this.#before = server.counters()
    this.#timer = setInterval(() => void this.#next(), lineEveryMs).unref()
  }

  stop(): void {
    this.#isOver = true
    clearInterval(this.#timer)
  }

  /** Prints what came after the last line, if anything did. */
  last(): void {
    if (this.#isOver) return
    this.stop()
    const after = this.#server.counters()
    // That the connections are closed by now is no news.
    if (!areEqual({ ...this.#before, connections: 0 }, { ...after, connections: 0 })) {
      this.#print(this.#output.texts.lastLine, after)
    }
  }

  async #next(): Promise<void> {
    await this.#server.refresh?.()
    if (this.#isOver) return
    const after = this.#server.counters()
    const isIdle = after.connections === 0 && areEqual(this.#before, after)
    if (isIdle && this.#wasIdle) this.#beforeMs = performance.now()
    else this.#print(this.#output.texts.line, after)
    this.#wasIdle = isIdle
    this.#before = after
  }

  #print(line: StatsLine<Counters>, after: Counters): void {
    const nowMs = performance.now()
    this.#output.print(line(this.#before, after, (nowMs - this.#beforeMs) / 1000, new Date()))
    this.#beforeMs = nowMs
  }
}

/** Brings the counters up to date; false where other processes count and do not answer in time. */
async function refreshed<Counters>(server: ManagedServer<Counters>): Promise<boolean> {
  if (server.refresh === undefined) return true
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>(resolve => {
    timer = setTimeout(() => resolve(false), refreshMsMax)
  })
  const isFresh = await Promise.race([server.refresh().then(() => true), late])
  clearTimeout(timer)
  return isFresh
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

/** Resolves once the message is passed to the system, or cannot be sent. */
function send(message: ServerMessage<object>): Promise<void> {
  return new Promise(resolve => {
    if (!process.send || !process.connected) return resolve()
    process.send(message, undefined, undefined, () => resolve())
  })
}
