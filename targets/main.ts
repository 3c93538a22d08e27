import cluster from 'node:cluster'
import { Command, CommanderError } from 'commander'
import { exitCode, type Fault, UserError } from '../harness/errors.ts'
import type { ProtocolSpec } from '../harness/protocols/catalog.ts'
import { rawBytesMax } from '../harness/protocols/raw.ts'
import { frameBytesMax, protocolSpec } from '../harness/protocols/spec.ts'
import { formatSize, parseDuration, parseSize } from '../harness/units.ts'
import { createEcho } from './echo.ts'
import { createHttpServer, helloText } from './http.ts'
import { serveUntilStopped } from './lifecycle.ts'
import { formatListen, parseListen } from './listen.ts'
import { keepAwake, poolService } from './pool.ts'
import { type PoolFlags, poolSettings } from './poolFlags.ts'
import { createRpcServer } from './rpc.ts'
import { Schedule } from './schedule.ts'
import { type Service, startServer } from './server.ts'
import { serviceTimeForms } from './serviceTime.ts'
import { createTlvServer } from './tlv.ts'
import { serveAsWorker, startWorkers } from './workers.ts'

const poolFlags = [
  ['--pool-size', 'poolSize'],
  ['--service-time', 'serviceTime'],
  ['--stall', 'stall'],
] as const
const connectionsMax = 1_000_000
const shuffleMax = 65_536
const idleTimeoutMsMax = 24 * 3_600_000
const workersMax = 64

/** The flags as they were given. */
interface Options extends PoolFlags {
  readonly listen: string
  readonly protocol?: string
  readonly maxFrame?: string
  readonly maxConnections?: string
  readonly idleTimeout?: string
  readonly reply?: string
  readonly shuffle?: string
  readonly seed: string
  readonly workers: string
  readonly busyWait?: true
  readonly quiet?: true
}

/** The order of replies, where it is another than that of the requests. */
interface Order {
  readonly shuffle?: number
  readonly seed: number
}

interface Target {
  readonly protocols: readonly ProtocolSpec['name'][]
  /** What it answers unless it is told to; by default the request. */
  readonly reply?: string
  create(spec: ProtocolSpec, reply: string | undefined, order: Order): Service
}

const targets: Readonly<Record<string, Target>> = {
  echo: { protocols: ['raw', 'line', 'frame'], create: (spec, reply) => createEcho(spec, reply) },
  tlv: {
    protocols: ['tlv'],
    create: (spec, reply) => createTlvServer(spec as Extract<ProtocolSpec, { name: 'tlv' }>, reply),
  },
  rpc: {
    protocols: ['rpc'],
    create: (spec, reply, order) =>
      createRpcServer(spec as Extract<ProtocolSpec, { name: 'rpc' }>, {
        ...(reply !== undefined && { reply }),
        ...order,
      }),
  },
  http: {
    protocols: ['http'],
    reply: helloText,
    create: (spec, reply) => createHttpServer(spec as Extract<ProtocolSpec, { name: 'http' }>, reply),
  },
}
const names = 'echo, tlv, rpc and http'

process.exit(await main())

async function main(): Promise<number> {
  const command = new Command('volley serve')
    .description('A reference server; SIGTERM ends it once all that is in hand is answered.')
    .argument('<server>', 'echo, tlv, rpc or http')
    .option('-l, --listen <address>', 'host:port, port, or unix:/path; port 0 is a free one', '127.0.0.1:8080')
    .option('--protocol <name or JSON>', 'echo: raw (default), line, frame; with settings as in a scenario, in JSON')
    .option('--reply <text>', 'what to answer: echo, or this text (default: echo; http: Hello World!)')
    .option('--max-frame <size>', 'the longest message that is taken, such as 1MiB')
    .option('--max-connections <n>', 'refuse connections beyond so many')
    .option('--idle-timeout <duration>', 'close a connection that sends nothing for so long')
    .option('--shuffle <n>', 'rpc: answer in an order shuffled within n requests of a connection')
    .option('--pool-size <n>', 'serve so many requests at a time, the rest in one queue; or unlimited (default: 1)')
    .option('--service-time <time>', `how long serving takes: ${serviceTimeForms}`)
    .option('--stall <stall>', 'serve nothing for 1s at the end of every 10s: 1s/10s; or for good: forever@54s')
    .option('--busy-wait', 'never sleep, so that no wake-up adds to a service time; takes a whole core')
    .option('--seed <n>', 'where the choices of --service-time and --shuffle start from', '1')
    .option('-w, --workers <n>', 'serve with so many processes, which share the address', '1')
    .option('-q, --quiet', 'do not print a line every second')
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, '')) })
  try {
    command.parse()
    return await serve(command.args[0]!, command.opts<Options>())
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.pass : exitCode.couldNotRun
    if (!(error instanceof UserError)) throw error
    console.error(error.message)
    return exitCode.couldNotRun
  }
}

