import { samplesBeyondMin } from '../../metrics/quantiles.ts'
import { failedOf, type Latency } from '../../metrics/totals.ts'
import { type Colors, cellCount, clip, padEnd, padStart, printable } from '../../terminal/cells.ts'
import { columnsOf, type TerminalSize } from '../../terminal/size.ts'
import { formatCount } from '../../units.ts'
import { formatBound, formatVerdict } from '../figures.ts'
import type { Report } from '../record.ts'
import { missedCount } from '../thresholds.ts'

/** A column of figures; a narrow terminal does without the one that can be missed most. */
interface Column {
  readonly head: string
  readonly cells: number
  readonly of: (report: Report) => string
  /** The column with the highest is left out first; without it never. */
  readonly leftOut?: number
}

const columns: readonly Column[] = [
  { head: 'requests/s', cells: 11, of: throughputOf },
  { head: 'p50', cells: 9, of: ({ latencyMs: { response } }) => quantileOf(response, 'p50'), leftOut: 2 },
  { head: 'p99', cells: 9, of: ({ latencyMs: { response } }) => quantileOf(response, 'p99'), leftOut: 1 },
  { head: 'max', cells: 9, of: ({ latencyMs: { response } }) => quantileOf(response, 'max'), leftOut: 3 },
  { head: 'failed', cells: 8, of: ({ totals }) => formatCount(failedOf(totals.failures)) },
]
const limitsCells = 7
const nameCellsMax = 17
const nameCellsMin = 8
/** The widest verdict with its mark, two blanks before it. */
const verdictCells = 11

/** A table with one row for each of several runs; it ends with a line feed. */
export function renderRunsTable(reports: readonly Report[], colors: Colors, size: TerminalSize = {}): string {
  const { shown, nameCells } = fitted(columnsOf(size), reports)
  const figures = (of: (column: Column) => string) => shown.map(column => padStart(of(column), column.cells)).join('')
  const head = `${padEnd('scenario', nameCells)}${figures(({ head }) => head)}${padStart('limits', limitsCells)}  verdict`
  const rows = reports.map(report => {
    const name = padEnd(clip(printable(report.scenario.name), nameCells), nameCells)
    const { thresholds } = report
    const limits = thresholds.length === 0 ? '-' : missedCount(thresholds) > 0 ? colors.red('FAIL') : 'pass'
    const mark = isCut(report) ? colors.yellow('*') : ''
    return `${name}${figures(({ of }) => of(report))}${padStart(limits, limitsCells)}  ${formatVerdict(report, colors)}${mark}`
  })
  const footnote = reports.some(isCut) ? ['* interrupted, or stopped early'] : []
  return `${[colors.dim(head), ...rows, ...footnote].join('\n')}\n`
}

/** The columns that a terminal has room for, and the cells that are left for names. */
function fitted(cells: number, reports: readonly Report[]): { shown: readonly Column[]; nameCells: number } {
  const longest = Math.max(...['scenario', ...reports.map(({ scenario }) => printable(scenario.name))].map(cellCount))
  const wanted = Math.min(nameCellsMax, longest)
  let shown = columns
  const room = () => cells - shown.reduce((sum, column) => sum + column.cells, limitsCells + verdictCells)
  while (room() < Math.min(wanted, nameCellsMin + 4)) {
    const [next] = shown.filter(({ leftOut }) => leftOut !== undefined).sort((a, b) => b.leftOut! - a.leftOut!)
    if (next === undefined) break
    shown = shown.filter(column => column !== next)
  }
  return { shown, nameCells: Math.max(nameCellsMin, Math.min(wanted, room())) }
}

/** A few requests have no rate. */
function throughputOf({ throughput, window: { completed } }: Report): string {
  return completed > 0 && completed < samplesBeyondMin ? '-' : formatCount(throughput.mean)
}

function quantileOf(latency: Latency, name: 'p50' | 'p99' | 'max'): string {
  return formatBound(latency.count > 0 ? latency[name] : undefined, latency.lowerBounds?.includes(name))
}

function isCut({ interrupted, error }: Report): boolean {
  return interrupted || error !== undefined
}
