import { list, show } from '../../invalidValue.ts'
import { isMapping } from '../../mapping.ts'
import type { Issue, Path } from '../path.ts'

/** Values that only a later version will support, by path (`*` is any environment), and those supported now. */
const unsupportedValues: Readonly<
  Record<string, { readonly unsupported: RegExp; readonly supported: readonly string[] }>
> = {
  ...Object.fromEntries(
    ['target', 'environments.*'].flatMap(target => [
      [`${target}.address`, { unsupported: /^wss?:\/\//, supported: ['tcp://', 'udp://', 'tls://', 'unix:'] }],
    ]),
  ),
}

const depthMax = 5

/** Settings that are planned and not supported yet: they are refused by name, never ignored. */
export function unsupportedIssues(data: unknown): Issue[] {
  const issues: Issue[] = []
  visit(data, [], issues)
  return issues
}

function visit(value: unknown, path: Path, issues: Issue[]): void {
  const pattern = path.map((key, index) => (isWild(key, path[index - 1]) ? '*' : key)).join('.')
  const values = Object.hasOwn(unsupportedValues, pattern) ? unsupportedValues[pattern] : undefined
  if (values !== undefined && typeof value === 'string' && values.unsupported.test(value)) {
    const what = value.includes('://') ? value.slice(0, value.indexOf('://') + 3) : value
    const message = `${show(what)} is not in this version of volley; it has ${list(values.supported)}`
    issues.push({ path, about: 'value', message })
  }
  if (path.length === depthMax) return
  if (Array.isArray(value)) {
    value.forEach((item, index) => {
      visit(item, [...path, index], issues)
    })
  } else if (isMapping(value)) {
    for (const [key, item] of Object.entries(value)) visit(item, [...path, key], issues)
  }
}

function isWild(key: string | number, above: string | number | undefined): boolean {
  return typeof key === 'number' || above === 'environments'
}
