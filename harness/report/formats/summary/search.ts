import { type Colors, clip, padStart, printable } from '../../../terminal/cells.ts'
import { formatCount } from '../../../units.ts'
import { formatQuantile } from '../../figures.ts'
import type { ProbeRecord, Report, SearchRecord } from '../../record.ts'
import { entry } from './layout.ts'

/** The result of a search for the highest rate, and each of its probes. */
export function searchLines({ search }: Report, colors: Colors): string[] {
  if (search === undefined) return []
  const { highestHeld, probes } = search
  const row = (cells: readonly string[]) => cells.map((cell, index) => padStart(cell, searchCells[index]!)).join('')
  const rows = probes.map(({ rate, throughput, p50, p99, lowerBounds = [], outcome, why }) => {
    const bound = (name: string) => (lowerBounds.includes(name) ? '> ' : '')
    const quantiles = [`${bound('p50')}${formatQuantile(p50)}`, `${bound('p99')}${formatQuantile(p99)}`]
    const figures = [formatCount(rate), formatCount(throughput), ...quantiles]
    return `${row(figures)}   ${outcomeText(outcome, why, colors)}`
  })
  return [
    ...entry('search', foundText(search).split(' '), colors, ' '),
    colors.dim(row(['rate', 'requests/s', 'p50', 'p99'])),
    ...rows,
    ...entry(
      '',
      [`figures below: ${highestHeld === undefined ? 'the last probe' : 'the highest rate that passed'}`],
      colors,
    ),
  ]
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

function outcomeText(outcome: ProbeRecord['outcome'], why: readonly string[], colors: Colors): string {
  switch (outcome) {
    case 'held':
      return colors.green('passed')
    case 'failed':
      return colors.red(clip(printable([outcome, ...why].join(', ')), outcomeCells))
    case 'client-limited':
      return colors.yellow(clip(printable(`the client's: ${why.join(', ')}`), outcomeCells))
  }
}

const outcomeCells = 32
const searchCells = [13, 12, 10, 10]
