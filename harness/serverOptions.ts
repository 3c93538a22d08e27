import { list } from './invalidValue.ts'
import { parseServerAddress, serverAddressForms } from './listenAddress.ts'
import type { OptionValue } from './optionValue.ts'
import { parseServiceTime, serviceTimeForms } from './serviceTime.ts'
import { bufferBytes } from './socketOptions.ts'
import { parseStall, stallForms } from './stall.ts'

/** The reference servers that a scenario can start. */
export const serverNames = ['echo', 'tlv', 'rpc', 'broadcast', 'http'] as const
export type ServerName = (typeof serverNames)[number]

/** The protocols that each reference server speaks; the first is its default. */
export const serverProtocols = {
  echo: ['raw', 'line', 'frame'],
  tlv: ['tlv'],
  rpc: ['rpc'],
  broadcast: ['broadcast'],
  http: ['http'],
} as const satisfies Record<ServerName, readonly string[]>

/** The protocols that a client may speak with a server: the server's own, and `frame` where settings can describe those. */
export function clientProtocols(server: ServerName): readonly string[] {
  const own: readonly string[] = serverProtocols[server]
  return server === 'tlv' || server === 'rpc' ? [...own, 'frame'] : own
}

const broadcastFramings = ['line', 'json', 'text', 'websocket'] as const

const mebibyte = 1024 * 1024
/** The largest read of the naive server: what a server reads at once. */
export const naiveReadBytesMax = 64 * 1024

/** Other options that do not go together with an option. */
export interface Conflict {
  readonly with: readonly string[]
  /** What is wrong; `{name}` stands for another option. */
  readonly message: string
}

/** One option: `poolSize` in a scenario, `--pool-size` on the command line. */
export interface ServerOption {
  /** What it does, for --help and for editors of scenarios. */
  readonly description: string
  /** The same for a scenario, where it differs. */
  readonly scenarioDescription?: string
  readonly value: OptionValue
  /** How --help names the value. */
  readonly placeholder?: string
  readonly short?: string
  readonly default?: string
  /** An environment variable that can hold the value instead of the command line, which every user can list. */
  readonly variable?: string
  /** The servers that have the option; all servers, where absent. */
  readonly servers?: readonly ServerName[]
  /** The servers that do not have it, and why. */
  readonly notFor?: { readonly [Name in ServerName]?: string }
  /** It needs connections, or a listening socket that several processes share. */
  readonly isTcpOnly?: true
  /** It is a flag only: a scenario cannot set it. */
  readonly isFlagOnly?: true
  /** At least one of these options must be given with it. */
  readonly needs?: { readonly oneOf: readonly string[]; readonly message?: string }
  readonly conflicts?: readonly Conflict[]
}

/** What a server can print lines about. */
const loggedEvents = ['connections', 'messages'] as const
export type LoggedEvent = (typeof loggedEvents)[number]
const loggedForms = 'connections, messages, or connections,messages'

function parseLogged(text: string): readonly LoggedEvent[] | undefined {
  const words = text.split(',').map(word => word.trim())
  const events = loggedEvents.filter(event => words.includes(event))
  return words.every(word => loggedEvents.some(event => event === word)) ? events : undefined
}

const poolOptions = ['poolSize', 'serviceTime', 'stall'] as const
const broadcastIsOneProcess = { broadcast: 'whose clients are all served by one process' }
const singleWorker = { with: ['workers'], message: 'is for a single worker' }
const onePool = [
  singleWorker,
  { with: ['reloadEvery'], message: 'does not go with {reloadEvery}: old and new processes would have a pool each' },
]
const poolOption = { notFor: { broadcast: '' }, conflicts: onePool }

