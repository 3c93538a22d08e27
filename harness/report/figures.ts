import type { Threshold } from '../scenario/scenario.ts'
import type { Colors } from '../terminal/cells.ts'
import { formatCount, formatDuration, formatPercent, formatSetting, formatShortCount, formatSize } from '../units.ts'
import type { Report, Verdict } from './record.ts'

/** A quantile to be read; one that too few samples stand behind is a dash. */
export function formatQuantile(milliseconds: number | undefined): string {
  return milliseconds === undefined ? '-' : formatDuration(milliseconds)
}

/** Cores in use to be read: `97 % of a core`. */
export function formatCores(cores: number): string {
  return `${formatCount(Math.round(cores * 100))} % of a core`
}

/** A threshold's figure in its own unit: `138k/s`, `0.12 %`, `210 us`. */
export function formatMetric(metric: Threshold['metric'] | undefined, value: number | undefined): string {
  if (value === undefined) return metric?.startsWith('p') ? 'too few samples' : 'not measured'
  if (metric === undefined) return String(value)
  if (metric === 'throughput') return `${formatShortCount(value)}/s`
  return metric === 'errors' ? formatPercent(value) : formatDuration(value)
}

/** How a run ended, in one word or two: its verdict, and whether it was cut short. */
export function formatOutcome(report: Report, colors: Colors): string {
  const cut = report.error !== undefined ? 'stopped early' : report.interrupted ? 'interrupted' : ''
  const verdict = paintVerdict(report.verdict, colors)
  return cut === '' ? verdict : `${colors.yellow(cut)}, ${verdict}`
}

/** A verdict in its colour. */
export function paintVerdict(verdict: Verdict, colors: Colors): string {
  const paint = { trusted: colors.green, suspect: colors.yellow, invalid: colors.red }[verdict]
  return paint(verdict)
}

/** `loop`, or of a plan its rate and how requests arrive. */
export function describeLoad({ mode, rate, stages, arrivals }: Report['scenario']['load']): string {
  if (mode !== 'rate') return mode === 'loop' && stages !== undefined ? 'loop in stages' : mode
  const rates = [rate, ...(stages ?? []).map(({ to }) => to)].filter(value => value !== undefined)
  const [least, most] = [Math.min(...rates), Math.max(...rates)]
  const range = least === most ? formatCount(most) : `${formatCount(least)} to ${formatCount(most)}`
  return `rate ${range}/s ${arrivals ?? ''}`.trim()
}

/** How writes are cut or glued: `requests in pieces of 3 B, 5ms apart`, `10 requests in one write`. */
export function describeWire({ split, coalesce, delay }: NonNullable<Report['scenario']['wire']>): string {
  if (coalesce !== undefined) {
    return `${coalesce} requests in one write${delay === undefined ? '' : `, held ${formatSetting(delay)} at most`}`
  }
  const pieces = split === 'random' ? 'requests cut at random' : `requests in pieces of ${formatSize(split!)}`
  return delay === undefined ? pieces : `${pieces}, ${formatSetting(delay)} apart`
}
