import { formatAvailability, paintVerdict } from '../report/figures.ts'
import { type Colors, cellCount, clip, clipStart, padEnd, printable, wrapWords } from '../terminal/cells.ts'
import { columnsOf, leavesScreen, type TerminalSize } from '../terminal/size.ts'
import { formatCount, formatDuration, formatPercent, formatRatio } from '../units.ts'
import type { ComparedFigure, ComparedRun, Comparison } from './compare.ts'
import type { Difference } from './settings.ts'

const labelCells = 16
const runCells = 21
const valueCells = 12
/** The baseline and one other. */
const runsInBlockMin = 2
const columnsMin = labelCells + runsInBlockMin * runCells
const differencesMax = 24
/** Runs whose answer is repeated. */
const answersMax = 4

/**
 * Renders a comparison in blocks of as many runs as a terminal has room for, three on one of 80 columns; it ends with a line
 * feed. One that is longer than the terminal repeats the answer at its end.
 */
export function renderComparison(comparison: Comparison, colors: Colors, size: TerminalSize = {}): string {
  const { runs, warnings, differences } = comparison
  const columns = Math.max(columnsMin, columnsOf(size))
  const blocks = blocksOf(runs.length, columns).map(indexes => renderBlock(comparison, indexes, colors))
  const basis = `ratios are relative to ${printable(runs[0]?.name ?? '')}, the first run`
  const sections = [
    ...warnings.map(warning =>
      wrapped('! ', printable(warning), columns)
        .map(line => colors.yellow(line))
        .join('\n'),
    ),
    ...(warnings.length > 0 ? [''] : []),
    blocks.map(lines => lines.join('\n')).join('\n\n'),
    '',
    colors.dim(basis),
    ...differenceLines(differences, colors, columns),
  ]
  const lines = sections.join('\n').split('\n')
  const answers = leavesScreen(lines.length, size) ? answerLines(comparison, colors, columns) : []
  return `${[...lines, ...answers].join('\n')}\n`
}

/** How each run compares with the first, in a line each: `after   throughput 0.50   p99 1.20   suspect`. */
function answerLines({ runs, figures }: Comparison, colors: Colors, columns: number): string[] {
  const ratio = (name: string, run: number) => {
    const found = figures.find(figure => figure.name === name)?.ratios[run] ?? null
    return found === null ? '-' : formatRatio(found)
  }
  const lines = runs.slice(1, 1 + answersMax).flatMap((run, index) => {
    const ratios = `throughput ${ratio('throughput', index + 1)}   p99 ${ratio('response p99', index + 1)}`
    const text = `${colors.bold(clipStart(printable(run.name), runCells))}   ${ratios}   ${verdictCell(run, colors)}`
    return wrapWords(text, columns).map(line => line.trimEnd())
  })
  return [colors.dim(`as ratios to ${printable(runs[0]?.name ?? '')}:`), ...lines]
}

/** The runs of each block; the baseline is in every block, so that the reader need not look for it. */
function blocksOf(runs: number, columns: number): number[][] {
  const others = Array.from({ length: Math.max(0, runs - 1) }, (_, index) => index + 1)
  const inBlock = Math.max(runsInBlockMin, Math.floor((columns - labelCells) / runCells)) - 1
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

const withoutRatio: readonly ComparedFigure['unit'][] = ['count', 'fraction', 'availability']

function figureCell({ unit, values, lowerBounds, ratios }: ComparedFigure, index: number): string {
  const value = values[index] ?? null
  const ratio = ratios[index] ?? null
  const mark = lowerBounds?.[index] ? '> ' : ''
  const text = value === null ? '-' : `${mark}${formatFigure(unit, value)}`
  // The ratio of a lower bound, or to one, is not known.
  if (value !== null && (lowerBounds?.[index] || lowerBounds?.[0])) return `${padEnd(text, valueCells - 1)} -`
  if (ratio === null || withoutRatio.includes(unit)) return text
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
    case 'availability':
      return formatAvailability(value)
    case 'cores':
      return value.toFixed(2)
  }
}

function verdictCell({ verdict, cut }: ComparedRun, colors: Colors): string {
  return paintVerdict(verdict, colors) + (cut ? colors.yellow(', cut short') : '')
}

function differenceLines(differences: readonly Difference[], colors: Colors, columns: number): string[] {
  if (differences.length === 0) return ['no setting differs: same scenario, same machine']
  const shown = differences.slice(0, differencesMax).flatMap(({ setting, values }) => {
    const [first, ...others] = values.map(value => clip(printable(value), columns - 4))
    const same = others.every(other => other === others[0])
    const against = same ? others[0]! : others.join(', ')
    return wrapped('  ', `${printable(setting)}: ${first} against ${against}`, columns)
  })
  const left = differences.length - differencesMax
  return [colors.bold('the settings differ:'), ...shown, ...(left > 0 ? [`  and ${left} more`] : [])]
}

/** A text after a mark, in lines of at most `columns` cells unless a single word is longer. */
function wrapped(mark: string, text: string, columns: number): string[] {
  const indent = ' '.repeat(cellCount(mark) + 2)
  return wrapWords(text, columns - cellCount(indent)).map((line, index) => (index === 0 ? mark : indent) + line)
}
