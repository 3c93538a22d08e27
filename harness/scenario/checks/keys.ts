import { isCredentialHeader, isTemplate } from '../../credentials.ts'
import { isMapping, valueAt } from '../../mapping.ts'
import type { Path } from '../path.ts'

/** The paths of keys in a scenario: a key is text even if it looks like a number, and is never shown. `*` is any name. */
const keyPaths: readonly Path[] = [
  ['key'],
  ['layerKey'],
  ['protocol', 'resp', 'password'],
  ['protocol', 'redis', 'password'],
  ...['key', 'layerKey', 'secret'].flatMap(name => [
    ['target', 'options', name],
    ['environments', '*', 'options', name],
  ]),
]

/** Whether there is a key at a path. */
export function isKeyPath(path: Path): boolean {
  return keyPaths.some(
    pattern => pattern.length === path.length && pattern.every((key, index) => key === '*' || key === path[index]),
  )
}

/** The paths of all keys in plain data. */
export function keysIn(data: unknown): Path[] {
  const environments = valueAt(data, ['environments'])
  const names = isMapping(environments) ? Object.keys(environments) : []
  return keyPaths
    .flatMap(pattern =>
      pattern.includes('*') ? names.map(name => pattern.map(key => (key === '*' ? name : key))) : [pattern],
    )
    .filter(path => valueAt(data, path) !== undefined)
}

/** The paths of headers that log in, in the requests of plain data, as of -H: they are shown as little as keys. */
export function credentialsIn(data: unknown): Path[] {
  const steps = ['loop', 'mix', 'connect'].flatMap(key => {
    const list = valueAt(data, [key])
    return Array.isArray(list) ? list.map((_, index) => [key, index]) : []
  })
  return [...steps, ['heartbeat']].flatMap(step => {
    const path = [...step, 'send', 'headers']
    const headers = valueAt(data, path)
    if (!isMapping(headers)) return []
    const names = Object.keys(headers).filter(name => isCredentialHeader(name) && !isTemplate(String(headers[name])))
    return names.map(name => [...path, name])
  })
}
