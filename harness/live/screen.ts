import { type FailureKind, failureKinds } from '../failures.ts'
import type { RunTitle, Snapshot } from '../metrics/snapshot.ts'
import { historyMax } from '../metrics/snapshot.ts'
import { failedOf } from '../metrics/totals.ts'
import { probeTable } from '../report/formats/summary/search.ts'
import type { RunStart, SearchProgress } from '../run/observer.ts'
import { type Colors, cellCount, padEnd, padStart, printable, wrapWords } from '../terminal/cells.ts'
import { drawBarChart, drawLineChart } from '../terminal/chart.ts'
import { largeDigits } from '../terminal/digits.ts'
import { beside, packRows, paintRow, type Row, rowCells, span } from '../terminal/row.ts'
import { formatCount, formatDuration, formatElapsed, formatSize } from '../units.ts'

/** The size of a terminal in cells. */
export interface ScreenSize {
  readonly columns: number
  readonly rows: number
}

/** What of a run stays the same while it lasts. */
export type ScreenRun = Pick<RunStart, 'title' | 'search'>

/** A part of the screen; if there are too few rows, parts with the highest rank are dropped. */
interface Part {
  readonly rank: number
  readonly rows: readonly Row[]
  /** The head of a table is shown only with room for a row under it, the next part by rank; a row only under its head. */
  readonly isHead?: boolean
  readonly under?: Part
}

const ranks = {
  figure: 0,
  totals: 1,
  failures: 2,
  latency: 3,
  title: 4,
  progress: 5,
  firstNote: 6,
  processors: 7,
  search: 8,
  chart: 9,
  /** The table of probes, its latest first. */
  probes: 10,
  moreNotes: 11,
  moreProcessors: 12,
  secondTitle: 13,
  distribution: 14,
  blank: 15,
} as const

const chartRowsMin = 3
const chartRowsMax = 18
const noteRowsMax = 6
const probeRowsMax = 6
const largeFigureRowsMin = 19
const legendCellsMin = 70
const margin = ' '

/**
 * The live view of a run, drawn into `columns - 1` cells and `rows - 1` lines, so that no line wraps and the terminal
 * does not scroll. On a small terminal the least important parts are dropped; on a large one the charts grow.
 */
export function renderScreen(
  run: ScreenRun,
  snapshot: Snapshot,
  notes: readonly string[],
  size: ScreenSize,
  colors: Colors,
): string {
  const cells = Math.max(1, size.columns - 1)
  const rowsMax = Math.max(1, size.rows - 1)
  const parts = fitted(allParts(run, snapshot, notes, { columns: cells, rows: rowsMax }, colors), rowsMax)
  const spare = rowsMax - parts.reduce((sum, part) => sum + part.rows.length, 0)
  const chartRows = Math.min(chartRowsMax, chartRowsMin + spare)
  return parts
    .flatMap(part => (part.rank === ranks.chart ? chart(snapshot, cells, chartRows, colors) : part.rows))
    .map(row => paintRow(row, cells))
    .join('\n')
}

function allParts(
  { title, search }: ScreenRun,
  snapshot: Snapshot,
  notes: readonly string[],
  size: ScreenSize,
  colors: Colors,
): Part[] {
  const cells = size.columns
  const [firstTitle, ...moreTitle] = titleRows(title, cells, colors)
  const [firstNote, ...moreNotes] = noteRows(notes, cells, colors)
  const blank = (): Part => ({ rank: ranks.blank, rows: [[]] })
  const part = (rank: number, rows: readonly Row[]): Part => ({ rank, rows })
  return [
    part(ranks.title, [firstTitle!]),
    ...moreTitle.map(row => part(ranks.secondTitle, [row])),
    part(ranks.progress, [progressRow(title, snapshot, cells, colors)]),
    blank(),
    ...figureParts(snapshot, size, colors),
    blank(),
    part(
      ranks.chart,
      Array.from({ length: chartRowsMin }, () => []),
    ),
    blank(),
    ...searchParts(search, snapshot, cells, colors),
    part(ranks.latency, latencyRows(snapshot, cells, colors)),
    part(ranks.distribution, distributionRows(snapshot, size, colors)),
    blank(),
    ...processorRows(snapshot, cells, colors).map((row, index) =>
      part(index === 0 ? ranks.processors : ranks.moreProcessors, [row]),
    ),
    ...failureRows(snapshot, cells, colors).map(row => part(ranks.failures, [row])),
    ...(firstNote ? [part(ranks.firstNote, [firstNote])] : []),
    ...moreNotes.map(row => part(ranks.moreNotes, [row])),
  ]
}

