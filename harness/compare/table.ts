import { paintVerdict } from '../report/figures.ts'
import { type Colors, cellCount, clip, clipStart, padEnd, printable, wrapWords } from '../terminal/cells.ts'
import { formatCount, formatDuration, formatPercent, formatRatio } from '../units.ts'
import type { ComparedFigure, ComparedRun, Comparison } from './compare.ts'
import type { Difference } from './settings.ts'

const columns = 80
const labelCells = 16
const runCells = 21
const valueCells = 12
const runsInBlock = Math.floor((columns - labelCells) / runCells)
const differencesMax = 24

/** Renders a comparison for a terminal of 80 columns, in blocks of three runs; it ends with a line feed. */
export function renderComparison(comparison: Comparison, colors: Colors): string {
  const { runs, warnings, differences } = comparison
  const blocks = blocksOf(runs.length).map(indexes => renderBlock(comparison, indexes, colors))
  const basis = `ratios are relative to ${printable(runs[0]?.name ?? '')}, the first run`
  const sections = [
    ...warnings.map(warning =>
      wrapped('! ', printable(warning))
        .map(line => colors.yellow(line))
        .join('\n'),
    ),
    ...(warnings.length > 0 ? [''] : []),
    blocks.map(lines => lines.join('\n')).join('\n\n'),
    '',
    colors.dim(basis),
    ...differenceLines(differences, colors),
  ]
  return `${sections.join('\n')}\n`
}

/** The runs of each block; the baseline is in every block, so that the reader need not look for it. */
function blocksOf(runs: number): number[][] {
  const others = Array.from({ length: Math.max(0, runs - 1) }, (_, index) => index + 1)
  const inBlock = runsInBlock - 1
  const blocks = Array.from({ length: Math.max(1, Math.ceil(others.length / inBlock)) }, (_, block) =>
    others.slice(block * inBlock, (block + 1) * inBlock),
  )
  return blocks.map(block => [0, ...block])
}

function renderBlock({ runs, figures }: Comparison, indexes: readonly number[], colors: Colors): string[] {
  const shown = indexes.flatMap(index => runs[index] ?? [])
  const row = (label: string, cells: readonly string[]) =>
    (colors.dim(padEnd(label, labelCells)) + cells.map(cell => padEnd(cell, runCells)).join('')).trimEnd()
  return [
    row(
      '',
      shown.map(({ name }) => colors.bold(clipStart(printable(name), runCells - 1))),
    ),
    ...figures.map(figure =>
      row(
        figure.name,
        indexes.map(index => figureCell(figure, index)),
      ),
    ),
    row(
      'verdict',
      shown.map(run => verdictCell(run, colors)),
    ),
  ]
}

function figureCell({ unit, values, ratios }: ComparedFigure, index: number): string {
  const value = values[index] ?? null
  const ratio = ratios[index] ?? null
  const text = value === null ? '-' : formatFigure(unit, value)
  if (ratio === null || unit === 'count' || unit === 'fraction') return text
  return `${padEnd(text, valueCells - 1)} ${formatRatio(ratio)}`
}

function formatFigure(unit: ComparedFigure['unit'], value: number): string {
  switch (unit) {
    case 'requests/s':
      return `${formatCount(value)}/s`
    case 'ms':
      return formatDuration(value)
    case 'us':
      return `${formatDuration(value / 1000)}/req`
    case 'count':
      return formatCount(value)
    case 'fraction':
      return formatPercent(value)
    case 'cores':
      return value.toFixed(2)
  }
}

function verdictCell({ verdict, cut }: ComparedRun, colors: Colors): string {
  return paintVerdict(verdict, colors) + (cut ? colors.yellow(', cut short') : '')
}

function differenceLines(differences: readonly Difference[], colors: Colors): string[] {
  if (differences.length === 0) return ['no setting differs: same scenario, same machine']
  const shown = differences.slice(0, differencesMax).flatMap(({ setting, values }) => {
    const [first, ...others] = values.map(value => clip(printable(value), columns - 4))
    const same = others.every(other => other === others[0])
    const against = same ? others[0]! : others.join(', ')
    return wrapped('  ', `${printable(setting)}: ${first} against ${against}`)
  })
  const left = differences.length - differencesMax
  return [colors.bold('the settings differ:'), ...shown, ...(left > 0 ? [`  and ${left} more`] : [])]
}

/** A text after a mark, in lines of at most 80 cells unless a single word is longer. */
function wrapped(mark: string, text: string): string[] {
  const indent = ' '.repeat(cellCount(mark) + 2)
  return wrapWords(text, columns - cellCount(indent)).map((line, index) => (index === 0 ? mark : indent) + line)
}
