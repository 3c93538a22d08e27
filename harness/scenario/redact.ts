import { isMapping, type Mapping } from '../mapping.ts'
import type { Path } from './path.ts'
import type { Scenario, Target } from './scenario.ts'

const mask = '***'

/** The scenario as it may be shown: `***` in place of what is at, or was made from what was at, the given paths. */
export function redact(scenario: Scenario, secrets: readonly Path[]): Scenario {
  return secrets.reduce<unknown>((shown, path) => maskAt(shown, recordPath(path)), scenario) as Scenario
}

/** Whether the address that a target is reached by is not to be shown; of a server of ours `listen` has it. */
export function hasSecretAddress(target: Target, shown: Target): boolean {
  const addressOf = (it: Target) => ('serve' in it ? it.options['listen'] : it.address)
  return addressOf(target) !== addressOf(shown)
}

/** One entry of the file's source addresses is any number of them in the record. */
function recordPath(path: Path): Path {
  return path[0] === 'sourceAddresses' ? path.slice(0, 1) : path
}

/** Where the record is not shaped as the file was, as in a protocol, all that was made from the value is masked. */
function maskAt(value: unknown, path: Path): unknown {
  const [key, ...rest] = path
  if (key === undefined) return maskAll(value)
  if (Array.isArray(value) && key in value)
    return value.map((item, index) => (index === key ? maskAt(item, rest) : item))
  if (isMapping(value) && Object.hasOwn(value, key)) return { ...value, [key]: maskAt(value[key], rest) }
  return maskAll(value)
}

function maskAll(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(maskAll)
  if (!isMapping(value)) return value === undefined ? value : mask
  return Object.fromEntries(Object.entries(value as Mapping).map(([key, item]) => [key, maskAll(item)]))
}
