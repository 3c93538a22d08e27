import { type Colors, cellCount, clip, padEnd, padStart, printable, wrapWords } from '../terminal/cells.ts'
import { columnsOf, type TerminalSize } from '../terminal/size.ts'
import { formatCount, formatSize } from '../units.ts'
import type { TrialResult, TrialVerdict } from './result.ts'

/** In less room every word would be cut. */
const columnsMin = 60
const nameCells = 19
const verdictCells = 7
const memoryCells = 9

/** What the head of the table says. */
export interface TortureTitle {
  /** The protocol with its settings, as text. */
  readonly protocol: string
  readonly target: string
  readonly requestBytes: number
  readonly timeout: string
  readonly seed: number
  /** The process whose memory is watched, as text; undefined if none is. */
  readonly watched?: string | undefined
}

/** The head of the table, ending with a line feed. */
export function renderTitle(title: TortureTitle, colors: Colors, size: TerminalSize = {}): string {
  const { protocol, target, requestBytes, timeout, seed, watched } = title
  const lines = [
    `a valid request of ${formatSize(requestBytes)}, timeout ${timeout}, seed ${seed}`,
    watched === undefined ? 'memory is not watched: the pid is not known (--pid)' : `memory of ${watched} is watched`,
  ].map(line => colors.dim(`  ${line}`))
  const head = clip(printable(`torture   ${protocol} over ${target}`), widthOf(size))
  return `${[colors.bold(head), ...lines, ''].join('\n')}\n`
}

/** The lines of one trial, ending with a line feed. */
export function renderTrial(result: TrialResult, isWatched: boolean, colors: Colors, size: TerminalSize = {}): string {
  const { name, verdict, detail, does, memoryRoseBytes } = result
  const rose = memoryRoseBytes === undefined ? '' : `+${formatSize(memoryRoseBytes)}`
  const figures = [
    padEnd(verdict === 'fail' ? 'FAIL' : verdict, verdictCells),
    isWatched ? ` ${padStart(rose, memoryCells)}` : '',
    '  ',
  ]
  const prefix = `  ${padEnd(name, nameCells)}`
  const hanging = cellCount(prefix + figures.join(''))
  const cells = widthOf(size) - hanging
  const details = textLines(detail, cells)
  const [first = '', ...others] = verdict === 'fail' ? [...details, ...textLines(`(${does})`, cells)] : details
  const painted = [paint(verdict, colors)(figures[0]!), ...figures.slice(1)].join('')
  const lines = [`${prefix}${painted}${first}`, ...others.map(line => ' '.repeat(hanging) + line)]
  return `${lines.join('\n')}\n`
}

/** The counts of all verdicts in one line, ending with a line feed. */
export function renderOutcome(results: readonly TrialResult[], interrupted: boolean, colors: Colors): string {
  const count = (wanted: TrialVerdict) => results.filter(({ verdict }) => verdict === wanted).length
  const [passed, failed, skipped] = [count('pass'), count('fail'), count('skipped')]
  const parts = [
    colors.green(`${formatCount(passed)} pass`),
    ...(failed > 0 ? [colors.red(`${formatCount(failed)} FAIL`)] : []),
    ...(skipped > 0 ? [`${formatCount(skipped)} skipped`] : []),
    ...(interrupted ? [colors.yellow('interrupted')] : []),
  ]
  return `\n${parts.join(', ')}\n`
}

function widthOf(size: TerminalSize): number {
  return Math.max(columnsMin, columnsOf(size))
}

/** Text from a server in lines of at most `cells` cells; a longer word is cut. */
function textLines(text: string, cells: number): string[] {
  const words = printable(text)
    .split(' ')
    .flatMap(word => pieces(word, cells))
  return wrapWords(words.join(' '), cells)
}

function pieces(word: string, cells: number): string[] {
  const rest = [...word]
  const parts: string[] = []
  while (rest.length > cells) parts.push(rest.splice(0, cells).join(''))
  return [...parts, rest.join('')]
}

function paint(verdict: TrialVerdict, colors: Colors): (text: string) => string {
  return { pass: colors.green, fail: colors.red, skipped: colors.dim }[verdict]
}
