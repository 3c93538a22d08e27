import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../built.ts'
import { assert } from '../errors.ts'
import { show } from '../invalidValue.ts'
import { isMapping, type Mapping, valueAt } from '../mapping.ts'
import { describedNames, describedProtocols } from '../protocols/described.ts'
import { unknownWord } from '../suggestion.ts'
import { settingText } from './namedSettings.ts'
import { type Issue, issue, type Path } from './path.ts'
import { readSource, type Source } from './yaml/source.ts'

/** A description that comes with Volley: the text of a scenario, with `${...}` for what may be set. */
export interface Description {
  readonly name: string
  readonly text: string
  /** What it is, in a line. */
  readonly summary: string
  /** What may be set, such as user and password. */
  readonly settings: readonly string[]
}

/** What a description adds to a scenario where that has none of its own. */
const takenKeys = ['connect', 'heartbeat', 'reconnect'] as const
/** The only setting that must not be shown. */
const secretSetting = 'password'
const variable = /\$\{([A-Za-z_][A-Za-z0-9_]*)(?::[-+](?:\{\{[^}]*\}\}|[^}])*)?\}/g

/** A scenario in which the name of a described protocol is replaced by what its description says. */
export interface Expanded {
  readonly data: unknown
  readonly issues: readonly Issue[]
  /** Paths of values that must not be shown, and what in them is secret. */
  readonly secrets: readonly Path[]
  readonly secretValues: readonly string[]
}

/** The description of a protocol by its name; `isStream` takes that for streams of a protocol of datagrams. */
export function describe(name: string, isStream = false): Description {
  const hasTwo = describedProtocols[name]?.overUdp === true
  const text = readFileSync(join(packageRoot, 'protocols', `${name}${hasTwo && isStream ? '.tcp' : ''}.yaml`), 'utf8')
  const [, summary = ''] = /^# (.+)$/m.exec(text) ?? []
  return { name, text, summary, settings: [...new Set([...text.matchAll(variable)].map(([, setting]) => setting!))] }
}

/** Every description that comes with Volley. */
export function descriptions(): Description[] {
  return describedNames.map(name => describe(name))
}

/** The name of the described protocol that a setting `protocol` chooses; undefined for all others. */
function describedName(protocol: unknown): string | undefined {
  const name = isMapping(protocol) ? Object.keys(protocol)[0] : protocol
  return typeof name === 'string' && describedNames.includes(name) ? name : undefined
}

/**
 * Puts a description in the place of its name, in a scenario as plain data; `secretValues` are those of variables, which
 * settings may have in them.
 */
export function expandNamed(data: unknown, secretValues: readonly string[] = []): Expanded {
  const plain = { data, issues: [], secrets: [], secretValues: [] }
  if (!isMapping(data)) return plain
  const { protocol } = data
  const name = describedName(protocol)
  if (name === undefined) return plain
  const description = describe(name, !isDatagramAddress(data))
  const given = isMapping(protocol) ? protocol : {}
  const { values, issues, credentials } = settingsIn(given, description)
  const source = readSource(description.text, values)
  assert('data' in source, `the description of ${name} is valid YAML`)
  const described = source.data as Mapping
  const hasGroups = 'clients' in data
  const taken = takenKeys.filter(key => !(key in data) && key in described && !(hasGroups && key === 'connect'))
  const hasLoop = 'loop' in data || 'mix' in data || hasGroups
  const expanded: Mapping = {
    ...data,
    protocol: { ...(described['protocol'] as Mapping), called: name },
    ...Object.fromEntries(taken.map(key => [key, described[key]])),
    ...(hasLoop ? {} : { loop: described['loop'] }),
    ...(hasGroups && { clients: withHandshake(data['clients'], described['connect']) }),
  }
  const password = values[secretSetting] ?? ''
  const ofVariables = secretValues.filter(secret => Object.values(values).some(value => value.includes(secret)))
  const own = [password, ...credentials].filter(secret => secret !== '')
  return {
    data: expanded,
    issues: [...issues, ...source.issues.map(({ message }) => issue(['protocol'], `${name}: ${message}`))],
    secrets: placesOf(source, [...own, ...ofVariables], expanded),
    secretValues: own,
  }
}

/** Groups of connections, with the handshake of a description where they have none of their own. */
function withHandshake(groups: unknown, connect: unknown): unknown {
  if (!Array.isArray(groups) || connect === undefined) return groups
  return groups.map(group => (isMapping(group) && !('connect' in group) ? { ...group, connect } : group))
}

/** The settings of a description that a scenario gives, as texts, and what is wrong with them. */
function settingsIn(
  protocol: Mapping,
  { name, settings }: Description,
): { readonly values: Record<string, string>; readonly issues: Issue[]; readonly credentials: readonly string[] } {
  const [, ...others] = Object.keys(protocol)
  const inside = protocol[name] ?? {}
  const beside: Issue[] = others.map(key =>
    issue(['protocol', key], `is in the description of ${name}: "volley protocol ${name}" prints it, to be changed`),
  )
  if (!isMapping(inside)) {
    const wanted = settings.length === 0 ? 'no settings' : `settings such as { ${settings[0]}: ... }`
    const fault = issue(['protocol', name], `expected ${wanted}, got ${show(inside)}`)
    return { values: {}, issues: [...beside, fault], credentials: [] }
  }
  const values: Record<string, string> = {}
  const credentials: string[] = []
  const issues = Object.entries(inside).flatMap(([key, value]): Issue[] => {
    const path = ['protocol', name, key]
    if (!settings.includes(key)) return [{ path, about: 'key', message: unknownWord('key', key, settings) }]
    const read = settingText(key, value, path)
    if ('issues' in read) return [...read.issues]
    values[key] = read.text
    credentials.push(...(read.credentials ?? []))
    return []
  })
  return { values, issues: [...beside, ...issues], credentials }
}

/** Where one of the secrets stands in the scenario, also in the handshakes of groups. */
function placesOf({ secrets }: Source, hidden: readonly string[], data: Mapping): Path[] {
  const groups = Array.isArray(data['clients']) ? data['clients'] : []
  const ofGroups = groups.flatMap((_, index) => secrets.map(path => ['clients', index, ...path]))
  return [...secrets, ...ofGroups].filter(path => hidden.some(secret => String(valueAt(data, path)).includes(secret)))
}

function isDatagramAddress({ target }: Mapping): boolean {
  const address = isMapping(target) ? target['address'] : undefined
  const over = isMapping(target) ? target['over'] : undefined
  return (typeof address === 'string' && address.startsWith('udp:')) || over === 'udp'
}
