import asciichart from 'asciichart'
import { formatDuration, formatElapsed, formatShortCount } from '../units.ts'
import { padStart } from './cells.ts'

/** A line chart of figures over time, one per second. */
export interface LineChart {
  readonly values: readonly number[]
  /** The second since the start at whose end the last value was measured. */
  readonly lastSecond: number
  /** The seconds that the whole chart spans, if known; without it, or if they do not fit, a column is one second. */
  readonly seconds?: number
  readonly columns: number
  /** At least 2; the last one is the time axis if there are at least `axisRowsMin`. */
  readonly rows: number
}

const labelCells = 6
/** Fewer rows are all needed for the line itself. */
const axisRowsMin = 4

/** The lines of the chart, `rows` of them, none longer than `columns`. The scale begins at zero. */
export function drawLineChart({ values, lastSecond, seconds, columns, rows }: LineChart): string[] {
  const hasAxis = rows >= axisRowsMin
  const lineRows = hasAxis ? rows - 1 : rows
  const plotColumns = columns - labelCells - 3
  const isWhole = seconds !== undefined && seconds >= lastSecond && seconds <= plotColumns
  const span = {
    from: isWhole ? 0 : Math.max(0, lastSecond - Math.min(plotColumns, values.length)),
    seconds: isWhole ? seconds : plotColumns,
    columns: plotColumns,
  }
  const lines = drawLine(toPoints(values, lastSecond, span), lineRows)
  return hasAxis ? [...lines, timeAxis(span)] : lines
}

/** The part of a run that a chart shows, and its width. */
interface Span {
  /** Seconds since the start. */
  readonly from: number
  readonly seconds: number
  readonly columns: number
}

function drawLine(points: readonly number[], rows: number): string[] {
  if (points.length === 0) return Array.from({ length: rows }, () => `${padStart('', labelCells)} ┤`)
  const step = Math.max(...points, 1) / (rows - 1)
  // Values are scaled to rows here, because asciichart's own scaling may be a row too high or too low.
  const plot = asciichart.plot(
    points.map(value => value / step),
    {
      min: 0,
      max: rows - 1,
      height: rows - 1,
      offset: 2,
      symbols: ['┤', '┤', '╶', '╴', '─', '╰', '╭', '╮', '╯', '│'],
      format: row => `${padStart(formatShortCount(row * step), labelCells)} `,
    },
  )
  return plot.split('\n').map(line => line.trimEnd())
}

/** The line under the chart: the time since the start at its beginning, middle and end. */
function timeAxis({ from, seconds, columns }: Span): string {
  const marks = [0, 0.5, 1].map(share => ({
    column: Math.round(share * columns),
    text: formatElapsed((from + share * seconds) * 1000),
  }))
  const line = Array.from({ length: columns + 1 }, () => '─')
  for (const { column, text } of marks) {
    const at = Math.max(0, Math.min(column - Math.floor(text.length / 2), columns + 1 - text.length))
    line.splice(at, text.length, ...text)
  }
  return `${padStart('', labelCells)} ${line.join('')}`
}

/**
 * Each second's value over the columns of its own second, so that an outage begins where the axis says, and a crash is a
 * step. asciichart draws the way from one point to the next in the column of the former: points lie between columns.
 */
function toPoints(values: readonly number[], lastSecond: number, { from, seconds, columns }: Span): number[] {
  if (values.length === 0) return []
  const perSecond = columns / seconds
  const first = lastSecond - values.length
  const length = Math.round((lastSecond - from) * perSecond) + 1
  return Array.from({ length }, (_, column) => {
    const second = Math.floor(from + (column - 0.5) / perSecond)
    return values[Math.max(0, Math.min(second - first, values.length - 1))]!
  })
}

const eighthBlocks = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const

/** A bar chart of counts over equal logarithmic steps of time. */
export interface BarChart {
  readonly fromMs: number
  readonly toMs: number
  readonly counts: readonly number[]
}

/** The lines of the chart, without its empty ends and labelled with the remaining range; none without counts. */
export function drawBarChart({ fromMs, toMs, counts }: BarChart, columns: number, rows: number): string[] {
  const first = counts.findIndex(count => count > 0)
  if (first < 0) return []
  const last = counts.findLastIndex(count => count > 0)
  const edge = (step: number) => formatDuration(fromMs * (toMs / fromMs) ** (step / counts.length))
  const from = padStart(edge(first), 8)
  const bars = toColumns(counts.slice(first, last + 1), columns - 2 * (from.length + 1) - 1)
  const highest = Math.max(...bars)
  return Array.from({ length: rows }, (_, line) => {
    const floor = rows - 1 - line
    const blocks = bars.map(count => block((count / highest) * rows - floor, count > 0 && floor === 0)).join('')
    return floor === 0 ? `${from} ${blocks} ${edge(last + 1)}` : `${padStart('', from.length)} ${blocks}`.trimEnd()
  })
}

/** The glyph of a bar in one line, `height` lines high from there; a `visible` bar is never blank. */
function block(height: number, visible: boolean): string {
  const eighths = Math.min(8, Math.round(height * 8))
  return eighths > 0 ? eighthBlocks[eighths - 1]! : visible ? eighthBlocks[0] : ' '
}

/** Widens bars, or adds up neighbours, to fill up to `columns` columns. */
function toColumns(counts: readonly number[], columns: number): number[] {
  if (counts.length <= columns) {
    const times = Math.floor(columns / counts.length)
    return counts.flatMap(count => Array.from({ length: times }, () => count))
  }
  const merged = Math.ceil(counts.length / columns)
  return Array.from({ length: Math.ceil(counts.length / merged) }, (_, column) =>
    counts.slice(column * merged, (column + 1) * merged).reduce((sum, count) => sum + count, 0),
  )
}
