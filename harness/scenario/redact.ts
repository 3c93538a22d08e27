import { isMapping, type Mapping } from '../mapping.ts'
import { canonicalName } from '../protocols/aliases.ts'
import type { Path } from './path.ts'
import type { Scenario, Target } from './scenario.ts'

const mask = '***'

/** The scenario for display: `***` in place of the values at the given paths, and of values made from them. */
export function redact(scenario: Scenario, secrets: readonly Path[]): Scenario {
  return secrets.reduce<unknown>((shown, path) => maskAt(shown, recordPath(path)), scenario) as Scenario
}

/** Whether the address of a target is secret; a reference server has it in `listen`. `shown` is the redacted target. */
export function hasSecretAddress(target: Target, shown: Target): boolean {
  const addressOf = (it: Target) => ('serve' in it ? it.options['listen'] : it.address)
  return addressOf(target) !== addressOf(shown)
}

/**
 * An entry of the file's source addresses may be a range, so the indexes in the record differ: all are masked. The settings
 * of Redis' protocol are in the record by their own names, without the one of the protocol around them.
 */
function recordPath(path: Path): Path {
  const [first, second] = path
  if (first === 'sourceAddresses') return path.slice(0, 1)
  const isOfRedis = first === 'protocol' && canonicalName(String(second)) === 'resp' && path.length > 2
  return isOfRedis ? [first, ...path.slice(2)] : path
}

/**
 * Masks the value at a path. Where the record has another shape than the file, as a protocol has, it masks everything
 * that was made from the value.
 */
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
