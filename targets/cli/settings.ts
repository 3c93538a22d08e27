import { type Fault, UserError } from '../../harness/errors.ts'
import { parseListen, parseUdpListen } from '../../harness/listenAddress.ts'
import { composeProtocol } from '../../harness/protocols/composed.ts'
import { datagramBytesMax } from '../../harness/protocols/datagram.ts'
import { type LayerFlags, layerOptions } from '../../harness/protocols/layers/settings.ts'
import type { ProtocolSpec } from '../../harness/protocols/protocolSpec.ts'
import { rawBytesMax } from '../../harness/protocols/raw.ts'
import { frameBytesMax, protocolSpec } from '../../harness/protocols/spec.ts'
import { parseDuration, parseSize } from '../../harness/units.ts'
import { poolService } from '../pool/pool.ts'
import { type PoolFlags, poolSettings } from '../pool/poolFlags.ts'
import { Schedule } from '../pool/schedule.ts'
import type { Service } from '../server/service.ts'
import { targetNames, targets } from '../services/catalog.ts'
import { type Group, groupedService } from '../services/grouped.ts'
import { keyedService } from '../services/keyed.ts'
import { layeredService } from '../services/layered.ts'
import { createNaive, naiveReadBytesMax } from '../services/naive.ts'

const poolFlags = [
  ['--pool-size', 'poolSize'],
  ['--service-time', 'serviceTime'],
  ['--stall', 'stall'],
] as const
const connectionsMax = 1_000_000
const shuffleMax = 65_536
const dayMs = 24 * 3_600_000
const workersMax = 64
const sendBufferBytesMax = 1024 * 1024 * 1024
const keyLengthMax = 1024
const groupLengthMax = 256
/** The messages of a handshake with a key, or of a login to a group, fit into frames of this length, or of the other one with layers. */
const keyedFrameBytesMin = 64
const layeredKeyedFrameBytesMin = 1024
const reloadTimeoutMsDefault = 30_000
/** What is of connections, or of a listening socket that passes from process to process. */
const tcpFlags = [
  ['--max-send-buffer', 'maxSendBuffer'],
  ['--key', 'key'],
  ['--group', 'group'],
  ['--workers', 'workers'],
  ['--reload-every', 'reloadEvery'],
  ['--detach', 'detach'],
  ['--naive', 'naive'],
] as const

/** The flags as they were given. */
export interface Options extends PoolFlags, LayerFlags {
  readonly listen: string
  readonly protocol?: string
  readonly maxFrame?: string
  readonly maxSendBuffer?: string
  readonly maxConnections?: string
  readonly idleTimeout?: string
  readonly key?: string
  readonly naive?: string
  readonly group?: string
  readonly secret?: string
  readonly reply?: string
  readonly shuffle?: string
  readonly seed: string
  readonly busyWait?: true
  readonly workers: string
  readonly reloadEvery?: string
  readonly reloadTimeout?: string
  readonly detach?: true
  readonly pidFile?: string
  readonly logFile?: string
  readonly quiet?: true
}

