import { Command } from 'commander'
import { loadCLibrary } from '../../harness/cLibrary.ts'
import { type Fault, UserError } from '../../harness/errors.ts'
import { parseServerAddress } from '../../harness/listenAddress.ts'
import { expectedOf, type OptionValue, parseOption } from '../../harness/optionValue.ts'
import { type RelaySettings, relayLimits, tooShort } from '../../harness/relaySettings.ts'
import { flagOf } from '../../harness/serverOptions.ts'
import { parseStall, stallForms } from '../../harness/stall.ts'
import { parseBitRate, parseDuration, parsePercent } from '../../harness/units.ts'
import type { RelayOptions } from '../relay/options.ts'
import { parseUpstream, type Upstream, upstreamForms } from '../relay/upstream.ts'
import { addOptions, type FlagRow } from './commandOptions.ts'

const idleTimeoutMsDefault = 60_000
const listenDefault = '127.0.0.1:8081'

const relayFlags = {
  to: {
    description: `the server: ${upstreamForms}; TLS passes through TCP unchanged`,
    placeholder: '<address>',
    value: { kind: 'form', forms: upstreamForms, parse: parseUpstream },
  },
  listen: {
    description: 'address to listen on: host:port, port, udp://host:port or unix:/path; port 0 is a free port',
    placeholder: '<address>',
    short: 'l',
    default: listenDefault,
    value: { kind: 'form', forms: `an address such as ${listenDefault}`, parse: parseServerAddress },
  },
  rtt: {
    description: 'how much a round trip is longer, half of it each way, such as 75ms or 300us',
    placeholder: '<duration>',
    value: roundTrip('75ms'),
  },
  jitter: {
    description: 'by how much that varies at most, such as 3ms; TCP stays in order, UDP may not',
    placeholder: '<duration>',
    value: roundTrip('3ms'),
  },
  rate: {
    description: 'the most that passes each way, over all connections: 64kbit, 50mbit, 1gbit',
    placeholder: '<rate>',
    value: {
      kind: 'form',
      forms: 'a bit rate such as 50mbit, from 1kbit to 100gbit',
      parse: text => within(parseBitRate(text), relayLimits.bitRateMin, relayLimits.bitRateMax),
    },
  },
  loss: {
    description: 'UDP: datagrams that are lost; TCP: segments that arrive late, see below; such as 2%',
    placeholder: '<share>',
    value: { kind: 'form', forms: 'a share such as 2%', parse: parsePercent },
  },
  stall: {
    description: 'nothing passes for 1s at the end of every 10s: 1s/10s; or from a time on: forever@54s',
    placeholder: '<stall>',
    value: { kind: 'form', forms: stallForms, parse: text => (parseStall(text) === undefined ? undefined : text) },
  },
  reset: {
    description: 'TCP: segments at which both sides of their connection are reset, such as 0.1%',
    placeholder: '<share>',
    value: { kind: 'form', forms: 'a share such as 0.1%', parse: parsePercent },
  },
  idleTimeout: {
    description: 'UDP: forget a client that has been silent for this long (default: 1m)',
    placeholder: '<duration>',
    value: { kind: 'duration', example: '30s' },
  },
  seed: {
    description: 'the seed of the random choices of --jitter, --loss and --reset',
    placeholder: '<n>',
    default: '1',
    value: { kind: 'whole', min: 0, max: Number.MAX_SAFE_INTEGER },
  },
  quiet: { description: 'do not print a line every second', short: 'q', value: { kind: 'flag' } },
} as const satisfies Record<string, FlagRow>

type RelayFlag = keyof typeof relayFlags

/** The flags as they were given: text, or true. */
export type RelayTexts = { readonly [Name in RelayFlag]?: string | true }

interface RelayValues extends RelaySettings {
  readonly to?: Upstream
  readonly listen?: ReturnType<typeof parseServerAddress>
  readonly seed?: number
  readonly idleTimeout?: number
  readonly quiet?: true
}

