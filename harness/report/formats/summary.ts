import { samplesBeyondMin } from '../../metrics/quantiles.ts'
import { describeRelay } from '../../relaySettings.ts'
import { type Colors, cellCount, padEnd, printable } from '../../terminal/cells.ts'
import { formatByteRate, formatCount, formatDuration, formatSeconds, formatSetting, plural } from '../../units.ts'
import { describeEnd, describeLoad, describeWire, formatCores, formatMetric, formatOutcome } from '../figures.ts'
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
import { doubtLines, errorLines, noteLines } from './summary/findings.ts'
import { connectLines, paceLines, quantileParts, responseLines, stepLines } from './summary/latency.ts'
import { entry, type SummaryStyle, summaryColumns, summaryStyle, wrapLine } from './summary/layout.ts'
import { searchLines } from './summary/search.ts'

/** CPU time is counted in ticks, and a process has work of its own: divided by fewer requests it says nothing of them. */
const costRequestsMin = 100

/** Lines that a terminal of 24 rows shows above its prompt. */
const screenLines = 22

/**
 * The result of a run, readable in ten seconds on a terminal of 80 columns; it ends with a line feed. A longer one
 * repeats the answer in its last line, as the first has left the screen by then.
 */
export function renderSummary(report: Report, reportPath: string, colors: Colors, columns = summaryColumns): string {
  const style = summaryStyle(colors, columns)
  // Where nothing was measured, what came back is what there is to say.
  const isEmpty = report.totals.completed === 0
  const cameBack = replyLines(report, style)
  const lines = [
    headline(report, style),
    '',
    ...errorLines(report, style),
    ...searchLines(report, style),
    ...doubtLines(report, style),
    ...(isEmpty ? cameBack : []),
    ...responseLines(report, style),
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
    ...processorLines(report, style),
    ...thresholdLines(report, style),
    ...noteLines(report, style),
    ...entry('report', [printable(reportPath)], style),
  ]
  const fitted = lines.flatMap(line => wrapLine(line, columns))
  const answer = fitted.length > screenLines ? wrapLine(answerLine(report, style), columns) : []
  return `${[...fitted, ...answer].join('\n')}\n`
}

function headline(report: Report, style: SummaryStyle): string {
  const name = printable(report.scenario.name)
  return [style.bold(name), style.bold(figureOf(report)), outcomeOf(report, style)].join('   ')
}

/** Limits that were missed come first, so that the verdict is not read as the answer. */
function outcomeOf(report: Report, style: SummaryStyle): string {
  const { thresholds } = report
  const missed = missedCount(thresholds)
  const limits = missed > 0 ? `${style.red(`limits FAIL (${missed} of ${thresholds.length})`)}, ` : ''
  return `${limits}${formatOutcome(report, style)}`
}

/** The answer in one line: `trusted   45,698/s   p99 2.2 ms   3 of 3 limits hold`. */
function answerLine(report: Report, style: SummaryStyle): string {
  const { throughput, latencyMs, thresholds } = report
  const { count, p99 } = latencyMs.response
  const held = thresholds.length - missedCount(thresholds)
  return [
    outcomeOf(report, style),
    `${formatCount(throughput.mean)}/s`,
    ...(count > 0 && p99 !== undefined ? [quantileParts(latencyMs.response)[2]!] : []),
    ...(thresholds.length > 0 ? [`${held} of ${thresholds.length} limits hold`] : []),
  ].join('   ')
}

/** The throughput, or what there is of it: a few requests have no rate. */
function figureOf({ window: { completed, seconds }, throughput }: Report): string {
  if (completed === 0) return 'not one request completed in the measured part'
  if (completed < samplesBeyondMin) return `${plural(completed, 'request')} in ${formatSeconds(seconds)}`
  return `${formatCount(throughput.mean)} requests/s over ${formatSeconds(seconds)}`
}

function loadParts(report: Report): string[] {
  const { scenario, transport, transportReason, workers, seed, window } = report
  const { connections, load, reconnect, wire } = scenario
  const churn = reconnect.when === 'every-request' ? ', each request on a new one' : ''
  const warmup = window.warmupSeconds > 0 ? `warm-up ${formatSetting(window.warmupSeconds * 1000)}` : 'no warm-up'
  return [
    `${describeLoad(load)}, ${plural(connections, 'connection')} x ${load.pipeline}${churn}, ${warmup}`,
    ...describeEnd(report),
    `${plural(workers, 'worker')}, ${transport}, seed ${seed}`,
    ...(wire === undefined ? [] : [describeWire(wire)]),
    ...(transportReason === undefined ? [] : [`not epoll: ${transportReason}`]),
  ]
}

function targetLines({ scenario, target }: Report, style: SummaryStyle): string[] {
  const { relay } = scenario.target
  const protocol = [scenario.protocol.name, ...(scenario.layers ?? [])].join(' + ')
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
