import { speakingConnections } from '../scenario/clients.ts'
import { limits, type Threshold } from '../scenario/scenario.ts'
import type { Colors } from '../terminal/cells.ts'
import {
  formatCount,
  formatDuration,
  formatPercent,
  formatSetting,
  formatShortCount,
  formatSize,
  plural,
} from '../units.ts'
import { measuresNothing, passOutcome } from './pass.ts'
import type { Report, Verdict } from './record.ts'

/** A quantile for a table; a dash when there are too few samples. */
export function formatQuantile(milliseconds: number | undefined): string {
  return milliseconds === undefined ? '-' : formatDuration(milliseconds)
}

/** The same, with a mark for a lower bound: requests without a reply may have taken any time. */
export function formatBound(milliseconds: number | undefined, isBound = false): string {
  return `${isBound && milliseconds !== undefined ? '> ' : ''}${formatQuantile(milliseconds)}`
}

/** Cores in use: `97 % of a core`. */
export function formatCores(cores: number): string {
  return `${formatCount(Math.round(cores * 100))} % of a core`
}

/** A figure in the unit of its threshold: `138k/s`, `0.12 %`, `210 us`. */
export function formatMetric(metric: Threshold['metric'] | undefined, value: number | undefined): string {
  if (value === undefined) return metric?.startsWith('p') ? 'too few samples' : 'not measured'
  if (metric === undefined) return String(value)
  if (metric === 'throughput') return `${formatShortCount(value)}/s`
  if (metric === 'availability') return formatAvailability(value)
  return metric === 'errors' ? formatPercent(value) : formatDuration(value)
}

/** The share of the connection time in which connections could be used: `37.4 %`, `99.987 %`, never rounded up to all of it. */
export function formatAvailability(share: number): string {
  const perPercent = share < 0.99 ? 10 : 1000
  return `${Math.floor(share * 100 * perPercent) / perPercent} %`
}

/** The verdict of a run, and whether it was cut short: `trusted`, `interrupted, suspect`. */
export function formatOutcome(report: Report, colors: Colors): string {
  const cut = report.error !== undefined ? 'stopped early' : report.interrupted ? 'interrupted' : ''
  const verdict = formatVerdict(report, colors)
  return cut === '' ? verdict : `${colors.yellow(cut)}, ${verdict}`
}

/** The verdict of a run in its colour; a pass over the steps passes or fails, and few requests have no figures to trust. */
export function formatVerdict(report: Report, colors: Colors): string {
  const pass = passOutcome(report)
  if (pass === undefined) return paintVerdict(report.verdict, colors)
  const outcome = pass.isAsExpected ? colors.green('pass') : colors.red('FAIL')
  return report.verdict === 'trusted' && measuresNothing(report)
    ? outcome
    : `${outcome}, ${paintVerdict(report.verdict, colors)}`
}

/** The colour of a verdict, and of findings that lead to it. */
export function verdictPaint(verdict: Verdict, colors: Colors): (text: string) => string {
  return { trusted: colors.green, unproven: colors.cyan, suspect: colors.yellow, invalid: colors.red }[verdict]
}

/** A verdict in its colour. */
export function paintVerdict(verdict: Verdict, colors: Colors): string {
  return verdictPaint(verdict, colors)(verdict)
}

/** The mode, and in mode rate the rates and arrivals: `loop`, `rate 500/s poisson`. */
export function describeLoad({ mode, rate, stages, arrivals }: Report['scenario']['load']): string {
  if (mode !== 'rate') return mode === 'loop' && stages !== undefined ? 'loop in stages' : mode
  const rates = [rate, ...(stages ?? []).map(({ to }) => to)].filter(value => value !== undefined)
  const [least, most] = [Math.min(...rates), Math.max(...rates)]
  const range = least === most ? formatCount(most) : `${formatCount(least)} to ${formatCount(most)}`
  return `rate ${range}/s ${arrivals ?? ''}`.trim()
}

/** The connections, and requests in flight on each: `10 connections x 4`, `10 connections x 4, 100 that listen`. */
export function describeConnections(scenario: Pick<Report['scenario'], 'connections' | 'clients' | 'load'>): string {
  const { connections, load } = scenario
  // A number that came out of the environment is hidden.
  if (typeof connections !== 'number') return `${connections} connections x ${load.pipeline}`
  const speaking = speakingConnections(scenario)
  if (Number.isNaN(speaking)) return `${plural(connections, 'connection')} x ${load.pipeline}`
  const listening = connections - speaking
  const others = listening === 0 ? '' : `, ${formatCount(listening)} that ${listening === 1 ? 'listens' : 'listen'}`
  return `${plural(speaking, 'connection')} x ${load.pipeline}${others}`
}

/** What ends a run first where both a number of requests and a time are set: `until 1,000 requests or 5s`. */
export function describeLimits({ requests, duration, load }: Report['scenario']): string | undefined {
  // Either may be hidden, as it came out of the environment.
  if (typeof requests !== 'number' || typeof duration !== 'number' || duration === limits.countedDurationMs)
    return undefined
  return load.mode === 'search' ? undefined : `until ${plural(requests, 'request')} or ${formatSetting(duration)}`
}

/** What has ended a run, where a number of requests and a time are set or the time came before the requests; in parts. */
export function describeEnd({ scenario, totals, window, interrupted, error }: Report): string[] {
  const { requests } = scenario
  if (typeof requests !== 'number' || interrupted || error !== undefined) return []
  const limits = describeLimits(scenario)
  const isComplete = totals.sent >= requests
  if (isComplete) return limits === undefined ? [] : [`${limits}: ended by its requests`]
  const elapsed = formatSetting(Math.round(window.elapsedSeconds * 1000))
  return [
    `${limits ?? `until ${plural(requests, 'request')}`}:`,
    `ended after ${elapsed}, ${formatCount(totals.sent)} sent`,
  ]
}

/** How requests are split or coalesced: `requests in pieces of 3 B, 5ms apart`, `10 requests in one write`. */
export function describeWire({ split, coalesce, delay }: NonNullable<Report['scenario']['wire']>): string {
  if (coalesce !== undefined) {
    return `${coalesce} requests in one write${delay === undefined ? '' : `, after ${formatSetting(delay)} at most`}`
  }
  const pieces = split === 'random' ? 'requests cut at random' : `requests in pieces of ${formatSize(split!)}`
  return delay === undefined ? pieces : `${pieces}, ${formatSetting(delay)} apart`
}