const helpText = `
Delays are never shorter than asked for. On Linux, with the package koffi, they are longer by some tens of microseconds
each way, elsewhere by up to 1 ms, so that a round trip below 2 ms is refused there; on a busy machine it is more. Each
line says how late what passed in that second was on average. connect() takes as long as on this machine, since the kernel answers it; the server sees a
connection half a round trip later. Each read is cut into segments of at most 1448 bytes. For the application a lost
segment of TCP is a delay until it is sent again: it arrives, with all segments behind it, max(200 ms, 2 x rtt) later.`

/** The command line of `volley serve relay`, with its help. */
export function relayCommand(): Command {
  const command = new Command('volley serve relay').description(
    'Simulates a network between clients and a server: it passes TCP or UDP on, later, slower or not at all. SIGTERM stops it once everything on its way has arrived.',
  )
  return addOptions(command, Object.entries(relayFlags)).addHelpText('after', helpText)
}

/**
 * The upstream and the options that the flags ask for; throws a UserError that lists every fault. `load` finds out which
 * timers this machine has.
 */
export function relayOptions(
  texts: RelayTexts,
  load = loadCLibrary,
): {
  readonly upstream: Upstream
  readonly options: RelayOptions
  readonly isQuiet: boolean
} {
  const faults: Fault[] = []
  const addFault = (flag: RelayFlag, message: string) => void faults.push({ place: flagOf(flag), message })
  const values = readFlags(texts, addFault)
  for (const { name, expected } of tooShort(values, load)) addFault(name, `expected ${expected}, got "${texts[name]}"`)
  checkFlags(texts, values, addFault)
  const { to: upstream, listen, seed, idleTimeout, quiet, ...settings } = values
  if (faults.length > 0 || upstream === undefined || listen === undefined) throw new UserError(faults)
  return {
    upstream,
    options: {
      listen: listen.address,
      settings,
      seed: seed!,
      idleTimeoutMs: idleTimeout ?? idleTimeoutMsDefault,
    },
    isQuiet: quiet === true,
  }
}

type AddFault = (flag: RelayFlag, message: string) => void

function readFlags(texts: RelayTexts, addFault: AddFault): RelayValues {
  const values: Partial<Record<RelayFlag, unknown>> = {}
  for (const [name, row] of Object.entries(relayFlags) as [RelayFlag, FlagRow][]) {
    const { value } = row
    const text = texts[name] ?? row.default
    if (text === undefined) continue
    const parsed = parseOption(value, text)
    if (parsed === undefined) addFault(name, `expected ${expectedOf(value, text)}, got "${text}"`)
    else values[name] = parsed
  }
  return values as RelayValues
}

/** Adds a fault for each combination of flags that is not possible. */
function checkFlags(texts: RelayTexts, values: RelayValues, addFault: AddFault): void {
  const { to: upstream, listen, rtt = 0, jitter, reset, idleTimeout } = values
  if (texts.to === undefined) addFault('to', `is missing: ${upstreamForms}`)
  if (jitter !== undefined && jitter > rtt) addFault('jitter', `expected no more than --rtt, got "${texts.jitter}"`)
  if (upstream === undefined) return
  if (upstream.scheme !== 'udp') {
    if (listen?.overUdp) addFault('listen', `expected an address of TCP, as that of --to is, got "${texts.listen}"`)
    if (idleTimeout !== undefined) addFault('idleTimeout', 'is for UDP')
    return
  }
  const isForTcp = /^(tcp|unix):/.test(String(texts.listen))
  if (listen !== undefined && isForTcp) addFault('listen', `expected host:port for UDP, got "${texts.listen}"`)
  if (reset !== undefined) addFault('reset', 'is for TCP: UDP has no connections')
}

function roundTrip(example: string) {
  const parse = (text: string) => within(parseDuration(text), 0, relayLimits.roundTripMsMax)
  return { kind: 'form', forms: `a duration such as ${example}, up to 10s`, parse } as const satisfies OptionValue
}

function within(value: number | undefined, min: number, max: number): number | undefined {
  return value !== undefined && value >= min && value <= max ? value : undefined
}
