import { clip, padStart, printable } from '../../../terminal/cells.ts'
import { formatCount } from '../../../units.ts'
import { formatQuantile } from '../../figures.ts'
import type { ProbeRecord, Report, SearchRecord } from '../../record.ts'
import { entry, type SummaryStyle } from './layout.ts'

/** The result of a search for the highest rate, and each of its probes. */
export function searchLines({ search }: Report, style: SummaryStyle): string[] {
  if (search === undefined) return []
  const { highestHeld, probes } = search
  return [
    ...entry('search', foundText(search).split(' '), style, ' '),
    ...probeTable(probes).map(({ figures, outcome, paint }) =>
      paint === undefined ? style.dim(figures) : `${figures}   ${style[paint](outcome)}`,
    ),
    ...entry(
      '',
      [`figures below: ${highestHeld === undefined ? 'the last probe' : 'the highest rate that passed'}`],
      style,
    ),
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
    const bound = (name: string) => (lowerBounds.includes(name) ? '> ' : '')
    const quantiles = [`${bound('p50')}${formatQuantile(p50)}`, `${bound('p99')}${formatQuantile(p99)}`]
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
  }
}

/** A rate that the client could not tell is no limit of the server. */
function foundText({ highestHeld, lowestFailed, end }: SearchRecord): string {
  const held = highestHeld === undefined ? undefined : `${formatCount(highestHeld)}/s`
  if (end === 'client-limited') {
    return held === undefined
      ? 'the client could not tell at any rate that was tried'
      : `the client could not tell above ${held}, which passed all limits`
  }
  if (held === undefined) return 'no rate passed all limits'
  const beyond = lowestFailed === undefined ? '' : `; ${formatCount(lowestFailed)}/s failed`
  return `the highest rate that passed all limits is ${held}${beyond}`
}

const outcomeCells = 31
const searchCells = [13, 12, 10, 10]
