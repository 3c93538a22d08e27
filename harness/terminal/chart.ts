import asciichart from 'asciichart'
import { formatDuration, formatShortCount } from '../units.ts'
import { padStart } from './cells.ts'

/** Figures over time, one a second, as a line chart. */
export interface LineChart {
  readonly values: readonly number[]
  /** How many seconds the whole chart spans where that is known and fits; else one column is one second. */
  readonly seconds?: number
  readonly columns: number
  /** At least 2. */
  readonly rows: number
}

const labelCells = 6

/** The lines of the chart, `rows` of them, none longer than `columns`. */
export function drawLineChart({ values, seconds, columns, rows }: LineChart): string[] {
  if (values.length === 0) return Array.from({ length: rows }, () => `${padStart('', labelCells)} ┤`)
  const points = spread(values, columns - labelCells - 3, seconds)
  const highest = Math.max(...points, 1)
  // The scale takes in a tenth of the figure at least: a line that wobbles by 1 % has to look steady.
  const lowest = Math.min(Math.min(...points), highest * 0.9)
  const step = (highest - lowest) / (rows - 1)
  // Scaled to rows beforehand, because asciichart's own scaling may come out a row higher or lower than asked for.
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

/** One value for each column: drawn out over the whole run's length where it fits, else the newest that fit. */
function spread(values: readonly number[], columns: number, seconds: number | undefined): number[] {
  if (seconds === undefined || seconds < values.length || seconds > columns) return values.slice(-columns)
  const columnsPerValue = columns / seconds
  const length = Math.max(1, Math.round(values.length * columnsPerValue))
  return Array.from({ length }, (_, column) => {
    const place = Math.min(column / columnsPerValue, values.length - 1)
    const before = values[Math.floor(place)]!
    return before + (values[Math.ceil(place)]! - before) * (place - Math.floor(place))
  })
}

const blocks = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const

/** Counts over equal logarithmic steps of time, as a picture. */
export interface Histogram {
  readonly fromMs: number
  readonly toMs: number
  readonly counts: readonly number[]
}

/** The lines of the histogram, its empty ends cut off and the span that is left written beside it; none without counts. */
export function drawHistogram({ fromMs, toMs, counts }: Histogram, columns: number, rows: number): string[] {
  const first = counts.findIndex(count => count > 0)
  if (first < 0) return []
  const last = counts.findLastIndex(count => count > 0)
  const edge = (step: number) => formatDuration(fromMs * (toMs / fromMs) ** (step / counts.length))
  const from = padStart(edge(first), 8)
  const bars = toColumns(counts.slice(first, last + 1), columns - 2 * (from.length + 1) - 1)
  const highest = Math.max(...bars)
  return Array.from({ length: rows }, (_, line) => {
    const floor = rows - 1 - line
    const picture = bars.map(count => block((count / highest) * rows - floor, count > 0 && floor === 0)).join('')
    return floor === 0 ? `${from} ${picture} ${edge(last + 1)}` : `${padStart('', from.length)} ${picture}`.trimEnd()
  })
}

/** The glyph for what stands of a bar in one line: a count that is not zero is never invisible. */
function block(height: number, visible: boolean): string {
  const eighths = Math.min(8, Math.round(height * 8))
  return eighths > 0 ? blocks[eighths - 1]! : visible ? blocks[0] : ' '
}

/** Counts drawn wider, or neighbours added up, so that they take up to `columns` columns. */
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
