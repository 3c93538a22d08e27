import { samplesBeyondMin } from '../../metrics/quantiles.ts'
import { describeRelay } from '../../relaySettings.ts'
import { describeSocket } from '../../socketOptions.ts'
import { type Colors, cellCount, padEnd, printable } from '../../terminal/cells.ts'
import { columnsOf, leavesScreen, type TerminalSize } from '../../terminal/size.ts'
import { formatByteRate, formatCount, formatDuration, formatSeconds, formatSetting, plural } from '../../units.ts'
import { describeEnd, describeLoad, describeWire, formatCores, formatMetric, formatOutcome } from '../figures.ts'
import { describePass, measuresNothing, passOutcome } from '../pass.ts'
import type { Report } from '../record.ts'
import { missedCount } from '../thresholds.ts'
import {
  connectionLines,
  datagramLines,
  deliveryLines,
  failureLines,
  replyLines,
  requestLines,
} from './summary/counts.ts'
import { detailLines, doubtLines, errorLines, noteLines } from './summary/findings.ts'
import { connectLines, paceLines, quantileParts, responseLines, stepLines } from './summary/latency.ts'
import { entry, type SummaryStyle, summaryStyle, wrapLine } from './summary/layout.ts'
import { searchAnswer, searchLines } from './summary/search.ts'

/** CPU time is counted in ticks, and a process has work of its own: divided by fewer requests it says nothing of them. */
const costRequestsMin = 100

/** How the summary is to be laid out. */
export interface SummaryOptions extends TerminalSize {
  /** Path of the page that explains the findings, as shown to the reader. */
  readonly docs?: string | undefined
}

/**
 * The result of a run, readable in ten seconds on a terminal of 80 columns; it ends with a line feed. A longer one
 * repeats the answer in its last line, as the first has left the screen by then.
 */
export function renderSummary(
  report: Report,
  reportPath: string,
  colors: Colors,
  options: SummaryOptions = {},
): string {
  const columns = columnsOf(options)
  const style = summaryStyle(colors, columns)
  // Where nothing was measured, what came back is what there is to say.
  const isPass = measuresNothing(report)
  const isEmpty = isPass || report.totals.completed === 0
  const cameBack = replyLines(report, style)
  const lines = [
    headline(report, style),
    '',
    ...errorLines(report, style),
    ...searchLines(report, style),
    ...doubtLines(report, style),
    ...(isEmpty ? cameBack : []),
    ...(isPass ? [] : responseLines(report, style)),
    ...paceLines(report, style),
    ...connectLines(report, style),
    ...stepLines(report, style),
    ...deliveryLines(report, style),
    ...requestLines(report, style),
    ...failureLines(report, style),
    ...connectionLines(report, style),
    ...(isEmpty ? [] : cameBack),
    ...datagramLines(report, style),
    ...entry('load', [...loadParts(report), ...sourceParts(report)], style),
    ...targetLines(report, style),
    ...(isPass ? [] : processorLines(report, style)),
    ...thresholdLines(report, style),
    ...noteLines(report, style),
    ...detailLines(report, options.docs, style),
    ...entry('report', [printable(reportPath)], style),
  ]
  const fitted = lines.flatMap(line => wrapLine(line, columns))
  const answer = leavesScreen(fitted.length, options) ? wrapLine(answerLine(report, style), columns) : []
  return `${[...fitted, ...answer].join('\n')}\n`
}

function headline(report: Report, style: SummaryStyle): string {
  const name = printable(report.scenario.name)
  return [style.bold(name), style.bold(answerOf(report)), outcomeOf(report, style)].join('   ')
}

/** Limits that were missed come first, so that the verdict is not read as the answer. */
function outcomeOf(report: Report, style: SummaryStyle): string {
  const { thresholds } = report
  // Those of a probe that was cut short are no answer of the search.
  const missed = isUnfinishedSearch(report) ? 0 : missedCount(thresholds)
  const limits = missed > 0 ? `${style.red(`limits FAIL (${missed} of ${thresholds.length})`)}, ` : ''
  return `${limits}${formatOutcome(report, style)}`
}

function isUnfinishedSearch({ search }: Report): boolean {
  return search?.end === 'interrupted' && search.highestHeld === undefined
}

/** The answer in one line: `trusted   45,698/s   p99 2.2 ms   3 of 3 limits hold`. */
function answerLine(report: Report, style: SummaryStyle): string {
  const { throughput, latencyMs, thresholds, search } = report
  const { count, p99 } = latencyMs.response
  const held = thresholds.length - missedCount(thresholds)
  const isFigure = search === undefined && passOutcome(report) === undefined && !isSparse(report)
  return [
    outcomeOf(report, style),
    isFigure ? `${formatCount(throughput.mean)}/s` : answerOf(report),
    ...(isFigure && count > 0 && p99 !== undefined ? [quantileParts(latencyMs.response)[2]!] : []),
    ...(search === undefined && thresholds.length > 0 ? [`${held} of ${thresholds.length} limits hold`] : []),
  ].join('   ')
}