/** What the flags ask for; throws a UserError that lists every fault. */
export function settingsOf(name: string, options: Options) {
  const target = targets[name]
  if (target === undefined) throw new UserError(`unknown server "${name}"; there are ${targetNames}`)
  const faults: Fault[] = []
  const fault = (place: string, message: string) => void faults.push({ place, message })
  const wanted = (place: string, what: string, got: string) => fault(place, `expected ${what}, got "${got}"`)

  function whole(place: string, text: string | undefined, min: number, max: number): number | undefined {
    if (text === undefined) return undefined
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
    if (!(value >= min && value <= max)) wanted(place, `a whole number from ${min} to ${max}`, text)
    return value
  }
  function duration(place: string, text: string | undefined, example: string): number | undefined {
    if (text === undefined) return undefined
    const value = parseDuration(text)
    if (!(value! >= 10 && value! <= dayMs)) wanted(place, `a duration such as ${example}, from 10ms to 24h`, text)
    return value
  }

  const overUdp = options.listen.startsWith('udp://')
  const listen = overUdp ? parseUdpListen(options.listen) : parseListen(options.listen)
  if (listen === undefined) {
    wanted('--listen', `an address such as ${overUdp ? 'udp://' : ''}127.0.0.1:8080`, options.listen)
  }
  const isGiven = (value: (typeof tcpFlags)[number][1]) =>
    value === 'workers' ? options.workers !== '1' : options[value] !== undefined
  for (const [flag, value] of tcpFlags) if (overUdp && isGiven(value)) fault(flag, 'is for TCP, not for UDP')
  if (overUdp && !target.overUdp) fault('--listen', `${name} is not spoken over UDP`)
  const idleTimeoutMs = duration('--idle-timeout', options.idleTimeout, '30s')
  const connections = whole('--max-connections', options.maxConnections, 1, connectionsMax)
  const workers = whole('--workers', options.workers, 1, workersMax)!
  if (connections !== undefined && workers > 1) fault('--max-connections', 'is for a single worker')
  const sendBuffer = options.maxSendBuffer === undefined ? undefined : (parseSize(options.maxSendBuffer) ?? 0)
  if (sendBuffer !== undefined && (sendBuffer < 1 || sendBuffer > sendBufferBytesMax)) {
    wanted('--max-send-buffer', 'a size from 1B to 1GiB', options.maxSendBuffer!)
  }
  if (name === 'broadcast') refuseForBroadcast(options, workers, fault)
  const shuffle = whole('--shuffle', options.shuffle, 1, shuffleMax)
  if (shuffle !== undefined && name !== 'rpc') fault('--shuffle', `is for rpc, not for ${name}`)
  const seed = whole('--seed', options.seed, 0, Number.MAX_SAFE_INTEGER)!
  const pool = poolSettings(options, seed, wanted)
  for (const [flag, value] of poolFlags) {
    if (options[value] !== undefined && workers > 1) fault(flag, 'is for a single worker')
  }
  if (shuffle !== undefined && pool !== undefined) fault('--shuffle', 'is not for a server with a job pool')
  if (options.busyWait && pool === undefined) fault('--busy-wait', 'is for a server with a job pool')
  if (options.busyWait && workers > 1) fault('--busy-wait', 'is for a single worker')
  const reloadEveryMs = duration('--reload-every', options.reloadEvery, '2s')
  for (const [flag, value] of poolFlags) {
    // The old process and the new one would have one each.
    if (options[value] !== undefined && reloadEveryMs !== undefined)
      fault(flag, 'is for one pool: without --reload-every')
  }
  const reloadTimeoutMs = duration('--reload-timeout', options.reloadTimeout, '30s') ?? reloadTimeoutMsDefault
  if (options.reloadTimeout !== undefined && !options.detach && reloadEveryMs === undefined) {
    fault('--reload-timeout', 'goes with --detach or --reload-every')
  }
  for (const [flag, value] of [['--pid-file', options.pidFile] as const, ['--log-file', options.logFile] as const]) {
    if (value !== undefined && !options.detach) fault(flag, 'goes with --detach')
  }

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
  const layers = layerOptions(options, spec, fault)
  const naiveBytes = options.naive === undefined ? undefined : (parseSize(options.naive) ?? 0)
  if (naiveBytes !== undefined) {
    if (name !== 'echo') fault('--naive', `is for echo, not for ${name}`)
    else if (layers !== undefined || options.maxFrame !== undefined) {
      fault('--naive', 'goes without --layers and --max-frame: it knows of no messages')
    } else if (reply === 'echo' && options.reply !== undefined) {
      fault('--naive', 'answers each read with a text, which --reply may be, not with an echo')
    }
    if (naiveBytes < 1 || naiveBytes > naiveReadBytesMax) wanted('--naive', 'a size from 1B to 64KiB', options.naive!)
  }
  const streamFrame = spec === undefined || spec.name === 'raw' ? rawBytesMax : spec.maxFrame
  const maxFrame = overUdp ? Math.min(streamFrame, datagramBytesMax) : streamFrame
  const { key } = options
  const keyedMin = layers === undefined ? keyedFrameBytesMin : layeredKeyedFrameBytesMin
  if (key !== undefined) {
    // What is wrong is told without the key.
    if (name !== 'tlv') fault('--key', `is for tlv, not for ${name}`)
    else if (maxFrame < keyedMin) fault('--key', `needs a --max-frame of at least ${keyedMin}B`)
    if (key.length < 1 || key.length > keyLengthMax) fault('--key', `expected 1 to ${keyLengthMax} characters`)
  }
  const group = groupOption(name, options, fault)
  if (group !== undefined && maxFrame < keyedMin) fault('--group', `needs a --max-frame of at least ${keyedMin}B`)
  if (faults.length > 0 || spec === undefined || listen === undefined) throw new UserError(faults)

  const order = { seed, ...(shuffle !== undefined && { shuffle }) }
  const text = reply === 'echo' ? undefined : reply
  const plain = createService(spec, text, (spec, text) => {
    if (overUdp && text !== undefined) composeProtocol(spec, { layers, overUdp }).encode({ body: Buffer.from(text) })
    return naiveBytes === undefined ? target.create(spec, text, order) : createNaive(spec, naiveBytes, text)
  })
  const pooled = pool === undefined ? plain : poolService(plain, new Schedule(pool))
  const layered = layers === undefined ? pooled : layeredService(pooled, spec, layers)
  const service = group === undefined ? layered : groupedService(layered, group)
  return {
    listen,
    overUdp,
    service: key === undefined ? service : keyedService(service, key),
    workers,
    maxFrame,
    reloadTimeoutMs,
    ...(reloadEveryMs !== undefined && { reloadEveryMs }),
    ...(sendBuffer !== undefined && { maxSendBufferBytes: sendBuffer }),
    ...(connections !== undefined && { connectionsMax: connections }),
    ...(idleTimeoutMs !== undefined && { idleTimeoutMs }),
  }
}

