import { measuresNothing } from '../report/pass.ts'
import type { Report } from '../report/record.ts'
import { availabilityOf, isMet, measuredFigure } from '../report/thresholds.ts'
import { type Colors, cellCount, clipStart, padEnd, printable, wrapWords } from '../terminal/cells.ts'
import { columnsOf, type TerminalSize } from '../terminal/size.ts'
import { formatRatio } from '../units.ts'

type Threshold = Report['scenario']['thresholds'][number]

/** A condition on how a run compares with the baseline; `limit` is a ratio. */
export type RatioCondition = Pick<Threshold, 'expression' | 'metric' | 'operator' | 'limit'>

/** Whether a condition holds for a run. */
export interface ConditionOutcome {
  readonly expression: string
  /** The name of the run. */
  readonly run: string
  /** The run's figure divided by the baseline's; null where that cannot be said, and where it is beyond all numbers. */
  readonly ratio: number | null
  readonly outcome: 'holds' | 'does not hold' | 'unknown'
  /** Why it cannot be said. */
  readonly why?: string
}

/** Each condition for each run but the first, which is the baseline; `names` are those of the runs. */
export function judgeConditions(
  conditions: readonly RatioCondition[],
  reports: readonly Report[],
  names: readonly string[],
): ConditionOutcome[] {
  const [baseline, ...others] = reports
  return conditions.flatMap(condition =>
    others.map((report, index) => {
      const pair = [
        { report: baseline!, name: names[0]! },
        { report, name: names[index + 1]! },
      ] as const
      return { expression: condition.expression, run: names[index + 1]!, ...judge(condition, pair) }
    }),
  )
}

interface Side {
  readonly report: Report
  readonly name: string
}

type Judgement = Pick<ConditionOutcome, 'ratio' | 'outcome' | 'why'>

function judge({ metric, operator, limit }: RatioCondition, pair: readonly [Side, Side]): Judgement {
  const unknown = (why: string): Judgement => ({ ratio: null, outcome: 'unknown', why })
  const [a, b] = pair.map(({ report }) => rangeOf(metric, report))
  for (const { report, name } of pair) {
    if (report.verdict === 'invalid') return unknown(`${name} is invalid`)
    if (report.verdict === 'unproven') return unknown(`${name} is unproven: it was too short for a verdict`)
    if (measuresNothing(report)) return unknown(`${name} is a pass over the steps, which measures nothing`)
    if (report.error !== undefined) return unknown(`${name} stopped early`)
    if (rangeOf(metric, report) === undefined) return unknown(`${name} has no ${metric}`)
  }
  const least = ratioOf(b!.least, a!.most)
  const most = ratioOf(b!.most, a!.least)
  const shown = ratioOf(b!.least, a!.least)
  const ratio = Number.isFinite(shown) ? shown : null
  const [easiest, hardest] = operator.startsWith('<') ? [least, most] : [most, least]
  if (isMet(hardest, operator, limit)) return { ratio, outcome: 'holds' }
  if (!isMet(easiest, operator, limit)) return { ratio, outcome: 'does not hold' }
  const { name } = pair.find((_, index) => [a, b][index]!.most === Number.POSITIVE_INFINITY)!
  return { ratio, outcome: 'unknown', why: `the ${metric} of ${name} is only a lower bound` }
}

/** Between what the true figure of a run lies: of a lower bound only the least is known. */
function rangeOf(metric: Threshold['metric'], report: Report): { least: number; most: number } | undefined {
  const { actual, isBound } = measuredFigure(metric, {
    throughput: report.throughput.mean,
    availability: availabilityOf(report),
    totals: report.totals,
    response: report.latencyMs.response,
  })
  if (actual === undefined) return undefined
  return { least: actual, most: isBound ? Number.POSITIVE_INFINITY : actual }
}

/** Nothing against nothing is no change: without failures in either run, their share has not grown. */
function ratioOf(value: number, baseline: number): number {
  return value === baseline ? 1 : value / baseline
}

/** Of a text beside the figures, which wraps. */
const textCellsMin = 20
const indent = '  '
const belowIndent = '      '
const nameCellsMax = 24

/** The outcomes as lines below a comparison; it ends with a line feed. */
export function renderConditions(
  outcomes: readonly ConditionOutcome[],
  colors: Colors,
  size: TerminalSize = {},
): string {
  const columns = columnsOf(size)
  const widest = (texts: readonly string[]) => Math.max(...texts.map(cellCount))
  const names = outcomes.map(({ run }) => clipStart(printable(run), nameCellsMax))
  const hasNames = new Set(names).size > 1
  const expressions = outcomes.map(({ expression }) => printable(expression))
  const lines = outcomes.flatMap(({ ratio, outcome, why }, index) => {
    const name = hasNames ? `${padEnd(names[index]!, widest(names))}   ` : ''
    const shown = padEnd(shownRatio(ratio, outcome), 6)
    const start = `${indent}${padEnd(expressions[index]!, widest(expressions))}   ${name}${shown}   `
    const text = why === undefined ? outcome : `cannot be said: ${printable(why)}`
    const paint = outcome === 'holds' ? colors.red : outcome === 'unknown' ? colors.yellow : colors.green
    const room = columns - cellCount(start)
    if (room < textCellsMin) {
      const below = wrapWords(text, columns - cellCount(belowIndent))
      return [start.trimEnd(), ...below.map(line => belowIndent + paint(line))]
    }
    const wrapped = wrapWords(text, room)
    return wrapped.map((line, row) => (row === 0 ? start : ' '.repeat(cellCount(start))) + paint(line))
  })
  return `${colors.bold('fail if, as ratios to the first run:')}\n${lines.join('\n')}\n`
}

/** Beyond all numbers is what the baseline has nothing of. */
function shownRatio(ratio: number | null, outcome: ConditionOutcome['outcome']): string {
  if (ratio !== null) return formatRatio(ratio)
  return outcome === 'unknown' ? '-' : 'inf'
}
