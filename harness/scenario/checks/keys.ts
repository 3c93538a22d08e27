import { isMapping, valueAt } from '../../mapping.ts'
import type { Path } from '../path.ts'

/** Where a scenario has a key, which is text whatever it looks like and is never shown; `*` is any name. */
const keyPaths: readonly Path[] = [
  ['key'],
  ['layerKey'],
  ...['key', 'layerKey', 'secret'].flatMap(name => [
    ['target', 'options', name],
    ['environments', '*', 'options', name],
  ]),
]

/** Whether a path is that of a key. */
export function isKeyPath(path: Path): boolean {
  return keyPaths.some(
    pattern => pattern.length === path.length && pattern.every((key, index) => key === '*' || key === path[index]),
  )
}

/** Paths of the keys that plain data has. */
export function keysIn(data: unknown): Path[] {
  const environments = valueAt(data, ['environments'])
  const names = isMapping(environments) ? Object.keys(environments) : []
  return keyPaths
    .flatMap(pattern =>
      pattern.includes('*') ? names.map(name => pattern.map(key => (key === '*' ? name : key))) : [pattern],
    )
    .filter(path => valueAt(data, path) !== undefined)
}