/** What the run was made for: the rate that was searched, what came of a pass over the steps, else the throughput. */
function answerOf(report: Report): string {
  const { search, window, throughput } = report
  const pass = passOutcome(report)
  if (search !== undefined) return searchAnswer(search)
  if (pass !== undefined) return describePass(pass)
  const { completed, seconds } = window
  if (completed === 0) return 'not one request completed in the measured part'
  if (isSparse(report)) return `${plural(completed, 'request')} in ${formatSeconds(seconds)}`
  return `${formatCount(throughput.mean)} requests/s over ${formatSeconds(seconds)}`
}

/** A few requests have no rate. */
function isSparse({ window }: Report): boolean {
  return window.completed < samplesBeyondMin
}

function loadParts(report: Report): string[] {
  const { scenario, transport, transportReason, workers, seed, window } = report
  const { connections, load, reconnect, wire, socket = {} } = scenario
  const churn = reconnect.when === 'every-request' ? ', each request on a new one' : ''
  const warmup = window.warmupSeconds > 0 ? `warm-up ${formatSetting(window.warmupSeconds * 1000)}` : 'no warm-up'
  return [
    `${describeLoad(load)}, ${plural(connections, 'connection')} x ${load.pipeline}${churn}, ${warmup}`,
    ...describeEnd(report),
    `${plural(workers, 'worker')}, ${transport}, seed ${seed}`,
    ...(wire === undefined ? [] : [describeWire(wire)]),
    ...describeSocket(socket, report.socketBuffers),
    ...(transportReason === undefined ? [] : [`not epoll: ${transportReason}`]),
  ]
}

function targetLines({ scenario, target }: Report, style: SummaryStyle): string[] {
  const { relay } = scenario.target
  const { called } = scenario.protocol as { readonly called?: string }
  const protocol = [called ?? scenario.protocol.name, ...(scenario.layers ?? [])].join(' + ')
  const through = relay === undefined ? [] : describeRelay(relay).map(part => printable(part))
  const listed = through.map((part, index) => (index === through.length - 1 ? part : `${part},`))
  return [
    ...entry('target', [printable(`${protocol} over ${target}`)], style),
    ...(relay === undefined ? [] : entry('', ['through a relay:', ...listed], style, ' ')),
  ]
}

function processorLines({ client, server, window, totals }: Report, style: SummaryStyle): string[] {
  const costPart = (micros: number | undefined) =>
    micros === undefined || micros === 0 || window.completed < costRequestsMin
      ? []
      : [`${formatDuration(micros / 1000)} CPU/request`]
  const line = (label: string, cores: number | undefined, micros: number | undefined, more: string[] = []) =>
    cores === undefined ? [] : entry(label, [...costPart(micros), formatCores(cores), ...more], style, ', ')
  const seconds = window.elapsedSeconds
  const rate = (bytes: number) => formatByteRate(bytes / seconds)
  const traffic = seconds > 0 ? [`${rate(totals.bytesSent)} out, ${rate(totals.bytesReceived)} in`] : []
  const ceiling = client.ceiling === undefined ? [] : [`a null server: ${formatCount(client.ceiling.nullPerSecond)}/s`]
  const trial =
    client.trial === undefined
      ? []
      : [`a trial with ${client.trial.workers} workers: ${formatCount(client.trial.perSecond)}/s`]
  return [
    ...line('server', server?.cores, server?.cpuMicrosPerRequest),
    ...line('client', client.cores, client.cpuMicrosPerRequest, [...traffic, ...ceiling, ...trial]),
  ]
}

/** Addresses that the run took by itself. */
function sourceParts({ sourceAddresses: taken }: Report): string[] {
  return taken === undefined ? [] : [`from ${taken[0]}-${taken.at(-1)}, for their ports`]
}

function thresholdLines({ thresholds, scenario }: Report, style: SummaryStyle): string[] {
  const metricOf = (expression: string) =>
    scenario.thresholds.find(threshold => threshold.expression === expression)?.metric
  const actuals = thresholds.map(
    ({ expression, actual, isBound }) => `${isBound ? '> ' : ''}${formatMetric(metricOf(expression), actual)}`,
  )
  const widest = (texts: readonly string[]) => Math.max(0, ...texts.map(cellCount))
  const expressionCells = widest(thresholds.map(({ expression }) => printable(expression)))
  const actualCells = widest(actuals)
  return thresholds.flatMap(({ expression, ok }, index) => {
    const outcome = ok ? style.green('pass') : style.red('FAIL')
    const text = `${padEnd(printable(expression), expressionCells)}   ${padEnd(actuals[index]!, actualCells)}   ${outcome}`
    return entry(index === 0 ? 'limits' : '', [text], style)
  })
}
