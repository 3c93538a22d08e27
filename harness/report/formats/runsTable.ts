import { type Colors, cellCount, clip, padEnd, padStart, printable } from '../../terminal/cells.ts'
import { formatCount } from '../../units.ts'
import { formatQuantile, paintVerdict } from '../figures.ts'
import type { Report } from '../record.ts'
import { missedCount } from '../thresholds.ts'

/** A table with one row for each of several runs; it ends with a line feed. */
export function renderRunsTable(reports: readonly Report[], colors: Colors): string {
  const names = reports.map(({ scenario }) => clip(printable(scenario.name), nameCellsMax))
  const nameCells = Math.max(cellCount('scenario'), ...names.map(cellCount))
  const cells = (texts: readonly string[]) => texts.map((text, index) => padStart(text, runsCells[index]!)).join('')
  const heads = cells(['requests/s', 'p50', 'p99', 'max', 'failed', 'limits'])
  const rows = reports.map((report, row) => {
    const { response } = report.latencyMs
    const figures = cells([
      formatCount(report.throughput.mean),
      formatQuantile(response.p50),
      formatQuantile(response.p99),
      formatQuantile(response.count > 0 ? response.max : undefined),
      formatCount(report.totals.failed),
    ])
    const limits =
      report.thresholds.length === 0 ? '-' : missedCount(report.thresholds) > 0 ? colors.red('FAIL') : 'pass'
    const mark = isCut(report) ? colors.yellow('*') : ''
    return `${padEnd(names[row]!, nameCells)}${figures}${padStart(limits, runsCells[5]!)}  ${paintVerdict(report.verdict, colors)}${mark}`
  })
  const footnote = reports.some(isCut) ? ['* interrupted, or stopped early'] : []
  return `${[colors.dim(`${padEnd('scenario', nameCells)}${heads}  verdict`), ...rows, ...footnote].join('\n')}\n`
}

const nameCellsMax = 17
const runsCells = [11, 9, 9, 9, 8, 7]

function isCut({ interrupted, error }: Report): boolean {
  return interrupted || error !== undefined
}