/** The parts that fit, taken by rank, and from top to bottom within a rank. */
function fitted(parts: readonly Part[], rowsMax: number): Part[] {
  const kept = new Set<Part>()
  let rows = 0
  for (const part of parts.toSorted((a, b) => a.rank - b.rank)) {
    const needed = part.rows.length + (part.isHead ? 1 : 0)
    if (part.rows.length === 0 || rows + needed > rowsMax) continue
    if (part.under !== undefined && !kept.has(part.under)) continue
    kept.add(part)
    rows += part.rows.length
  }
  return parts.filter(part => kept.has(part))
}

function titleRows(title: RunTitle, cells: number, colors: Colors): Row[] {
  const name = [span(`${margin}volley `, colors.dim), span(title.name, colors.bold)]
  const rest = [title.what, title.load, title.how].map(text => [span(text)])
  return packRows([name, ...rest], cells, 2).map((row, index) => (index === 0 ? row : [span(margin), ...row]))
}

function progressRow(title: RunTitle, snapshot: Snapshot, cells: number, colors: Colors): Row {
  const { done, warmup } = progressOf(title, snapshot)
  const legend = warmup > 0 && cells >= legendCellsMin ? `  ▒ warm-up ${formatLength(title.warmupMs)}` : ''
  const text = `${padEnd(`${snapshot.phase}  ${progressText(title, snapshot)}`, 20)}${legend}`
  const bar = Math.max(0, cells - margin.length - cellCount(text) - 2)
  const warmupCells = Math.round(bar * warmup)
  const doneCells = Math.round(bar * done)
  const doneWarmup = Math.min(doneCells, warmupCells)
  return [
    span(margin),
    { text: '▒'.repeat(doneWarmup), paint: colors.yellow },
    { text: '·'.repeat(warmupCells - doneWarmup), paint: colors.yellow },
    { text: '█'.repeat(doneCells - doneWarmup), paint: colors.green },
    { text: '░'.repeat(bar - Math.max(doneCells, warmupCells)), paint: colors.dim },
    { text: bar > 0 ? '  ' : '' },
    span(text, snapshot.phase === 'warm-up' ? colors.yellow : colors.bold),
  ]
}

/** How much of the run is done, and the warm-up's share of it; both from 0 to 1. */
function progressOf(
  { requests, warmupMs, countedMsMax }: RunTitle,
  snapshot: Snapshot,
): { done: number; warmup: number } {
  const { totalMs = countedMsMax } = snapshot
  const share = (part: number, whole: number) => (whole > 0 ? Math.min(1, Math.max(0, part / whole)) : 1)
  if (snapshot.phase === 'opening') {
    return { done: 0, warmup: totalMs === undefined ? 0 : share(warmupMs, totalMs) }
  }
  const byTime = totalMs === undefined ? 0 : share(snapshot.elapsedMs, totalMs)
  const byCount = requests === undefined ? 0 : share(snapshot.completed + snapshot.failed, requests)
  return { done: Math.max(byTime, byCount), warmup: totalMs === undefined ? 0 : share(warmupMs, totalMs) }
}

function progressText({ requests, countedMsMax }: RunTitle, snapshot: Snapshot): string {
  const { phase, elapsedMs, totalMs, connections, completed, failed, inFlight } = snapshot
  if (phase === 'opening') return `${formatCount(connections.open)} of ${formatCount(connections.wanted)} connections`
  if (phase === 'draining') return `waits for ${formatCount(inFlight)} replies`
  if (totalMs !== undefined) return `${formatElapsed(Math.min(elapsedMs, totalMs))} of ${formatLength(totalMs)}`
  if (requests !== undefined) {
    const count = `${formatCount(completed + failed)} of ${formatCount(requests)}`
    if (countedMsMax === undefined) return count
    return `${count}, ${formatElapsed(Math.min(elapsedMs, countedMsMax))} of ${formatLength(countedMsMax)}`
  }
  return formatElapsed(elapsedMs)
}

function formatLength(milliseconds: number): string {
  return milliseconds % 1000 === 0 ? formatElapsed(milliseconds) : `${formatCount(milliseconds / 1000)}s`
}

