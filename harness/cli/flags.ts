import type { Command } from 'commander'
import type { Override } from '../scenario/overrides.ts'
import { parseSet, settingValue } from '../scenario/setting.ts'

/** A flag that sets a key of the scenario; the variable `VOLLEY_<NAME>` does the same. */
interface Setting {
  readonly flags: string
  readonly name: string
  readonly description: string
  readonly path: readonly (string | number)[]
  /** Converts the text to the value of the key; by default as YAML does. */
  readonly value?: (text: string, origin: string) => unknown
}

const settings: readonly Setting[] = [
  { flags: '-c, --connections <n>', name: 'connections', description: 'concurrent connections', path: ['connections'] },
  {
    flags: '-d, --duration <time>',
    name: 'duration',
    description: 'length of the measured part, such as 10s',
    path: ['duration'],
  },
  {
    flags: '-n, --requests <n>',
    name: 'requests',
    description: 'total number of requests; with -d the run ends at whichever comes first',
    path: ['requests'],
  },
  {
    flags: '-p, --pipeline <n>',
    name: 'pipeline',
    description: 'requests in flight per connection',
    path: ['load', 'pipeline'],
  },
  { flags: '-w, --workers <n>', name: 'workers', description: 'worker threads, or auto', path: ['workers'] },
  {
    flags: '--warmup <time>',
    name: 'warmup',
    description: 'time before the measured part: 2s, or auto',
    path: ['warmup'],
  },
  {
    flags: '--timeout <time>',
    name: 'timeout',
    description: 'longest time for a reply or a connect',
    path: ['timeout'],
  },
  {
    flags: '--target <url>',
    name: 'target',
    description: 'a running server: host:port, tcp://host:port, udp://host:port, tls://host:port, unix:/path',
    path: ['target'],
    value: address => ({ address }),
  },
  {
    flags: '--protocol <protocol>',
    name: 'protocol',
    description: "the protocol, by its name or with settings such as '{frame: {lengthBytes: 2}}'",
    path: ['protocol'],
  },
  {
    flags: '--send <text or JSON>',
    name: 'send',
    description: 'one request in place of the steps: a text, or fields as in {"type": 1, "body": "hello"}',
    path: ['loop'],
    // Which fields a request has depends on the protocol: "loadWithRequest" reads the text once that is known.
    value: send => [{ send }],
  },
  {
    flags: '--key <key>',
    name: 'key',
    description:
      'the key for the handshake of a TLV server of Volley; as VOLLEY_KEY it is not visible in the process list',
    path: ['key'],
    value: text => text,
  },
  { flags: '--seed <n>', name: 'seed', description: 'seed of all random choices', path: ['seed'] },
  {
    flags: '-R, --rate <rate>',
    name: 'rate',
    description: 'send requests at a fixed rate, such as 50k/s over all connections, whatever the server does',
    path: ['load', 'rate'],
  },
  {
    flags: '--transport <name>',
    name: 'transport',
    description: 'the transport: auto, node or epoll',
    path: ['transport'],
  },
  { flags: '--insecure', name: 'insecure', description: 'accept any certificate (TLS)', path: ['tls', 'insecure'] },
]

const allNames = settings.map(({ name }) => name)

/** The variables that do the same as flags. */
export const settingVariables = allNames.map(variableOf)

/** Adds the flags that change a scenario to a command: all of them, or only those with the given names. */
export function addSettings(command: Command, names: readonly string[] = allNames): Command {
  for (const { flags, description, name } of settings) if (names.includes(name)) command.option(flags, description)
  return command.option(
    '--set <path=value>',
    'any key of the scenario, such as load.pipeline=4; may be repeated',
    collect,
  )
}

/** The changes to a scenario by the flags and variables with the given names: variables first, so that a flag wins. */
export function overridesOf(
  options: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string | undefined>>,
  names: readonly string[] = allNames,
): Override[] {
  const known = settings.filter(({ name }) => names.includes(name))
  const fromVariables = known.flatMap(setting => {
    const variable = variableOf(setting.name)
    const text = environment[variable]
    return text === undefined || text === '' ? [] : [override(setting, text, variable)]
  })
  const fromFlags = known.flatMap(setting => {
    const text = options[setting.name]
    return text === undefined ? [] : [override(setting, String(text), `--${setting.name}`)]
  })
  return [...fromVariables, ...fromFlags, ...((options['set'] as string[] | undefined) ?? []).map(parseSet)]
}

function variableOf(name: string): string {
  return `VOLLEY_${name.toUpperCase()}`
}

function override({ path, value = settingValue }: Setting, text: string, origin: string): Override {
  return { path, value: value(text, origin), origin }
}

/** Collects the values of a flag that may be repeated. */
export function collect(text: string, before: string[] = []): string[] {
  return [...before, text]
}
