import type { Latency } from '../../../metrics/totals.ts'
import { cellCount, clip, padEnd, padStart, printable } from '../../../terminal/cells.ts'
import { formatCount } from '../../../units.ts'
import { formatBound, formatQuantile } from '../../figures.ts'
import type { Report } from '../../record.ts'
import { entry, type SummaryStyle } from './layout.ts'

/** Five figures of a latency: `~` marks an indication, `>` a lower bound, `±` a 95 % interval. */
export function quantileParts(latency: Latency): string[] {
  if (latency.count === 0) return ['nothing was measured']
  const { p50, p90, p99, p999, max, lowerBounds = [], indicative = [] } = latency
  const figures = { p50, p90, p99, 'p99.9': p999, max }
  return Object.entries(figures).map(([name, value]) => {
    const key = name.replace('.', '')
    const isBound = lowerBounds.includes(key)
    const halfWidth = latency.halfWidths?.[key]
    const interval = halfWidth === undefined || !value || isBound ? '' : ` ± ${wholePercent(halfWidth / value)}`
    const mark = isBound ? '> ' : indicative.includes(key) ? '~ ' : ''
    return `${name} ${mark}${formatQuantile(value)}${interval}`
  })
}

/**
 * Response times. A loop sends nothing while it waits for a reply, so that its quantiles are not those of users who
 * arrive at a rate: the line says so.
 */
export function responseLines({ latencyMs: { response }, scenario, totals }: Report, style: SummaryStyle): string[] {
  if (response.count === 0 && totals.oneWay !== undefined) {
    return entry('response', ['none is expected:', 'a request counts', 'once this machine has sent it'], style, ' ')
  }
  const isLoop = scenario.load.mode === 'loop' && response.count > 0
  return entry('response', [...quantileParts(response), ...(isLoop ? ['as the loop saw it'] : [])], style)
}

/** An interval needs one figure only: `4 %`, `0.3 %`; one that is wider than the figure itself says no more than that. */
function wholePercent(fraction: number): string {
  const percent = fraction * 100
  if (percent > 100) return '> 100 %'
  return `${percent >= 1 || percent === 0 ? Math.round(percent) : Number(percent.toPrecision(1))} %`
}

/** Mode rate: the parts of the response time, and how many planned requests were sent. */
export function paceLines({ window, latencyMs }: Report, style: SummaryStyle): string[] {
  const { service, clientLag, admissionWait } = latencyMs
  if (clientLag === undefined || admissionWait === undefined) return []
  const { planned = 0, sent = 0 } = window
  const waited = admissionWait.count > 0 && (admissionWait.max > 0 || sent < planned)
  return [
    ...entry('service', quantileParts(service), style),
    ...entry('client lag', quantileParts(clientLag), style),
    ...(waited ? entry('waiting', [...quantileParts(admissionWait), 'for a free connection'], style) : []),
    ...entry('plan', [`${formatCount(planned)} requests, ${formatCount(sent)} of them sent`], style),
  ]
}

/** Connect times, if connections were reopened during the run. */
export function connectLines({ scenario, totals, latencyMs }: Report, style: SummaryStyle): string[] {
  const { count } = latencyMs.connect
  const isReopened = totals.connects > scenario.connections || scenario.reconnect.when === 'every-request'
  if (!isReopened || count === 0) return []
  return entry('connects', [...quantileParts(latencyMs.connect), `${formatCount(totals.connects)} opened`], style)
}

/** What the name of a step takes at least of its row, and what the rest of the row takes. */
const nameCellsMin = 18
const rowCells = 4 + 13 + 4 * 9

/** One row for each step, if there are several. */
export function stepLines({ steps }: Report, style: SummaryStyle): string[] {
  if (steps.length === 0) return []
  const whole = steps.map(({ name }, index) => printable(`${index + 1} ${name}`))
  const room = Math.max(nameCellsMin, style.columns - rowCells)
  const nameCells = Math.min(room, Math.max(nameCellsMin, ...whole.map(cellCount)))
  const names = whole.map(name => clip(name, nameCells))
  const row = (name: string, cells: readonly string[]) =>
    `    ${padEnd(name, nameCells)}${cells.map((cell, index) => padStart(cell, index === 0 ? 13 : 9)).join('')}`
  const rows = steps.map(({ response, oneWay }, index) => {
    if (oneWay !== undefined) return row(names[index]!, [`${formatCount(oneWay)} sent`, '-', '-', '-', '-'])
    const { count, lowerBounds = [] } = response
    const values = (['p50', 'p90', 'p99', 'max'] as const).map(name =>
      formatBound(count > 0 ? response[name] : undefined, lowerBounds.includes(name)),
    )
    return row(names[index]!, [formatCount(count), ...values])
  })
  return [style.dim(row('', ['replies', 'p50', 'p90', 'p99', 'max']).replace(/^ {4} {5}/, '  steps  ')), ...rows]
}
