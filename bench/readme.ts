import { wrapWords } from '../harness/terminal/cells.ts'
import { formatFigure } from './figures.ts'
import type { BenchResults, Row } from './results.ts'
import { describeConditions, describePrograms, formatBound, formatFound, formatSubject } from './resultText.ts'

const width = 120
const begin = '<!-- bench:begin -->'
const end = '<!-- bench:end -->'

/** The results for the README: a table of the goals, then when, where and with which programs they were measured. */
export function renderTable(results: BenchResults): string {
  // Rows without a bound are only in the results file.
  const rows = results.goals.flatMap(({ id, title, rows }) =>
    rows.filter(row => row.bound !== undefined).map((row, at) => cells(at === 0 ? id : '', at === 0 ? title : '', row)),
  )
  const { found, absent } = describePrograms(results)
  const conditions = describeConditions(results).join('; ')
  return [
    line(['', 'goal', 'figure', 'Volley', 'compared with', 'ratio', 'bound', 'verdict']),
    line(Array.from({ length: 8 }, () => '---')),
    ...rows.map(line),
    '',
    ...wrapWords(
      `Measured on ${results.startedAt.slice(0, 10)} with volley ${results.volley}: ${conditions}. Other programs: ${found} ` +
        `(not installed: ${absent}). Figures are medians over the rounds; a ratio is the median of the ratios round by round, ` +
        'with its range in parentheses.',
      width,
    ),
  ].join('\n')
}

/** A README's text with the table between its markers; undefined if it has no markers. */
export function withTable(readme: string, table: string): string | undefined {
  const from = readme.indexOf(begin)
  const to = readme.indexOf(end)
  if (from < 0 || to < from) return undefined
  return `${readme.slice(0, from + begin.length)}\n${table}\n${readme.slice(to)}`
}

/** The text between the markers; undefined if there are none. */
export function tableIn(readme: string): string | undefined {
  const from = readme.indexOf(begin)
  const to = readme.indexOf(end)
  return from < 0 || to < from ? undefined : readme.slice(from + begin.length, to).trim()
}

function cells(id: string, title: string, row: Row): string[] {
  const { figure, ours, theirs, verdict, reason } = row
  const isRatio = theirs !== undefined
  return [
    id,
    title,
    formatSubject(row),
    ours === undefined ? '' : isRatio ? formatFigure(figure, ours.value) : formatFound(row),
    isRatio ? `${theirs.side}: ${formatFigure(figure, theirs.value)}` : '',
    isRatio ? formatFound(row) : '',
    formatBound(row),
    reason === undefined ? verdict : `${verdict}: ${reason}`,
  ]
}

function line(row: readonly string[]): string {
  return `| ${row.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
}
