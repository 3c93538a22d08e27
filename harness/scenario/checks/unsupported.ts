import { list, show } from '../../invalidValue.ts'
import { isMapping } from '../../mapping.ts'
import type { Issue, Path } from '../path.ts'

/** Values that a later version takes, by the path they have with names of environments as `*`, and what there is now. */
const laterValues: Readonly<Record<string, { readonly later: RegExp; readonly now: readonly string[] }>> = {
  ...Object.fromEntries(
    ['target', 'environments.*'].flatMap(target => [
      [`${target}.address`, { later: /^wss?:\/\//, now: ['tcp://', 'udp://', 'tls://', 'unix:'] }],
    ]),
  ),
}

const depthMax = 5

/** What a scenario asks for that the design has and this version has not: refused by name, never passed over. */
export function laterIssues(data: unknown): Issue[] {
  const issues: Issue[] = []
  visit(data, [], issues)
  return issues
}

function visit(value: unknown, path: Path, issues: Issue[]): void {
  const pattern = path.map((key, index) => (isWild(key, path[index - 1]) ? '*' : key)).join('.')
  const values = Object.hasOwn(laterValues, pattern) ? laterValues[pattern] : undefined
  if (values !== undefined && typeof value === 'string' && values.later.test(value)) {
    const what = value.includes('://') ? value.slice(0, value.indexOf('://') + 3) : value
    const message = `${show(what)} is not in this version of volley; it has ${list(values.now)}`
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
