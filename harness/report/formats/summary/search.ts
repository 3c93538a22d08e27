import { clip, padStart, printable } from '../../../terminal/cells.ts'
import { formatCount } from '../../../units.ts'
import { formatBound } from '../../figures.ts'
import type { ProbeRecord, Report, SearchRecord } from '../../record.ts'
import { entry, type SummaryStyle } from './layout.ts'

/** The probes of a search, and which of them the figures below are of; its result is the headline. */
export function searchLines({ search }: Report, style: SummaryStyle): string[] {
  if (search === undefined) return []
  const { highestHeld, probes } = search
  const last = probes.at(-1)?.outcome === 'cut-short' ? 'the last probe, which was cut short' : 'the last probe'
  const shown = highestHeld === undefined ? last : 'the highest rate that passed'
  return [
    ...probeTable(probes).map(({ figures, outcome, paint }) =>
      paint === undefined ? style.dim(figures.replace(/^ {8}/, '  search')) : `${figures}   ${style[paint](outcome)}`,
    ),
    ...entry('', [`figures below: ${shown}`], style),
  ]
}

/** A row of the table of probes; without a colour it is the head. */
export interface ProbeRow {
  readonly figures: string
  readonly outcome: string
  readonly paint?: 'green' | 'red' | 'yellow'
}

/** The table of the probes of a search: its head, then a row for each of at most 80 cells. */
export function probeTable(probes: readonly ProbeRecord[]): ProbeRow[] {
  const row = (cells: readonly string[]) => cells.map((cell, index) => padStart(cell, searchCells[index]!)).join('')
  const rows = probes.map(({ rate, throughput, p50, p99, lowerBounds = [], outcome, why }): ProbeRow => {
    const quantiles = [formatBound(p50, lowerBounds.includes('p50')), formatBound(p99, lowerBounds.includes('p99'))]
    const figures = row([formatCount(rate), formatCount(throughput), ...quantiles])
    return { figures, ...outcomeOf(outcome, why) }
  })
  return [{ figures: row(['rate', 'requests/s', 'p50', 'p99']), outcome: '' }, ...rows]
}

function outcomeOf(outcome: ProbeRecord['outcome'], why: readonly string[]): Pick<ProbeRow, 'outcome' | 'paint'> {
  const clipped = (text: string) => clip(printable(text), outcomeCells)
  switch (outcome) {
    case 'held':
      return { outcome: 'passed', paint: 'green' }
    case 'failed':
      return { outcome: clipped([outcome, ...why].join(', ')), paint: 'red' }
    case 'client-limited':
      return { outcome: clipped(`the client's: ${why.join(', ')}`), paint: 'yellow' }
    case 'cut-short':
      return { outcome: 'cut short', paint: 'yellow' }
  }
}

/** The result of a search in one line. A rate at which the client could not tell is no limit of the server. */
export function searchAnswer(search: SearchRecord): string {
  const { highestHeld, lowestFailed, end } = search
  const held = highestHeld === undefined ? undefined : `${formatCount(highestHeld)}/s`
  if (end === 'interrupted') return `stopped before it was found: ${knownText(search)}`
  if (end === 'client-limited') {
    return held === undefined
      ? 'the client could not tell at any rate that was tried'
      : `${held} passed; above it the client could not tell`
  }
  if (held === undefined) return 'no rate passed all limits'
  const beyond = lowestFailed === undefined ? '' : `; ${formatCount(lowestFailed)}/s failed`
  return `${held} is the highest rate that passed${beyond}`
}

/** What a search that was stopped has shown until then. */
function knownText({ highestHeld, lowestFailed, clientLimitedAt, probes }: SearchRecord): string {
  const rate = (value: number) => `${formatCount(value)}/s`
  const passed = highestHeld === undefined ? 'no rate passed' : `${rate(highestHeld)} passed`
  if (lowestFailed !== undefined) return `${passed}, ${rate(lowestFailed)} failed`
  if (clientLimitedAt !== undefined) return `${passed}, at ${rate(clientLimitedAt)} the client could not tell`
  // A rate that fails is tried once more before it counts.
  const once = probes.find(probe => probe.outcome !== 'cut-short' && probe.rate > (highestHeld ?? 0))
  if (once?.outcome === 'failed') return `${passed}, ${rate(once.rate)} failed once`
  if (once !== undefined) return `${passed}, at ${rate(once.rate)} the client could not tell`
  return highestHeld === undefined ? 'no rate was tried to the end' : `${passed}, nothing above it was tried`
}

const outcomeCells = 31
const searchCells = [13, 12, 10, 10]
