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

/** The paths of passwords, which are text too. The last is a setting of a description. */
const passwordPaths: readonly Path[] = [
  ['connect', '*', 'login', '*', 'password'],
  ['clients', '*', 'connect', '*', 'login', '*', 'password'],
  ['protocol', '*', 'password'],
]

/** Whether there is a key or a password at a path. */
export function isKeyPath(path: Path): boolean {
  return [...keyPaths, ...passwordPaths].some(
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

/** The paths of the passwords of logins in plain data. */
export function passwordsIn(data: unknown): Path[] {
  return groupPaths(data)
    .flatMap(group => entriesOf(data, [...group, 'connect']))
    .flatMap(step => {
      const login = valueAt(data, [...step, 'login'])
      const paths = isMapping(login) ? Object.keys(login).map(name => [...step, 'login', name, 'password']) : []
      return paths.filter(path => (valueAt(data, path) ?? '') !== '')
    })
}

/** Where steps stand: at the top, and in each group of connections. */
function groupPaths(data: unknown): Path[] {
  return [[], ...entriesOf(data, ['clients'])]
}

function entriesOf(data: unknown, path: Path): Path[] {
  const list = valueAt(data, path)
  return Array.isArray(list) ? list.map((_, index) => [...path, index]) : []
}

/** The paths of headers that log in, in the requests of plain data, as of -H: they are shown as little as keys. */
export function credentialsIn(data: unknown): Path[] {
  const steps = groupPaths(data).flatMap(group =>
    ['loop', 'mix', 'connect'].flatMap(key => entriesOf(data, [...group, key])),
  )
  return [...steps, ['heartbeat']].flatMap(step => {
    const path = [...step, 'send', 'headers']
    const headers = valueAt(data, path)
    if (!isMapping(headers)) return []
    const names = Object.keys(headers).filter(name => isCredentialHeader(name) && !isTemplate(String(headers[name])))
    return names.map(name => [...path, name])
  })
}
