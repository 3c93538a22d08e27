import { connectFailureKinds, type FailureKind, failureKinds } from '../../failures.ts'
import type { Latency } from '../../metrics/totals.ts'
import { describeRelay } from '../../relaySettings.ts'
import { type Colors, cellCount, clip, padEnd, padStart, printable, wrapWords } from '../../terminal/cells.ts'
import { formatByteRate, formatCount, formatDuration, formatPercent, formatSetting } from '../../units.ts'
import { describeLoad, describeWire, formatCores, formatMetric, formatOutcome, formatQuantile } from '../figures.ts'
import type { Finding, Report } from '../record.ts'
import { missedCount } from '../thresholds.ts'

const columns = 80
const labelCells = 13

/** What a run came to, to be read in ten seconds on a terminal of 80 columns; it ends with a line feed. */
export function renderSummary(report: Report, reportPath: string, colors: Colors): string {
  const doubts = report.findings.filter(finding => finding.severity !== 'note')
  const notes = report.findings.filter(finding => finding.severity === 'note')
  const lines = [
    headline(report, colors),
    '',
    ...errorLines(report, colors),
    ...searchLines(report, colors),
    ...doubts.flatMap(finding => findingLines(finding, colors)),
    ...entry('response', quantileParts(report.latencyMs.response), colors),
    ...paceLines(report, colors),
    ...connectLines(report, colors),
    ...stepLines(report, colors),
    ...deliveryLines(report, colors),
    ...requestLines(report, colors),
    ...failureLines(report, colors),
    ...datagramLines(report, colors),
    ...entry('load', loadParts(report), colors),
    ...targetLines(report, colors),
    ...processorLines(report, colors),
    ...thresholdLines(report, colors),
    ...notes.flatMap(({ message, hint }) => entry('note', printable(`${message}: ${hint}`).split(' '), colors, ' ')),
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

/** What a search has found, and each of its probes. */
function searchLines({ search }: Report, colors: Colors): string[] {
  if (search === undefined) return []
  const { highestHeld, lowestFailed, probes } = search
  const row = (cells: readonly string[]) => cells.map((cell, index) => padStart(cell, searchCells[index]!)).join('')
  const rows = probes.map(({ rate, throughput, p50, p99, lowerBounds = [], outcome, why }) => {
    const bound = (name: string) => (lowerBounds.includes(name) ? '> ' : '')
    const quantiles = [`${bound('p50')}${formatQuantile(p50)}`, `${bound('p99')}${formatQuantile(p99)}`]
    const figures = [formatCount(rate), formatCount(throughput), ...quantiles]
    const text = outcome === 'held' ? 'held' : printable([outcome, ...why].join(', '))
    return `${row(figures)}   ${(outcome === 'held' ? colors.green : colors.red)(clip(text, 32))}`
  })
  const beyond = lowestFailed === undefined ? '' : `; ${formatCount(lowestFailed)} is too much`
  const found =
    highestHeld === undefined
      ? 'no rate was found at which all limits hold'
      : `${formatCount(highestHeld)} requests/s is the highest rate tried at which all limits hold${beyond}`
  return [
    ...entry('search', found.split(' '), colors, ' '),
    colors.dim(row(['rate', 'requests/s', 'p50', 'p99'])),
    ...rows,
    ...entry('', [`below: ${highestHeld === undefined ? 'the last probe' : 'the highest rate that held'}`], colors),
  ]
}

const searchCells = [13, 12, 10, 10]

function errorLines({ error }: Report, colors: Colors): string[] {
  return error === undefined ? [] : flagged(`the run stopped early: ${error}`, colors.red)
}

function findingLines({ code, severity, message, hint }: Finding, colors: Colors): string[] {
  return flagged(`${code}   ${message}: ${hint}`, severity === 'invalid' ? colors.red : colors.yellow)
}

/** Text in as many lines as it needs, a mark before the first. */
function flagged(text: string, paint: (text: string) => string): string[] {
  return wrapWords(printable(text), columns - 4).map((line, index) => paint(`  ${index === 0 ? '!' : ' '} ${line}`))
}

/** A label and what belongs to it: parts three blanks apart, in as many lines as they need. */
function entry(label: string, parts: readonly string[], colors: Colors, separator = '   '): string[] {
  const lines: string[] = []
  for (const part of parts) {
    const last = lines.at(-1)
    const longer = `${last}${separator}${part}`
    if (last !== undefined && labelCells + cellCount(longer) <= columns) lines[lines.length - 1] = longer
    else lines.push(part)
  }
  const hanging = ' '.repeat(labelCells)
  return lines.map((line, index) => (index === 0 ? colors.dim(padEnd(`  ${label}`, labelCells)) : hanging) + line)
}

function quantileParts(latency: Latency): string[] {
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

/** How wide an interval is needs no second figure: `4 %`, `0.3 %`. */
function wholePercent(fraction: number): string {
  const percent = fraction * 100
  return `${percent >= 1 || percent === 0 ? Math.round(percent) : Number(percent.toPrecision(1))} %`
}

/** Mode rate: what of the response time the server had, what our own lag, and whether the plan was kept. */
function paceLines({ window, latencyMs }: Report, colors: Colors): string[] {
  const { service, clientLag, admissionWait } = latencyMs
  if (clientLag === undefined || admissionWait === undefined) return []
  const { planned = 0, sent = 0 } = window
  const waited = admissionWait.count > 0 && (admissionWait.max > 0 || sent < planned)
  return [
    ...entry('service', quantileParts(service), colors),
    ...entry('own lag', quantileParts(clientLag), colors),
    ...(waited ? entry('waiting', [...quantileParts(admissionWait), 'for a free connection'], colors) : []),
    ...entry('plan', [`${formatCount(planned)} requests, ${formatCount(sent)} of them sent`], colors),
  ]
}

/** Only where connecting is part of what was measured: reconnects, or a connection for every request. */
function connectLines({ scenario, totals, latencyMs }: Report, colors: Colors): string[] {
  const { count } = latencyMs.connect
  const churned = totals.connects > scenario.connections || scenario.reconnect.when === 'every-request'
  if (!churned || count === 0) return []
  return entry('connects', [...quantileParts(latencyMs.connect), `${formatCount(totals.connects)} opened`], colors)
}

function stepLines({ steps }: Report, colors: Colors): string[] {
  if (steps.length === 0) return []
  const names = steps.map(({ name }, index) => clip(printable(`${index + 1} ${name}`), 18))
  const row = (name: string, cells: readonly string[]) =>
    `    ${padEnd(name, 18)}${cells.map((cell, index) => padStart(cell, index === 0 ? 13 : 9)).join('')}`
  const rows = steps.map(({ response }, index) => {
    const { count, p50, p90, p99, max } = response
    const values = [p50, p90, p99, count > 0 ? max : undefined].map(formatQuantile)
    return row(names[index]!, [formatCount(count), ...values])
  })
  return [colors.dim(row('', ['replies', 'p50', 'p90', 'p99', 'max']).replace(/^ {4} {5}/, '  steps  ')), ...rows]
}

/** What came without being asked for, and whether all of it did. */
function deliveryLines({ deliveries }: Report, colors: Colors): string[] {
  if (deliveries === undefined) return []
  const { count, expected, inexact, perSecond, latencyMs } = deliveries
  const judged = count === expected ? 'all that were expected' : `${formatCount(expected)} expected`
  const about = inexact === undefined ? judged : `about ${formatCount(expected)} expected`
  return [
    ...entry('deliveries', [`${formatCount(perSecond)}/s,`, `${formatCount(count)} in all:`, about], colors, ' '),
    ...(latencyMs.count > 0 ? entry('', quantileParts(latencyMs), colors) : []),
  ]
}

function requestLines({ window, totals, server }: Report, colors: Colors): string[] {
  const { sent, completed, failed, inFlightAtEnd, handshakes, heartbeats } = totals
  const besides = [
    ...(handshakes.sent > 0 ? [`${formatCount(handshakes.sent)} handshakes`] : []),
    ...(heartbeats.sent > 0 ? [`${formatCount(heartbeats.sent)} heartbeats`] : []),
  ]
  const measured = [`${formatCount(window.completed)} completed,`, `${formatCount(window.failed)} failed`]
  const whole = [
    `${formatCount(sent)} sent =`,
    `${formatCount(completed)} completed +`,
    `${formatCount(failed)} failed +`,
    `${formatCount(inFlightAtEnd)} in flight`,
  ]
  return [
    ...entry('requests', [...measured, `in the measured ${formatSeconds(window.seconds)}`], colors, ' '),
    ...entry('whole run', whole, colors, ' '),
    ...(besides.length > 0 ? entry('', [`besides, ${besides.join(' and ')} were sent`], colors) : []),
    ...(server?.requests === undefined ? [] : serverCountLines(server.requests, totals, colors)),
  ]
}

/** The server's own count beside what it should be: no less than was answered, and no more than was sent. */
function serverCountLines(counted: number, totals: Report['totals'], colors: Colors): string[] {
  const { handshakes, heartbeats } = totals
  const answered = totals.completed + handshakes.completed + heartbeats.completed
  const sent = totals.sent + handshakes.sent + heartbeats.sent
  const range = `${formatCount(answered)} answered, ${formatCount(sent)} sent`
  const wrong = counted < answered || counted > sent
  const judged = wrong ? colors.red(`WRONG: ${range}`) : counted === sent ? 'all that was sent' : range
  return entry('', [`the server counted ${formatCount(counted)}:`, judged], colors, ' ')
}

function failureLines({ totals: { failures, late = 0 }, latencyMs: { failed } }: Report, colors: Colors): string[] {
  const count = (kind: FailureKind) => failures[kind] ?? 0
  const kinds = failureKinds.filter(kind => count(kind) > 0).sort((a, b) => count(b) - count(a))
  const list = (ofConnect: boolean) =>
    kinds
      .filter(kind => connectFailureKinds.includes(kind) === ofConnect)
      .map(kind => colors.red(`${kind} ${formatCount(count(kind))}`))
  const [requests, connects] = [list(false), list(true)]
  return [
    ...entry('failures', requests, colors),
    ...(failed === undefined ? [] : entry('failed in', quantileParts(failed), colors)),
    ...(late === 0
      ? []
      : entry('late', [`${plural(late, 'reply', 'replies')} to requests that had timed out`], colors)),
    ...(connects.length > 0 ? entry(requests.length > 0 ? '' : 'failures', ['connects:', ...connects], colors) : []),
  ]
}

/** What UDP did, in one line: of all requests that are over so many were lost. */
function datagramLines({ datagrams, totals }: Report, colors: Colors): string[] {
  if (datagrams === undefined) return []
  const { lost, duplicates, reordered } = datagrams
  const over = totals.completed + totals.failed + totals.handshakes.sent + totals.heartbeats.sent
  const share = lost > 0 ? ` (${formatPercent(lost / over)})` : ''
  const parts = [`${formatCount(lost)} lost${share},`, `${formatCount(duplicates)} duplicates,`]
  return entry('datagrams', [...parts, `${formatCount(reordered)} reordered`], colors, ' ')
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
  const spoken = [scenario.protocol.name, ...(scenario.layers ?? [])].join(' + ')
  const through = relay === undefined ? [] : describeRelay(relay).map(part => printable(part))
  const listed = through.map((part, index) => (index === through.length - 1 ? part : `${part},`))
  return [
    ...entry('target', [printable(`${spoken} over ${target}`)], colors),
    ...(relay === undefined ? [] : entry('', ['through a relay:', ...listed], colors, ' ')),
  ]
}

function plural(count: number, thing: string, things = `${thing}s`): string {
  return `${formatCount(count)} ${count === 1 ? thing : things}`
}

function processorLines({ client, server, window, totals }: Report, colors: Colors): string[] {
  const cost = (micros: number | undefined) =>
    micros === undefined || micros === 0 ? [] : [`${formatDuration(micros / 1000)} CPU per request`]
  const line = (label: string, cores: number | undefined, micros: number | undefined, more: string[] = []) =>
    cores === undefined ? [] : entry(label, [...cost(micros), formatCores(cores), ...more], colors, ', ')
  const seconds = window.elapsedSeconds
  const rate = (bytes: number) => formatByteRate(bytes / seconds)
  const traffic = seconds > 0 ? [`${rate(totals.bytesSent)} out, ${rate(totals.bytesReceived)} in`] : []
  const { ceiling } = client
  const most = ceiling === undefined ? [] : [`a null server: ${formatCount(ceiling.nullPerSecond)}/s`]
  return [
    ...line('server', server?.cores, server?.cpuMicrosPerRequest),
    ...line('client', client.cores, client.cpuMicrosPerRequest, [...traffic, ...most]),
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

function formatSeconds(seconds: number): string {
  return seconds < 100 ? `${seconds.toFixed(1)} s` : `${formatCount(seconds)} s`
}