/** The group whose clients alone are served; undefined where there is none, or where it is faulty. */
function groupOption(
  name: string,
  { group, secret }: Options,
  fault: (place: string, message: string) => void,
): Group | undefined {
  if (group === undefined && secret === undefined) return undefined
  if (name !== 'rpc') fault(group === undefined ? '--secret' : '--group', `is for rpc, not for ${name}`)
  else if (group === undefined) fault('--secret', 'goes with --group')
  else if (secret === undefined) fault('--group', 'goes with --secret')
  if (group !== undefined && !(group.length >= 1 && group.length <= groupLengthMax && /^[^:{][^:]*$/.test(group))) {
    const wanted = `expected 1 to ${groupLengthMax} characters without ":", the first of them no "{"`
    fault('--group', `${wanted}, got "${group}"`)
  }
  const isSecret = secret === undefined || (secret.length >= 1 && secret.length <= keyLengthMax)
  // What is wrong is told without the secret.
  if (!isSecret) fault('--secret', `expected 1 to ${keyLengthMax} characters`)
  return group === undefined || secret === undefined ? undefined : { id: group, secret }
}

/** Its clients are to meet in one process, each is answered with a text that is set, and what others get is no reply. */
function refuseForBroadcast(options: Options, workers: number, fault: (place: string, message: string) => void): void {
  if (workers > 1) fault('--workers', 'is not for broadcast, whose clients are all in one process')
  if (options.reloadEvery !== undefined)
    fault('--reload-every', 'is not for broadcast, whose clients are all in one process')
  if (options.reply !== undefined) fault('--reply', 'is not for broadcast, whose answer is set')
  for (const [flag, value] of poolFlags) {
    if (options[value] !== undefined) fault(flag, 'is not for broadcast')
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

function createService(
  spec: ProtocolSpec,
  reply: string | undefined,
  create: (spec: ProtocolSpec, reply: string | undefined) => Service,
): Service {
  try {
    return create(spec, reply)
  } catch (error) {
    // A reply that does not fit the protocol.
    if (error instanceof RangeError) throw new UserError([{ place: '--reply', message: error.message }])
    throw error
  }
}
