import { formatRatio, formatShortCount } from '../harness/units.ts'
import { type FigureName, figureKinds, formatFigure } from './figures.ts'
import type { BenchResults, Row } from './results.ts'

const counts: readonly FigureName[] = ['requestsPerSecond', 'requestsPerCore']

/** The ratio or figure of a row as text, with the range over the rounds. */
export function formatFound({ spread, figure, theirs }: Row): string {
  if (spread === undefined) return '-'
  const format = (value: number) => (theirs === undefined ? brief(figure, value) : formatRatio(value))
  const { median, min, max } = spread
  return min === max ? format(median) : `${format(median)} (${format(min).replace(/ .*/, '')} to ${format(max)})`
}

/** The bound of a row as text: `<= 1.5`, `>= 2.5M`, or empty if it has none. */
export function formatBound({ bound, figure }: Row): string {
  if (bound === undefined) return ''
  const value = 'atMost' in bound ? bound.atMost : bound.atLeast
  // Bounds of ratios are near 1; bounds of figures are not.
  const text = value < 10 ? String(value) : brief(figure, value).replace(/\.0+(?= |$)/, '')
  return `${'atMost' in bound ? '<=' : '>='} ${text}`
}

/** The subject of a row: `epoll: client CPU per request`. */
export function formatSubject({ name, figure }: Row): string {
  return `${name}: ${figureKinds[figure].name}`
}

/** Lines about the machine and the settings of the bench. */
export function describeConditions({ machine, settings, pinned }: BenchResults): string[] {
  const memory = `${(machine.memoryBytes / 1e9).toFixed(1)} GB`
  const held =
    pinned === undefined ? 'on any core' : `clients on core ${pinned.client}, servers on core ${pinned.server}`
  return [
    `${machine.cpu}, ${machine.cores} ${machine.cores === 1 ? 'core' : 'cores'}, ${memory}`,
    `${machine.platform} ${machine.kernel}, node ${machine.node}, load average ${machine.loadAverage.join(' ')}`,
    `${settings.rounds} rounds of ${settings.seconds} s in turn, ${held}`,
  ]
}

/** The programs that were found, with their versions, and those that were not. */
export function describePrograms({ peers }: BenchResults): { found: string; absent: string } {
  const found = peers.flatMap(({ name, version }) => (version === undefined ? [] : [`${name} ${version}`]))
  const absent = peers.flatMap(({ name, version }) => (version === undefined ? [name] : []))
  return { found: found.join(', ') || 'none', absent: absent.join(', ') || 'none' }
}

function brief(figure: FigureName, value: number): string {
  return counts.includes(figure) ? formatShortCount(value) : formatFigure(figure, value)
}