/** Every option of the reference servers, in the order of --help. */
export const serverOptions = {
  listen: {
    description: 'address to listen on: host:port, port, udp://host:port or unix:/path; port 0 is a free port',
    scenarioDescription: 'address to listen on in place of a free port: host:port or unix:/path',
    placeholder: '<address>',
    short: 'l',
    default: '127.0.0.1:8080',
    value: { kind: 'form', forms: serverAddressForms, parse: parseServerAddress },
  },
  protocol: {
    description:
      'protocol to speak; echo: raw (default), line or frame; with settings as JSON, such as {"frame":{"lengthBytes":2}}',
    scenarioDescription: 'protocol of the echo server: raw, line or frame; by default that of the scenario',
    placeholder: '<name or JSON>',
    value: { kind: 'text' },
  },
  framing: {
    description:
      'how messages are told apart: line (default), a JSON object on each line; json, objects with nothing between them; text, such objects answered with bare text; websocket, an object in each message',
    scenarioDescription: 'how messages are told apart: line, json, text or websocket; by default as in the scenario',
    placeholder: '<framing>',
    servers: ['broadcast'],
    value: {
      kind: 'form',
      forms: list(broadcastFramings, 'or'),
      parse: text => broadcastFramings.find(framing => framing === text),
    },
  },
  reply: {
    description: 'what to answer: echo, or this text (default: echo; http: Hello World!)',
    placeholder: '<text>',
    notFor: { broadcast: 'whose answer is fixed' },
    value: { kind: 'text' },
  },
  replyType: {
    description: 'the type of every reply, whatever that of its request (default: the same)',
    placeholder: '<n>',
    servers: ['tlv'],
    value: { kind: 'whole', min: 0, max: 0xffff_ffff },
  },
  maxFrame: {
    description: 'the longest message to accept, such as 1MiB',
    placeholder: '<size>',
    value: { kind: 'size', min: 1, max: 64 * mebibyte },
  },
  maxSendBuffer: {
    description:
      'stop reading from a connection while more than this waits to be sent to it; broadcast closes it instead',
    placeholder: '<size>',
    isTcpOnly: true,
    value: { kind: 'size', min: 1, max: 1024 * mebibyte },
  },
  receiveBuffer: {
    description: "the kernel's receive buffer of each connection, or of the socket over UDP (SO_RCVBUF)",
    placeholder: '<size>',
    value: { kind: 'size', ...bufferBytes },
  },
  sendBuffer: {
    description: "the kernel's send buffer of each connection, or of the socket over UDP (SO_SNDBUF)",
    placeholder: '<size>',
    value: { kind: 'size', ...bufferBytes },
  },
  noDelay: {
    description:
      'send small replies at once (on, the default), or let them wait for the acknowledgement of those before (off: the algorithm of Nagle)',
    placeholder: '<on|off>',
    isTcpOnly: true,
    value: { kind: 'switch' },
  },
  maxConnections: {
    description: 'refuse connections beyond this number',
    placeholder: '<n>',
    conflicts: [singleWorker],
    value: { kind: 'whole', min: 1, max: 1_000_000 },
  },
  idleTimeout: {
    description:
      'close a connection that sends nothing for this long, such as 15s, while it waits for no reply (default: never, as clients may pause); UDP: forget a client (default: 1m)',
    placeholder: '<duration>',
    value: { kind: 'duration', example: '30s' },
  },
  key: {
    description: 'serve only clients that prove that they know the key',
    placeholder: '<key>',
    variable: 'VOLLEY_SERVE_KEY',
    servers: ['tlv'],
    isTcpOnly: true,
    value: { kind: 'secret', lengthMax: 1024 },
  },
  layers: {
    description: 'layers that bodies pass through, such as gzip,crc32, with tlv, rpc, and echo with frame',
    scenarioDescription:
      'layers that bodies pass through, such as gzip,crc32 or hmac-sha1:before; by default those of the scenario',
    placeholder: '<names>',
    value: { kind: 'text' },
  },
  layerKey: {
    description: 'the key of hmac-sha1, hmac-sha256 and aes-256-gcm layers',
    scenarioDescription: 'the key of those layers; by default that of the scenario',
    placeholder: '<key>',
    variable: 'VOLLEY_SERVE_LAYER_KEY',
    value: { kind: 'secret', lengthMax: 1024 },
  },
  naive: {
    description:
      'take each read of at most this many bytes for a message, as a server without framing does, and answer it with the text of --reply (default: ok), or with itself (--reply echo)',
    scenarioDescription:
      'take each read of at most this many bytes for a message, as a server without framing does, and answer it with the text of reply (default: ok), or with itself (reply: echo)',
    placeholder: '<bytes>',
    servers: ['echo'],
    isTcpOnly: true,
    conflicts: [
      { with: ['layers', 'maxFrame'], message: 'does not go with {layers} or {maxFrame}: it knows no messages' },
    ],
    value: { kind: 'size', min: 1, max: naiveReadBytesMax },
  },
  group: {
    description: 'serve only the clients of this group, which log in with its secret',
    placeholder: '<id>',
    servers: ['rpc'],
    isTcpOnly: true,
    needs: { oneOf: ['secret'] },
    value: {
      kind: 'form',
      forms: '1 to 256 characters without ":", the first of them not "{"',
      parse: text => (/^[^:{][^:]{0,255}$/.test(text) ? text : undefined),
    },
  },
  secret: {
    description: 'the secret of the group',
    placeholder: '<secret>',
    variable: 'VOLLEY_SERVE_SECRET',
    servers: ['rpc'],
    needs: { oneOf: ['group'] },
    value: { kind: 'secret', lengthMax: 1024 },
  },
  shuffle: {
    description: 'answer in an order shuffled within this many requests of a connection',
    placeholder: '<n>',
    servers: ['rpc'],
    conflicts: [{ with: poolOptions, message: 'is not for a server with a job pool' }],
    value: { kind: 'whole', min: 1, max: 65_536 },
  },
  poolSize: {
    ...poolOption,
    description:
      'serve this many requests at a time, the rest wait in one queue; or unlimited (default: 1); without a service time each takes no time',
    placeholder: '<n>',
    value: { kind: 'whole', min: 1, max: 1_000_000, orUnlimited: true },
  },
  serviceTime: {
    ...poolOption,
    description: `how long serving a request takes: ${serviceTimeForms}`,
    placeholder: '<time>',
    value: { kind: 'form', forms: serviceTimeForms, parse: parseServiceTime },
  },
  stall: {
    ...poolOption,
    description: 'serve nothing for 1s at the end of every 10s: 1s/10s; or from a time on: forever@54s',
    placeholder: '<stall>',
    value: { kind: 'form', forms: stallForms, parse: parseStall },
  },
  busyWait: {
    description: 'never sleep, so that no wake-up adds to a service time; uses a whole core',
    conflicts: [singleWorker],
    needs: { oneOf: poolOptions, message: 'is for a server with a job pool' },
    value: { kind: 'flag' },
  },
  seed: {
    description: 'the seed of the random choices of service times and shuffled replies',
    placeholder: '<n>',
    default: '1',
    value: { kind: 'whole', min: 0, max: Number.MAX_SAFE_INTEGER },
  },
  workers: {
    description: 'serve with this many processes, which share the address',
    placeholder: '<n>',
    short: 'w',
    default: '1',
    notFor: broadcastIsOneProcess,
    isTcpOnly: true,
    value: { kind: 'whole', min: 1, max: 64 },
  },
  detach: {
    description: 'serve in the background, where stop, reload and status reach it',
    short: 'd',
    isFlagOnly: true,
    isTcpOnly: true,
    value: { kind: 'flag' },
  },
  pidFile: {
    description: 'the file that holds the process id, with --detach, stop, reload and status',
    placeholder: '<file>',
    isFlagOnly: true,
    needs: { oneOf: ['detach'] },
    value: { kind: 'text' },
  },
  logFile: {
    description: 'the file that lines are appended to, with --detach; a reload opens it again',
    placeholder: '<file>',
    isFlagOnly: true,
    needs: { oneOf: ['detach'] },
    value: { kind: 'text' },
  },
  reloadTimeout: {
    description: 'how long an old process still serves its connections after a reload (default: 30s)',
    placeholder: '<duration>',
    needs: { oneOf: ['detach', 'reloadEvery'] },
    value: { kind: 'duration', example: '30s' },
  },
  reloadEvery: {
    description: 'replace the processes by new ones this often, such as every 2s, without losing a request',
    placeholder: '<duration>',
    notFor: broadcastIsOneProcess,
    isTcpOnly: true,
    value: { kind: 'duration', example: '2s' },
  },
  log: {
    description:
      'print a line for each of: connections, as they open and close, with what passed over them; messages, as they are read and written; both with a comma between; at most 100 lines a second',
    placeholder: '<what>',
    isFlagOnly: true,
    value: { kind: 'form', forms: loggedForms, parse: parseLogged },
  },
  quiet: {
    description: 'do not print a line every second',
    short: 'q',
    value: { kind: 'flag' },
  },
} as const satisfies Record<string, ServerOption>

export type OptionName = keyof typeof serverOptions

/** The options as they were given: text, or true for a flag. */
export type OptionTexts = { readonly [Name in OptionName]?: string | true }

type Parsed<Value> = Value extends { kind: 'flag' }
  ? true
  : Value extends { kind: 'switch' }
    ? boolean
    : Value extends { parse(text: string): infer Form }
      ? NonNullable<Form>
      : Value extends { kind: 'text' | 'secret' }
        ? string
        : number

/** The options as values: numbers, milliseconds, bytes; `unlimited` is Infinity. */
export type OptionValues = { readonly [Name in OptionName]?: Parsed<(typeof serverOptions)[Name]['value']> }

/** Every option with its name. */
export const optionEntries = Object.entries(serverOptions) as readonly (readonly [OptionName, ServerOption])[]

/** `poolSize` as a flag: `--pool-size`. */
export function flagOf(option: string): string {
  return `--${option.replaceAll(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`
}

/** Whether an option is given and is not what it is by default. */
function isActive(name: string, texts: OptionTexts): boolean {
  const text = texts[name as OptionName]
  const option: ServerOption = serverOptions[name as OptionName]
  return text !== undefined && text !== option.default
}

/**
 * What is wrong with an option for this server, over UDP or beside other options. `show` is how messages name an option:
 * undefined for one that cannot be set there.
 */
export function conflictsOf(
  option: OptionName,
  texts: OptionTexts,
  { server, overUdp, show }: { server: ServerName; overUdp: boolean; show: (name: OptionName) => string | undefined },
): readonly string[] {
  if (!isActive(option, texts)) return []
  const { servers, notFor, isTcpOnly, needs, conflicts = [] }: ServerOption = serverOptions[option]
  if (servers !== undefined && !servers.includes(server)) return [`is for ${list(servers, 'or')}, not for ${server}`]
  const reason = notFor?.[server]
  if (reason !== undefined) return [`is not for ${server}${reason === '' ? '' : `, ${reason}`}`]
  const messages: string[] = []
  if (overUdp && isTcpOnly) messages.push('is for TCP, not for UDP')
  if (needs !== undefined && !needs.oneOf.some(name => isActive(name, texts))) {
    const names = needs.oneOf.map(name => show(name as OptionName)).filter(name => name !== undefined)
    messages.push(needs.message ?? `goes with ${list(names, 'or')}`)
  }
  for (const { with: others, message } of conflicts) {
    const isFound = others.some(name => isActive(name, texts))
    if (isFound) messages.push(message.replaceAll(/\{(\w+)\}/g, (_, name: OptionName) => show(name) ?? name))
  }
  return messages
}
