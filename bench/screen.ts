import { padEnd, padStart, wrapWords } from '../harness/terminal/cells.ts'
import { type FigureName, figureKinds, formatFigure } from './figures.ts'
import type { BenchResults, GoalRecord, Group, Row, SideRecord, Verdict } from './results.ts'
import { describeConditions, describePrograms, formatBound, formatFound } from './resultText.ts'

const width = 80
const sideCells = 26
const columnCells = 12
const subjectCells = 27
const foundCells = 26
const boundCells = 11
const alwaysShown: readonly FigureName[] = ['requestsPerSecond', 'cpuMicros', 'rssBytes']

/** Marks that make missed goals easy to find. */
const marks: Readonly<Record<Verdict, string>> = { met: '+', missed: '!', 'not measured': '?', 'for comparison': ' ' }

/** All results as text of at most 80 columns. */
export function renderResults(results: BenchResults): string {
  const { found, absent } = describePrograms(results)
  const head = [
    `volley ${results.volley} compared with other programs, ${results.startedAt}`,
    ...describeConditions(results),
    `found: ${found}`,
    `not installed: ${absent}`,
    'figures are medians over the rounds; a ratio (x) is the median of the ratios round by round (with its range)',
  ]
  return [...head.flatMap(line => wrapWords(line, width)), ...results.goals.flatMap(renderGoal), ''].join('\n')
}

function renderGoal(goal: GoalRecord): string[] {
  const { id, title, groups, rows, notes } = goal
  return [
    '',
    ...wrapWords(`${id}  ${title}`, width),
    ...groups.flatMap(group => renderGroup(group, columnsOf(group, rows))),
    ...rows.flatMap((row, at) => renderRow(row, rows[at + 1])),
    ...notes.flatMap(note => wrapped(note, 4)),
  ]
}

/** The judged figures, and those that are always shown. */
function columnsOf({ sides }: Group, rows: readonly Row[]): FigureName[] {
  const judged = rows.map(row => row.figure)
  return (Object.keys(figureKinds) as FigureName[]).filter(
    name =>
      (alwaysShown.includes(name) || judged.includes(name)) && sides.some(side => side.medians[name] !== undefined),
  )
}

function renderGroup({ name, sides }: Group, columns: readonly FigureName[]): string[] {
  const headings = columns.map(column => padStart(figureKinds[column].heading, columnCells)).join('')
  const isLong = name.length >= sideCells
  return [
    ...(isLong ? wrapped(name, 4) : []),
    `    ${padEnd(isLong ? '' : name, sideCells)}${headings}`.trimEnd(),
    ...sides.flatMap(side => renderSide(side, columns)),
  ]
}

function renderSide({ name, medians, rounds }: SideRecord, columns: readonly FigureName[]): string[] {
  const cells = columns.map(column => {
    const value = medians[column]
    return padStart(value === undefined ? '-' : formatFigure(column, value), columnCells)
  })
  const errors = rounds.flatMap(({ error }) => (error === undefined ? [] : [error]))
  const failed = `failed in ${errors.length} of ${rounds.length} rounds: ${errors[0]}`
  return [
    `      ${padEnd(name, sideCells - 2)}${cells.join('')}`.trimEnd(),
    ...(errors.length === 0 ? [] : wrapped(failed, 8)),
  ]
}

/** The line of a row; a reason that the next row shares is printed once. */
function renderRow(row: Row, next: Row | undefined): string[] {
  const { name, figure, verdict, reason, theirs, spread } = row
  const found = spread === undefined ? '' : theirs === undefined ? formatFound(row) : `x ${formatFound(row)}`
  const line = [
    padEnd(`  ${marks[verdict]} ${name}, ${figureKinds[figure].heading}`, subjectCells),
    padEnd(found, foundCells),
    padEnd(formatBound(row), boundCells),
    verdict === 'for comparison' ? '' : verdict,
  ]
  return [line.join(' ').trimEnd(), ...(reason === undefined || reason === next?.reason ? [] : wrapped(reason, 6))]
}

function wrapped(text: string, cells: number): string[] {
  return wrapWords(text, width - cells).map(line => ' '.repeat(cells) + line)
}