/** Requests per second and totals: large and side by side if they fit, otherwise one below the other. */
function figureParts(snapshot: Snapshot, { columns, rows }: ScreenSize, colors: Colors): Part[] {
  const figure = formatCount(snapshot.requestsPerSecond)
  const emphasis = (text: string) => colors.bold(colors.cyan(text))
  const totals = totalItems(snapshot, colors)
  const { deliveriesPerSecond } = snapshot
  const delivered = deliveriesPerSecond === undefined ? '' : `, ${formatCount(deliveriesPerSecond)} deliveries/s`
  const caption: Row = [span('  '), span(`${figure} requests/s${delivered}`, emphasis)]
  const lines = [...largeDigits(figure).map((line): Row => [{ text: `  ${line}`, paint: emphasis }]), caption]
  const column = Math.max(42, ...lines.map(line => rowCells(line) + 3))
  const table = totalsTable(totals)
  if (rows >= largeFigureRowsMin && column + Math.max(...table.map(rowCells)) <= columns) {
    return [{ rank: ranks.figure, rows: lines.map((line, index) => beside(line, table[index]!, column)) }]
  }
  return [
    { rank: ranks.figure, rows: indented([caption.slice(1)]) },
    { rank: ranks.totals, rows: indented(packRows(totals.map(labelled), columns - margin.length, 2)) },
  ]
}

interface Total {
  readonly label: string
  readonly value: string
  readonly paint?: (text: string) => string
}

function totalItems({ completed, failures, inFlight, connections }: Snapshot, colors: Colors): Total[] {
  // All kinds, as they are listed below: not only failed requests, but also connects.
  const failed = failedOf(failures)
  const open = `${formatCount(connections.open)} of ${formatCount(connections.wanted)}`
  return [
    { label: 'ok', value: formatCount(completed) },
    { label: 'failed', value: formatCount(failed), ...(failed > 0 ? { paint: colors.red } : {}) },
    { label: 'in flight', value: formatCount(inFlight) },
    { label: 'connections', value: open, ...(connections.open < connections.wanted ? { paint: colors.yellow } : {}) },
  ]
}

function labelled({ label, value, paint }: Total): Row {
  return [span(`${label} `), span(value, paint)]
}

/** One total per line, with right-aligned figures. */
function totalsTable(totals: readonly Total[]): Row[] {
  const width = Math.max(...totals.map(({ value }) => cellCount(value)))
  return totals.map(({ label, value, paint }) => [span(padEnd(label, 14), paint), span(padStart(value, width), paint)])
}

function chart({ history, elapsedMs, totalMs }: Snapshot, cells: number, rows: number, colors: Colors): Row[] {
  const seconds = totalMs === undefined ? {} : { seconds: Math.ceil(totalMs / 1000) }
  // The seconds are counted from the start until there are more of them than are kept; the reading of the last may be late.
  const lastSecond = history.length < historyMax ? history.length : Math.floor(elapsedMs / 1000)
  return drawLineChart({ values: history, lastSecond, ...seconds, columns: cells, rows }).map(line => {
    const axis = line.indexOf('┤')
    if (axis < 0) return [{ text: line, paint: colors.dim }]
    return [
      { text: line.slice(0, axis), paint: colors.dim },
      { text: line.slice(axis), paint: colors.cyan },
    ]
  })
}

/** How far a search is, and the latest of its probes that there is room for. */
function searchParts(search: SearchProgress | undefined, snapshot: Snapshot, cells: number, colors: Colors): Part[] {
  if (search === undefined) return []
  const items = searchItems(search, snapshot).map(text => [span(text)])
  const [names, ...rows] = probeTable(search.probes)
  const shown = rows.slice(-probeRowsMax)
  const head: Part = { rank: ranks.probes, rows: [[span(names!.figures, colors.dim)]], isHead: true }
  return [
    {
      rank: ranks.search,
      rows: indented(packRows([[span('search', colors.dim)], ...items], cells - margin.length, 2)),
    },
    ...(shown.length === 0 ? [] : [head]),
    ...shown.map(({ figures, outcome, paint }, index) => ({
      rank: ranks.probes + (shown.length - index) / (shown.length + 1),
      rows: [[span(figures), span(`   ${outcome}`, paint && colors[paint])]],
      under: head,
    })),
    { rank: ranks.blank, rows: [[]] },
  ]
}

