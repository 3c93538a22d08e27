import { isMapping, valueAt } from '../../mapping.ts'
import type { Path } from '../path.ts'

/** The paths of keys in a scenario: a key is text even if it looks like a number, and is never shown. `*` is any name. */
const keyPaths: readonly Path[] = [
  ['key'],
  ['layerKey'],
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
