import { dirname, resolve } from 'node:path'
import { credentialsOf } from '../credentials.ts'
import { messageOf, UserError } from '../errors.ts'
import { InvalidValue } from '../invalidValue.ts'
import { isMapping, valueAt } from '../mapping.ts'
import { canonicalName } from '../protocols/aliases.ts'
import { showUtf8Fault, utf8Fault } from '../utf8.ts'
import { readBounded, readBoundedStream } from '../wholeFile.ts'
import { credentialsIn, keysIn, passwordsIn } from './checks/keys.ts'
import type { LoadedScenario } from './loaded.ts'
import { expandNamed } from './named.ts'
import { applyOverrides, type Override } from './overrides.ts'
import { isWithin, type Path } from './path.ts'
import { redact } from './redact.ts'
import { limits, type Scenario } from './scenario.ts'
import { nameFromUrl, settingsOfUrl, withoutLogin } from './url.ts'
import { validate } from './validate.ts'
import { issueFaults, type Places, textFaults } from './yaml/faults.ts'
import { readSource, type Source } from './yaml/source.ts'
import type { Environment } from './yaml/variables.ts'

/** Reads and checks a scenario file; throws a UserError with every fault. */
export async function loadScenario(
  path: string,
  overrides: readonly Override[],
  environment: Environment,
): Promise<LoadedScenario> {
  return parseScenario(await readScenarioText(path), path, overrides, environment)
}

/** Checks the text of a scenario; `file` is how its faults name it, and its folder is where relative paths start. */
export function parseScenario(
  text: string,
  file: string,
  overrides: readonly Override[],
  environment: Environment,
): LoadedScenario {
  const plain = text.replace(/^\uFEFF/, '')
  const source = readSource(plain, environment)
  if (!('data' in source)) throw new UserError(textFaults(source, { name: file, text: plain }))
  return { ...finish(source, { name: file, text: plain }, overrides), folder: resolve(dirname(file)) }
}

/** A scenario for a URL alone: the requests that its scheme implies, for 10 seconds unless overridden. */
export function scenarioFromUrl(url: string, overrides: readonly Override[]): LoadedScenario {
  const data = { name: nameFromUrl(url), duration: '10s', ...settingsOfUrl(url, protocolIn(overrides)) }
  const source: Source = { data, positions: new Map(), secrets: [], secretValues: [], issues: [] }
  return { ...finish(source, { name: withoutLogin(url) }, overrides), folder: process.cwd() }
}

/**
 * The scenario with the target of one of its environments, whose name is added to its own; throws a UserError for an
 * unknown environment.
 */
export function inEnvironment(loaded: LoadedScenario, name: string): LoadedScenario {
  const known = Object.keys(loaded.scenario.environments)
  if (!known.includes(name)) {
    const what = known.length === 0 ? 'none' : known.join(', ')
    throw new UserError(`${loaded.scenario.name} has no environment "${name}"; it has ${what}`)
  }
  const choose = (scenario: Scenario) => ({
    ...scenario,
    name: `${scenario.name}-${name}`,
    target: scenario.environments[name]!,
  })
  return { ...loaded, scenario: choose(loaded.scenario), redacted: choose(loaded.redacted) }
}

function finish(
  source: Source,
  file: Pick<Places, 'name' | 'text'>,
  overrides: readonly Override[],
): Omit<LoadedScenario, 'folder'> {
  const { data: overridden, origins, issues } = applyOverrides(source.data, overrides)
  const named = expandNamed(overridden, source.secretValues)
  const { data } = named
  const isOverridden = (path: Path) => origins.some(origin => isWithin(path, origin.path))
  const sourceIssues = source.issues.filter(({ path }) => !isOverridden(path))
  // A value that could not be read is reported as that, and not also as missing.
  const unread = sourceIssues.filter(({ path, about }) => about === 'value' && valueAt(data, path) === undefined)
  const result = validate(data)
  const found = result.issues.filter(({ path }) => !unread.some(issue => isWithin(path, issue.path)))
  const all = [...sourceIssues, ...issues, ...named.issues, ...found]
  const fromEnvironment = source.secrets.filter(path => !isOverridden(path) && valueAt(data, path) !== undefined)
  const credentials = credentialsIn(data)
  const passwords = passwordsIn(data)
  const secrets = [...fromEnvironment, ...keysIn(data), ...credentials, ...passwords, ...named.secrets]
  const places = { ...file, positions: source.positions, origins, secrets }
  if (all.length > 0 || result.scenario === undefined) throw new UserError(issueFaults(all, places))
  const keys = keysIn(data).map(path => String(valueAt(data, path)))
  return {
    scenario: result.scenario,
    redacted: redact(result.scenario, secrets),
    secrets: {
      values: [
        ...source.secretValues,
        ...named.secretValues,
        ...passwords.map(path => String(valueAt(data, path))),
        ...credentials.flatMap(path => credentialsOf(String(valueAt(data, path)))),
      ],
      keys,
    },
    places,
  }
}

/** The name of the protocol in the text of a scenario, before anything of it is checked; undefined where there is none. */
export function protocolInText(text: string, environment: Environment): string | undefined {
  const source = readSource(text.replace(/^\uFEFF/, ''), environment)
  return 'data' in source ? protocolName(valueAt(source.data, ['protocol'])) : undefined
}

function protocolName(value: unknown): string | undefined {
  const name = isMapping(value) ? Object.keys(value)[0] : value
  return typeof name === 'string' ? canonicalName(name) : undefined
}

/** The name of the protocol that the last of the overrides with one chooses. */
export function protocolIn(overrides: readonly Override[]): string | undefined {
  const { path: [, key] = [], value } = overrides.findLast(({ path }) => path[0] === 'protocol') ?? {}
  if (key !== undefined) return canonicalName(String(key))
  return protocolName(value)
}

/** Reads the text of a scenario file, up to its limit; a UserError where it cannot be read. */
export async function readScenarioText(path: string): Promise<string> {
  // A scenario may come by way of a pipe, as in `volley run <(make-scenario)`.
  const hint = /[/\\]|\.ya?ml$/i.test(path) ? undefined : `a server is named as host:port, or as a URL: http://${path}`
  return textOf(() => readBounded(path, { ...bounds, pipes: true }), path, hint)
}

/** Reads the text of a scenario from a stream, up to its limit; `name` is how faults name it. */
export async function readScenarioStream(stream: AsyncIterable<Uint8Array | string>, name: string): Promise<string> {
  return textOf(() => readBoundedStream(stream, bounds), name)
}

const bounds = { what: 'a scenario file', bytesMax: limits.scenarioBytesMax }

async function textOf(read: () => Promise<Buffer>, name: string, missingHint?: string): Promise<string> {
  const refuse = (message: string, hint?: string) => new UserError([{ place: name, message }], hint)
  let bytes: Buffer
  try {
    bytes = await read()
  } catch (error) {
    if (error instanceof InvalidValue) throw refuse(error.message)
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (isMissing) throw refuse('no such file', missingHint)
    throw refuse(`cannot be read: ${messageOf(error)}`)
  }
  const fault = utf8Fault(bytes)
  if (fault !== undefined) throw refuse(`expected UTF-8 text, got ${showUtf8Fault(fault)}`)
  return new TextDecoder().decode(bytes)
}
