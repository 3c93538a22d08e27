import asciichart from 'asciichart'
import { formatDuration, formatShortCount } from '../units.ts'
import { padStart } from './cells.ts'

/** A line chart of figures over time, one per second. */
export interface LineChart {
  readonly values: readonly number[]
  /** The seconds that the whole chart spans, if known; without it, or if they do not fit, a column is one second. */
  readonly seconds?: number
  readonly columns: number
  /** At least 2. */
  readonly rows: number
}

const labelCells = 6

/** The lines of the chart, `rows` of them, none longer than `columns`. */
export function drawLineChart({ values, seconds, columns, rows }: LineChart): string[] {
  if (values.length === 0) return Array.from({ length: rows }, () => `${padStart('', labelCells)} ┤`)
  const points = toPoints(values, columns - labelCells - 3, seconds)
  const highest = Math.max(...points, 1)
  // The scale covers at least a tenth of the figure, so that a line which varies by 1 % looks steady.
  const lowest = Math.min(Math.min(...points), highest * 0.9)
  const step = (highest - lowest) / (rows - 1)
  // Values are scaled to rows here, because asciichart's own scaling may be a row too high or too low.
  const plot = asciichart.plot(
    points.map(value => (value - lowest) / step),
    {
      min: 0,
      max: rows - 1,
      height: rows - 1,
      offset: 2,
      symbols: ['┤', '┤', '╶', '╴', '─', '╰', '╭', '╮', '╯', '│'],
      format: row => `${padStart(formatShortCount(lowest + row * step), labelCells)} `,
    },
  )
  return plot.split('\n').map(line => line.trimEnd())
}

/** One value per column: interpolated over the whole chart if `seconds` fit, otherwise the newest values that fit. */
function toPoints(values: readonly number[], columns: number, seconds: number | undefined): number[] {
  if (seconds === undefined || seconds < values.length || seconds > columns) return values.slice(-columns)
  const columnsPerValue = columns / seconds
  const length = Math.max(1, Math.round(values.length * columnsPerValue))
  return Array.from({ length }, (_, column) => {
    const place = Math.min(column / columnsPerValue, values.length - 1)
    const before = values[Math.floor(place)]!
    return before + (values[Math.ceil(place)]! - before) * (place - Math.floor(place))
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