/** The probe that runs, the rates between which the answer is, and how long it may take. */
function searchItems({ probe, held, failed, clientLimitedAt, left }: SearchProgress, snapshot: Snapshot): string[] {
  const rate = (value: number) => `${formatCount(value)}/s`
  const { elapsedMs, totalMs = 0 } = snapshot
  const time = (probes: number) => formatElapsed(Math.max(0, probes * totalMs - Math.min(elapsedMs, totalMs)))
  const rest =
    left !== undefined
      ? `${left.least} to ${left.most} probes to go, ${time(left.least)} to ${time(left.most)}`
      : held !== undefined
        ? 'the rate doubles until one fails'
        : failed !== undefined || clientLimitedAt !== undefined
          ? 'the rate halves until one passes'
          : 'its first rate'
  return [
    `probe ${probe}`,
    ...(held === undefined ? [] : [`${rate(held)} passed`]),
    ...(failed === undefined ? [] : [`${rate(failed)} failed`]),
    ...(clientLimitedAt === undefined ? [] : [`above ${rate(held ?? 0)} the client was at fault`]),
    rest,
  ]
}

const quantiles: readonly {
  readonly name: string
  readonly key: 'p50' | 'p90' | 'p99' | 'p999' | 'max'
  readonly narrow: boolean
}[] = [
  { name: 'p50', key: 'p50', narrow: true },
  { name: 'p90', key: 'p90', narrow: false },
  { name: 'p99', key: 'p99', narrow: true },
  { name: 'p99.9', key: 'p999', narrow: false },
  { name: 'max', key: 'max', narrow: true },
]

function latencyRows({ response, phase }: Snapshot, cells: number, colors: Colors): Row[] {
  const shown = quantiles.filter(({ narrow }) => narrow || cells >= 11 + quantiles.length * 9)
  const values = shown.map(({ key }) => {
    const value = response.count > 0 ? response[key] : undefined
    return padStart(value === undefined ? '-' : formatDuration(value), 9)
  })
  const row = [span(padEnd(' response', 11)), span(values.join(''), colors.bold)]
  const basis = span(`${formatCount(response.count)} ${phase === 'warm-up' ? 'in the warm-up' : 'replies'}`, colors.dim)
  return [
    [span(padEnd('', 11)), span(shown.map(({ name }) => padStart(name, 9)).join(''), colors.dim)],
    ...packRows([row, [basis]], cells, 1),
  ]
}

function distributionRows({ distribution }: Snapshot, { columns, rows }: ScreenSize, colors: Colors): Row[] {
  const lines = drawBarChart(distribution, columns, rows >= 36 ? 5 : 2)
  return lines.map(line => [{ text: line, paint: colors.cyan }])
}

function processorRows(snapshot: Snapshot, cells: number, colors: Colors): Row[] {
  const { clientCores, server, bytesSent, bytesReceived } = snapshot
  const cpu = (cores: number) => `${formatCount(Math.round(cores * 100))} % of a core`
  const cost = server?.cpuMicrosPerRequest
  const perRequest = cost === undefined ? '' : `, ${formatDuration(cost / 1000)}/request`
  const items = [[span('client ', colors.dim), span(cpu(clientCores))]]
  if (server) items.push([span('server ', colors.dim), span(`${cpu(server.cores)}${perRequest}`)])
  const bytes = [span(`${formatSize(bytesSent)} out, ${formatSize(bytesReceived)} in`, colors.dim)]
  const withBytes = packRows([...items, bytes], cells - margin.length, 2)
  return indented(withBytes.length === 1 ? withBytes : packRows(items, cells - margin.length, 2))
}

function failureRows({ failures }: Snapshot, cells: number, colors: Colors): Row[] {
  const count = (kind: FailureKind) => failures[kind] ?? 0
  const kinds = failureKinds.filter(kind => count(kind) > 0).sort((a, b) => count(b) - count(a))
  if (kinds.length === 0) return []
  const items = kinds.map(kind => [span(`${kind} ${formatCount(count(kind))}`, colors.red)])
  return indented(packRows([[span('failures', colors.red)], ...items], cells - margin.length, 2))
}

function noteRows(notes: readonly string[], cells: number, colors: Colors): Row[] {
  const width = cells - 3
  const lines = notes.flatMap(note =>
    wrapWords(printable(note), width).map((line, index) => (index === 0 ? ` ! ${line}` : `   ${line}`)),
  )
  return lines.slice(0, noteRowsMax).map(line => [{ text: line, paint: colors.yellow }])
}

function indented(rows: readonly Row[]): Row[] {
  return rows.map(row => [span(margin), ...row])
}
