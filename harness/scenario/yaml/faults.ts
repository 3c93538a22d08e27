import type { Fault } from '../../errors.ts'
import { formatCount } from '../../units.ts'
import { type Issue, isWithin, type Path, pathKey, showPath } from '../path.ts'
import { lineFinder, type TextFault } from './document.ts'
import type { Position } from './source.ts'

/** A flag or variable that set a part of the scenario: faults within that part are shown at the flag or variable. */
export interface Origin {
  readonly path: Path
  readonly origin: string
}

/** Everything that is needed to find the place of an issue. */
export interface Places {
  /** The file as the user named it, or the URL that stands for one. */
  readonly name: string
  /** Absent where a URL stands for the file: its faults have the URL as their place. */
  readonly text?: string
  /** By `pathKey`. */
  readonly positions: ReadonlyMap<string, Position>
  readonly origins: readonly Origin[]
  readonly secrets: readonly Path[]
}

/** More faults than a screen holds help nobody. */
const faultsMax = 100

/** Issues as faults, in the order of the file; those of flags and variables last. */
export function issueFaults(issues: readonly Issue[], places: Places): Fault[] {
  const inText: TextFault[] = []
  const inFlags: Fault[] = []
  for (const issue of issues) {
    const message = describe(issue, places.secrets)
    const origin = places.origins.findLast(({ path }) => isWithin(issue.path, path))
    if (origin === undefined) inText.push({ offset: offsetOf(issue, places.positions), message })
    else inFlags.push({ place: origin.origin, message })
  }
  return bounded([...inOrder(inText, places), ...inFlags], places.name)
}

/** Faults of a text as `file:line:column`, in its order. */
export function textFaults(faults: readonly TextFault[], places: Pick<Places, 'name' | 'text'>): Fault[] {
  return bounded(inOrder(faults, places), places.name)
}

/** Faults of issues that were found by their values. A quoted value is masked if it came from the environment. */
export function lateFaults(issues: readonly Issue[], places: Places): Fault[] {
  const shown = issues.map(issue => {
    const isSecret = places.secrets.some(secret => isWithin(issue.path, secret) || isWithin(secret, issue.path))
    return isSecret ? { ...issue, message: issue.message.replaceAll(/"(?:\\.|[^"\\])*"/g, '***') } : issue
  })
  return issueFaults(shown, { ...places, secrets: [] })
}

function inOrder(faults: readonly TextFault[], { name, text }: Pick<Places, 'name' | 'text'>): Fault[] {
  const lineAndColumn = text === undefined ? undefined : lineFinder(text)
  const sorted = [...faults].sort((a, b) => a.offset - b.offset)
  return sorted.map(({ offset, message }) => {
    return { place: lineAndColumn === undefined ? name : `${name}:${lineAndColumn(offset)}`, message }
  })
}

function bounded(faults: readonly Fault[], name: string): Fault[] {
  if (faults.length <= faultsMax) return [...faults]
  const shown = faults.slice(0, faultsMax - 1)
  return [...shown, { place: name, message: `and ${formatCount(faults.length - shown.length)} more faults` }]
}

/** The offset of an issue. A value that is missing has none, so the key of the nearest value around it is taken. */
function offsetOf({ path, about, offset }: Issue, positions: ReadonlyMap<string, Position>): number {
  if (offset !== undefined) return offset
  const own = positions.get(pathKey(path))
  if (own !== undefined) return own[about]
  for (let length = path.length - 1; length >= 0; length--) {
    const above = positions.get(pathKey(path.slice(0, length)))
    if (above !== undefined) return above.key
  }
  return 0
}

function describe({ path, about, message }: Issue, secrets: readonly Path[]): string {
  const shownPath = showPath(about === 'key' ? path.slice(0, -1) : path)
  const isSecret = about === 'value' && secrets.some(secret => isWithin(path, secret) || bothInProtocol(path, secret))
  const shown = isSecret ? withoutValue(message) : message
  return shownPath === '' ? shown : `${shownPath}: ${shown}`
}

/** The protocol's own messages show what lies below the place of the fault. */
function bothInProtocol(path: Path, secret: Path): boolean {
  return path[0] === 'protocol' && secret[0] === 'protocol'
}

/** A message without the value, which came out of the environment and may be a password. */
function withoutValue(message: string): string {
  if (!message.startsWith('expected ')) return 'the value of the environment variable is not valid here'
  const [expected, got] = message.split(', got ', 2)
  return got === undefined ? message : `${expected}, got ***`
}
