import { describeRelay } from '../../relaySettings.ts'
import { type Colors, cellCount, padEnd, printable } from '../../terminal/cells.ts'
import { formatByteRate, formatCount, formatDuration, formatSetting, plural } from '../../units.ts'
import { describeLoad, describeWire, formatCores, formatMetric, formatOutcome } from '../figures.ts'
import type { Report } from '../record.ts'
import { missedCount } from '../thresholds.ts'
import { datagramLines, deliveryLines, failureLines, replyLines, requestLines } from './summary/counts.ts'
import { doubtLines, errorLines, noteLines } from './summary/findings.ts'
import { connectLines, paceLines, quantileParts, stepLines } from './summary/latency.ts'
import { entry, formatSeconds } from './summary/layout.ts'
import { searchLines } from './summary/search.ts'

/** The result of a run, readable in ten seconds on a terminal of 80 columns; it ends with a line feed. */
export function renderSummary(report: Report, reportPath: string, colors: Colors): string {
  const lines = [
    headline(report, colors),
    '',
    ...errorLines(report, colors),
    ...searchLines(report, colors),
    ...doubtLines(report, colors),
    ...entry('response', quantileParts(report.latencyMs.response), colors),
    ...paceLines(report, colors),
    ...connectLines(report, colors),
    ...stepLines(report, colors),
    ...deliveryLines(report, colors),
    ...requestLines(report, colors),
    ...failureLines(report, colors),
    ...replyLines(report, colors),
    ...datagramLines(report, colors),
    ...entry('load', loadParts(report), colors),
    ...targetLines(report, colors),
    ...processorLines(report, colors),
    ...thresholdLines(report, colors),
    ...noteLines(report, colors),
    ...entry('report', [printable(reportPath)], colors),
  ]
  return `${lines.join('\n')}\n`
}

function headline(report: Report, colors: Colors): string {
  const { scenario, window, throughput } = report
  const figure =
    window.completed === 0
      ? 'not one request completed in the measured part'
      : `${formatCount(throughput.mean)} requests/s over ${formatSeconds(window.seconds)}`
  const missed = missedCount(report.thresholds)
  const limits = missed > 0 ? `, ${colors.red(`${missed} of ${report.thresholds.length} limits FAIL`)}` : ''
  const outcome = `${formatOutcome(report, colors)}${limits}`
  return [colors.bold(printable(scenario.name)), colors.bold(figure), outcome].join('   ')
}

function loadParts({ scenario, transport, transportReason, workers, seed, window }: Report): string[] {
  const { connections, load, reconnect, wire } = scenario
  const churn = reconnect.when === 'every-request' ? ', each request on a new one' : ''
  const warmup = window.warmupSeconds > 0 ? `warm-up ${formatSetting(window.warmupSeconds * 1000)}` : 'no warm-up'
  return [
    `${describeLoad(load)}, ${plural(connections, 'connection')} x ${load.pipeline}${churn}, ${warmup}`,
    `${plural(workers, 'worker')}, ${transport}, seed ${seed}`,
    ...(wire === undefined ? [] : [describeWire(wire)]),
    ...(transportReason === undefined ? [] : [`not epoll: ${transportReason}`]),
  ]
}

function targetLines({ scenario, target }: Report, colors: Colors): string[] {
  const { relay } = scenario.target
  const protocol = [scenario.protocol.name, ...(scenario.layers ?? [])].join(' + ')
  const through = relay === undefined ? [] : describeRelay(relay).map(part => printable(part))
  const listed = through.map((part, index) => (index === through.length - 1 ? part : `${part},`))
  return [
    ...entry('target', [printable(`${protocol} over ${target}`)], colors),
    ...(relay === undefined ? [] : entry('', ['through a relay:', ...listed], colors, ' ')),
  ]
}

function processorLines({ client, server, window, totals }: Report, colors: Colors): string[] {
  const costPart = (micros: number | undefined) =>
    micros === undefined || micros === 0 ? [] : [`${formatDuration(micros / 1000)} CPU per request`]
  const line = (label: string, cores: number | undefined, micros: number | undefined, more: string[] = []) =>
    cores === undefined ? [] : entry(label, [...costPart(micros), formatCores(cores), ...more], colors, ', ')
  const seconds = window.elapsedSeconds
  const rate = (bytes: number) => formatByteRate(bytes / seconds)
  const traffic = seconds > 0 ? [`${rate(totals.bytesSent)} out, ${rate(totals.bytesReceived)} in`] : []
  const ceiling = client.ceiling === undefined ? [] : [`a null server: ${formatCount(client.ceiling.nullPerSecond)}/s`]
  return [
    ...line('server', server?.cores, server?.cpuMicrosPerRequest),
    ...line('client', client.cores, client.cpuMicrosPerRequest, [...traffic, ...ceiling]),
  ]
}

function thresholdLines({ thresholds, scenario }: Report, colors: Colors): string[] {
  const metricOf = (expression: string) =>
    scenario.thresholds.find(threshold => threshold.expression === expression)?.metric
  const actuals = thresholds.map(
    ({ expression, actual, isBound }) => `${isBound ? '> ' : ''}${formatMetric(metricOf(expression), actual)}`,
  )
  const widest = (texts: readonly string[]) => Math.max(0, ...texts.map(cellCount))
  const expressionCells = widest(thresholds.map(({ expression }) => printable(expression)))
  const actualCells = widest(actuals)
  return thresholds.flatMap(({ expression, ok }, index) => {
    const outcome = ok ? colors.green('pass') : colors.red('FAIL')
    const text = `${padEnd(printable(expression), expressionCells)}   ${padEnd(actuals[index]!, actualCells)}   ${outcome}`
    return entry(index === 0 ? 'limits' : '', [text], colors)
  })
}