async function serve(name: string, options: Options): Promise<number> {
  const { maxFrame, workers, ...settings } = settingsOf(name, options)
  if (cluster.isWorker) return serveAsWorker(() => startServer(settings))
  if (options.busyWait) keepAwake()
  const server = workers === 1 ? await startServer(settings) : await startWorkers(workers)
  const address = formatListen(server.address).replace('tcp://', '')
  const processes = workers === 1 ? '1 process' : `${workers} workers`
  const title = `${name} listening on ${address}   ${processes}, frames up to ${formatSize(maxFrame)}`
  return serveUntilStopped(server, title, options.quiet === true)
}

/** What the flags ask for; throws a UserError that lists every fault. */
function settingsOf(name: string, options: Options) {
  const target = targets[name]
  if (target === undefined) throw new UserError(`unknown server "${name}"; there are ${names}`)
  const faults: Fault[] = []
  const fault = (place: string, message: string) => void faults.push({ place, message })
  const wanted = (place: string, what: string, got: string) => fault(place, `expected ${what}, got "${got}"`)

  function whole(place: string, text: string | undefined, min: number, max: number): number | undefined {
    if (text === undefined) return undefined
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
    if (!(value >= min && value <= max)) wanted(place, `a whole number from ${min} to ${max}`, text)
    return value
  }

  const listen = parseListen(options.listen)
  if (listen === undefined) wanted('--listen', 'an address such as 127.0.0.1:8080', options.listen)
  const idleTimeoutMs = options.idleTimeout === undefined ? undefined : parseDuration(options.idleTimeout)
  if (options.idleTimeout !== undefined && !(idleTimeoutMs! >= 10 && idleTimeoutMs! <= idleTimeoutMsMax)) {
    wanted('--idle-timeout', 'a duration such as 30s, from 10ms to 24h', options.idleTimeout)
  }
  const connections = whole('--max-connections', options.maxConnections, 1, connectionsMax)
  const workers = whole('--workers', options.workers, 1, workersMax)!
  if (connections !== undefined && workers > 1) fault('--max-connections', 'is for a single worker')
  const shuffle = whole('--shuffle', options.shuffle, 1, shuffleMax)
  if (shuffle !== undefined && name !== 'rpc') fault('--shuffle', `is for rpc, not for ${name}`)
  const seed = whole('--seed', options.seed, 0, Number.MAX_SAFE_INTEGER)!
  const pool = poolSettings(options, seed, wanted)
  for (const [flag, value] of poolFlags) {
    if (options[value] !== undefined && workers > 1) fault(flag, 'is for a single worker')
  }
  if (options.busyWait && pool === undefined) fault('--busy-wait', 'is for a server with a job pool')
  if (options.busyWait && workers > 1) fault('--busy-wait', 'is for a single worker')
  if (shuffle !== undefined && pool !== undefined) fault('--shuffle', 'is not for a server with a job pool')

  let spec = protocolOption(options.protocol ?? target.protocols[0]!, fault)
  if (spec && !target.protocols.includes(spec.name)) {
    wanted('--protocol', target.protocols.join(', ').replace(/, (\w+)$/, ' or $1'), spec.name)
  }
  if (options.maxFrame !== undefined) {
    const maxFrame = parseSize(options.maxFrame) ?? 0
    if (maxFrame < 1 || maxFrame > frameBytesMax) wanted('--max-frame', 'a size from 1B to 64MiB', options.maxFrame)
    if (spec?.name === 'raw') fault('--max-frame', 'is not for raw, which has no frames')
    else if (spec) spec = { ...spec, maxFrame }
  }
  const reply = options.reply ?? target.reply ?? 'echo'
  if (faults.length > 0 || spec === undefined || listen === undefined) throw new UserError(faults)

  const order = { seed, ...(shuffle !== undefined && { shuffle }) }
  const service = createService(target, spec, reply === 'echo' ? undefined : reply, order)
  return {
    listen,
    service: pool === undefined ? service : poolService(service, new Schedule(pool)),
    workers,
    maxFrame: spec.name === 'raw' ? rawBytesMax : spec.maxFrame,
    ...(connections !== undefined && { connectionsMax: connections }),
    ...(idleTimeoutMs !== undefined && { idleTimeoutMs }),
  }
}

function protocolOption(text: string, fault: (place: string, message: string) => void): ProtocolSpec | undefined {
  try {
    return protocolSpec(text.startsWith('{') ? JSON.parse(text) : text)
  } catch (error) {
    if (error instanceof UserError) for (const { message } of error.faults) fault('--protocol', message)
    else fault('--protocol', `expected a protocol's name or JSON, got ${text}`)
    return undefined
  }
}

function createService(target: Target, spec: ProtocolSpec, reply: string | undefined, order: Order): Service {
  try {
    return target.create(spec, reply, order)
  } catch (error) {
    // A reply that does not fit the protocol.
    if (error instanceof RangeError) throw new UserError([{ place: '--reply', message: error.message }])
    throw error
  }
}
