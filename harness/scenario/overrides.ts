import { InvalidValue } from '../invalidValue.ts'
import { emptyMapping, isMapping, type Mapping, valueAt } from '../mapping.ts'
import { canonicalName } from '../protocols/aliases.ts'
import { type Issue, type Path, showPath } from './path.ts'
import { parseRequestLine } from './schema/httpRequest.ts'
import { payloadKeys } from './schema/payload.ts'
import type { Origin } from './yaml/faults.ts'

/** A setting from outside the file; `origin` is the flag or variable that it came from, such as `--duration`. */
export interface Override {
  readonly path: Path
  readonly value: unknown
  readonly origin: string
}

/** Plain data with the overrides applied, and where they came from. */
export interface Overridden {
  readonly data: unknown
  readonly origins: readonly Origin[]
  readonly issues: readonly Issue[]
}

/**
 * Applies overrides, later ones over earlier ones. An override also removes the settings that exclude it: a `loop`
 * replaces a `mix`, an address replaces a command. `data` is changed.
 */
export function applyOverrides(data: unknown, overrides: readonly Override[]): Overridden {
  const origins: Origin[] = []
  const issues: Issue[] = []
  if (isMapping(data)) {
    clearLength(data, overrides)
    for (const override of overrides) {
      makeRoom(data, override.path)
      const { path, message } = apply(data, override)
      origins.push({ path, origin: override.origin })
      if (message !== undefined) issues.push({ path, about: 'value', message })
    }
  }
  return { data, origins, issues }
}

/** `requests` replaces `duration` and the warm-up that belongs to it; `duration` replaces `requests`. */
function clearLength(data: Mapping, overrides: readonly Override[]): void {
  const isSet = (key: string) => overrides.some(({ path }) => path.length === 1 && path[0] === key)
  if (isSet('requests') && !isSet('duration')) {
    delete data['duration']
    delete data['warmup']
  }
  if (isSet('duration') && !isSet('requests')) delete data['requests']
}

function makeRoom(data: Mapping, path: Path): void {
  const [first, second] = path
  if (first === 'load') clearLoad(data['load'], second)
  if (first === 'loop') delete data['mix']
  if (first === 'mix') delete data['loop']
  if (first === 'protocol' && second !== undefined) expandProtocol(data, String(second))
  if (first === 'target') clearTarget(valueAt(data, ['target']), second)
  if (first === 'environments' && second !== undefined) clearTarget(valueAt(data, path.slice(0, 2)), path[2])
  const send = path.indexOf('send')
  if (send > 0 && path.length > send + 1) expandSend(data, path.slice(0, send + 1), String(path[send + 1]))
}

/** An override of the rate also sets the mode and replaces stages; an override of the mode removes the rate. */
function clearLoad(load: unknown, key: string | number | undefined): void {
  if (!isMapping(load)) return
  // In mode search the rate is the first one to try.
  if ((key === 'rate' && load['mode'] !== 'search') || key === 'stages') delete load['mode']
  if (key === 'rate') delete load['stages']
  if (key === 'mode') for (const other of ['rate', 'stages', 'arrivals']) delete load[other]
}

function clearTarget(target: unknown, key: string | number | undefined): void {
  if (!isMapping(target)) return
  for (const other of keysReplacedBy(key, 'address' in target)) delete target[other]
}

function keysReplacedBy(key: string | number | undefined, hasAddress: boolean): readonly string[] {
  if (key === 'serve') return ['command', 'address']
  if (key === 'command') return ['serve', 'options', 'over']
  if (key !== 'address') return []
  // With a command, an address is the place where the command listens.
  return hasAddress ? ['serve', 'options', 'over'] : ['serve', 'options', 'over', 'command']
}

/** `tlv` becomes `{ tlv: {} }`, so that a setting can be added; settings of another protocol are removed. */
function expandProtocol(data: Mapping, name: string): void {
  const settings = emptyMapping()
  const current = isMapping(data['protocol']) ? data['protocol'] : emptyMapping()
  const own = Object.keys(current).find(key => canonicalName(key) === canonicalName(name)) ?? name
  settings[name] = isMapping(current[own]) ? current[own] : emptyMapping()
  data['protocol'] = settings
}

/** Fields that a message may have in addition to its body. */
const messageFields = ['type', 'version', 'extension', 'method', 'path', 'headers']

/**
 * For an additional field, a payload moves to `body` and a request line of HTTP to `method` and `path`; another payload
 * replaces it.
 */
function expandSend(data: Mapping, path: Path, key: string): void {
  const send = valueAt(data, path)
  const isPayload = typeof send === 'string' || (isMapping(send) && payloadKeys.some(key => key in send))
  const step = valueAt(data, path.slice(0, -1))
  if (!isPayload || !isMapping(step)) return
  const replacement = emptyMapping()
  const line = isHttp(data['protocol']) ? requestLineOf(send) : undefined
  if (line !== undefined && !payloadKeys.some(other => other === key)) Object.assign(replacement, line)
  else if (messageFields.includes(key)) replacement['body'] = send
  step['send'] = replacement
}

function isHttp(protocol: unknown): boolean {
  return protocol === 'http' || (isMapping(protocol) && 'http' in protocol)
}

function requestLineOf(send: unknown): { readonly method: string; readonly path: string } | undefined {
  try {
    return typeof send === 'string' ? parseRequestLine(send) : undefined
  } catch {
    return undefined
  }
}

/** Applies one override. Returns the path of all that it changed or created, and the reason if it cannot be applied. */
function apply(data: Mapping, { path, value }: Override): { path: Path; message?: string } {
  let parent: Mapping | unknown[] = data
  let changed = path
  for (const [index, key] of path.entries()) {
    const here = path.slice(0, index)
    if (Array.isArray(parent) && (typeof key !== 'number' || key > parent.length)) {
      const wanted = `an index from 0 to ${parent.length} in the list ${showPath(here)}`
      return { path, message: new InvalidValue(wanted, showPath(path)).message }
    }
    const container = parent as Mapping
    if (index === path.length - 1) container[key] = ownCopy(value)
    else {
      if (typeof container[key] !== 'object' || container[key] === null) {
        container[key] = typeof path[index + 1] === 'number' ? [] : emptyMapping()
        if (changed === path) changed = path.slice(0, index + 1)
      }
      parent = container[key] as Mapping | unknown[]
    }
  }
  return { path: changed }
}

/** A copy whose mappings have no prototype, so that no key is special. */
function ownCopy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ownCopy)
  if (!isMapping(value)) return value
  const copy = emptyMapping()
  for (const [key, item] of Object.entries(value)) copy[key] = ownCopy(item)
  return copy
}
