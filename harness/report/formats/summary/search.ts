import { type Colors, clip, padStart, printable } from '../../../terminal/cells.ts'
import { formatCount } from '../../../units.ts'
import { formatQuantile } from '../../figures.ts'
import type { Report } from '../../record.ts'
import { entry } from './layout.ts'

/** The result of a search for the highest rate, and each of its probes. */
export function searchLines({ search }: Report, colors: Colors): string[] {
  if (search === undefined) return []
  const { highestHeld, lowestFailed, probes } = search
  const row = (cells: readonly string[]) => cells.map((cell, index) => padStart(cell, searchCells[index]!)).join('')
  const rows = probes.map(({ rate, throughput, p50, p99, lowerBounds = [], outcome, why }) => {
    const bound = (name: string) => (lowerBounds.includes(name) ? '> ' : '')
    const quantiles = [`${bound('p50')}${formatQuantile(p50)}`, `${bound('p99')}${formatQuantile(p99)}`]
    const figures = [formatCount(rate), formatCount(throughput), ...quantiles]
    const isPassed = outcome === 'held'
    const text = isPassed ? 'passed' : printable([outcome, ...why].join(', '))
    return `${row(figures)}   ${(isPassed ? colors.green : colors.red)(clip(text, 32))}`
  })
  const beyond = lowestFailed === undefined ? '' : `; ${formatCount(lowestFailed)}/s failed`
  const found =
    highestHeld === undefined
      ? 'no rate passed all limits'
      : `the highest rate that passed all limits is ${formatCount(highestHeld)}/s${beyond}`
  return [
    ...entry('search', found.split(' '), colors, ' '),
    colors.dim(row(['rate', 'requests/s', 'p50', 'p99'])),
    ...rows,
    ...entry(
      '',
      [`figures below: ${highestHeld === undefined ? 'the last probe' : 'the highest rate that passed'}`],
      colors,
    ),
  ]
}

const searchCells = [13, 12, 10, 10]
