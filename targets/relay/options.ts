import { Command } from 'commander'
import { type Fault, UserError } from '../../harness/errors.ts'
import { type ListenAddress, parseListen, parseUdpListen } from '../../harness/listenAddress.ts'
import { type RelaySettings, relayLimits } from '../../harness/relaySettings.ts'
import { parseStall, stallForms } from '../../harness/stall.ts'
import { parseBitRate, parseDuration, parsePercent } from '../../harness/units.ts'
import { parseUpstream, type Upstream, upstreamForms } from './upstream.ts'

const idleTimeoutMs = { default: 60_000, min: 10, max: 24 * 3_600_000 }

/** How a relay is to be. */
export interface RelayOptions {
  readonly listen: ListenAddress
  readonly settings: RelaySettings
  /** What jitter, losses and resets are drawn with. */
  readonly seed: number
  /** UDP: a client that is not heard of for so long is forgotten. */
  readonly idleTimeoutMs: number
}

/** The flags as they were given. */
interface Flags {
  readonly to?: string
  readonly listen: string
  readonly rtt?: string
  readonly jitter?: string
  readonly rate?: string
  readonly loss?: string
  readonly stall?: string
  readonly reset?: string
  readonly idleTimeout?: string
  readonly seed: string
  readonly quiet?: true
}

/** The command line of `volley serve relay`, with its help. */
export function relayCommand(): Command {
  return new Command('volley serve relay')
    .description(
      'Stands for a network between clients and a server: passes TCP or UDP on, later, slower or not at all. SIGTERM ends it once what is on its way has arrived.',
    )
    .option('--to <address>', `the server: ${upstreamForms}; TLS goes through TCP as it is`)
    .option(
      '-l, --listen <address>',
      'host:port, port, udp://host:port, or unix:/path; port 0 is a free one',
      '127.0.0.1:8081',
    )
    .option('--rtt <duration>', 'how much longer a round trip takes, half of it each way, such as 75ms')
    .option('--jitter <duration>', 'by how much that varies at most, such as 3ms; TCP stays in order, UDP need not')
    .option('--rate <rate>', 'what passes each way at most, over all connections: 64kbit, 50mbit, 1gbit')
    .option('--loss <share>', 'UDP: datagrams that are lost; TCP: segments that arrive late, see below; such as 2%')
    .option('--stall <stall>', 'nothing passes for 1s at the end of every 10s: 1s/10s; or for good: forever@54s')
    .option('--reset <share>', 'TCP: segments at which both sides of their connection are reset, such as 0.1%')
    .option('--idle-timeout <duration>', 'UDP: forget a client that is not heard of for so long (default: 1m)')
    .option('--seed <n>', 'where the choices of --jitter, --loss and --reset start from', '1')
    .option('-q, --quiet', 'do not print a line every second')
    .addHelpText(
      'after',
      `
Times are never short, and up to about 1 ms long each way, more on a busy machine: a round trip below some 2 ms cannot be had.
connect() takes as long as on this machine, for the kernel answers it; the server hears of a connection half a round trip
later. What is read is cut into segments of at most 1448 bytes. The application sees a lost segment of TCP as a delay, until
it is sent anew: such a segment, and all behind it, arrives max(200 ms, 2 x rtt) later.`,
    )
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, '')) })
}

/** What the flags ask for; throws a UserError that lists every fault. */
export function relayOptions(command: Command): {
  readonly upstream: Upstream
  readonly options: RelayOptions
  readonly isQuiet: boolean
} {
  const flags = command.opts<Flags>()
  const faults: Fault[] = []
  const fault = (place: string, message: string) => void faults.push({ place, message })
  const wanted = (place: string, what: string, got: string) => fault(place, `expected ${what}, got "${got}"`)

  /** The value of a flag, where it was given and is in order. */
  function read(
    name: Exclude<keyof Flags, 'quiet'>,
    what: string,
    parse: (text: string) => number | undefined,
    [min, max]: readonly [number, number],
  ): number | undefined {
    const text = flags[name]
    const value = text === undefined ? undefined : (parse(text) ?? Number.NaN)
    if (value === undefined || (value >= min && value <= max)) return value
    wanted(`--${name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`, what, text!)
    return undefined
  }

  const upstream = flags.to === undefined ? undefined : parseUpstream(flags.to)
  if (flags.to === undefined) fault('--to', `is missing: ${upstreamForms}`)
  else if (upstream === undefined) wanted('--to', upstreamForms, flags.to)
  const isUdp = upstream?.scheme === 'udp'
  const listen = listenAddress(flags.listen)
  if (listen === undefined) wanted('--listen', 'an address such as 127.0.0.1:8081', flags.listen)
  else if (isUdp && /^(tcp|unix):/.test(flags.listen)) wanted('--listen', 'host:port for UDP', flags.listen)
  else if (upstream && !isUdp && isUdpText(flags.listen))
    wanted('--listen', 'an address of TCP, as that of --to is', flags.listen)

  const roundTrip = [0, relayLimits.roundTripMsMax] as const
  const rtt = read('rtt', 'a duration such as 75ms, up to 10s', parseDuration, roundTrip)
  const jitter = read('jitter', 'a duration such as 3ms, up to 10s', parseDuration, roundTrip)
  if (jitter !== undefined && jitter > (rtt ?? 0)) wanted('--jitter', 'no more than --rtt', flags.jitter!)
  const { bitRateMin, bitRateMax } = relayLimits
  const rate = read('rate', 'a bit rate such as 50mbit, from 1kbit to 100gbit', parseBitRate, [bitRateMin, bitRateMax])
  const loss = read('loss', 'a share such as 2%', parsePercent, [0, 1])
  const reset = read('reset', 'a share such as 0.1%', parsePercent, [0, 1])
  if (reset !== undefined && isUdp) fault('--reset', 'is for TCP: UDP has no connections')
  const { stall } = flags
  if (stall !== undefined && parseStall(stall) === undefined) wanted('--stall', stallForms, stall)
  const { default: idleDefault, min, max } = idleTimeoutMs
  const idle = read('idleTimeout', 'a duration such as 30s, from 10ms to 24h', parseDuration, [min, max])
  if (idle !== undefined && upstream !== undefined && !isUdp) fault('--idle-timeout', 'is for UDP')
  const whole = (text: string) => (/^\d+$/.test(text) ? Number(text) : undefined)
  const seedMax = Number.MAX_SAFE_INTEGER
  const seed = read('seed', `a whole number from 0 to ${seedMax}`, whole, [0, seedMax])
  if (faults.length > 0 || upstream === undefined || listen === undefined) throw new UserError(faults)

  const settings: RelaySettings = {
    ...(rtt !== undefined && { rtt }),
    ...(jitter !== undefined && { jitter }),
    ...(rate !== undefined && { rate }),
    ...(loss !== undefined && { loss }),
    ...(stall !== undefined && { stall }),
    ...(reset !== undefined && { reset }),
  }
  return {
    upstream,
    options: { listen, settings, seed: seed!, idleTimeoutMs: idle ?? idleDefault },
    isQuiet: flags.quiet === true,
  }
}

/** The address in what servers take too: `udp://` may stand before that of a relay for UDP. */
function listenAddress(text: string): ListenAddress | undefined {
  return isUdpText(text) ? parseUdpListen(text) : parseListen(text)
}

function isUdpText(text: string): boolean {
  return text.startsWith('udp://')
}
