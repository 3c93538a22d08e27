import type { Command } from 'commander'
import pc from 'picocolors'
import { compareReports } from '../compare/compare.ts'
import { type ConditionOutcome, judgeConditions, type RatioCondition, renderConditions } from '../compare/conditions.ts'
import { renderComparison } from '../compare/table.ts'
import { type ExitCode, exitCode, type Fault, UserError } from '../errors.ts'
import { InvalidValue, show } from '../invalidValue.ts'
import { wantsColors } from '../live/live.ts'
import { readReport } from '../report/save.ts'
import { lastTwoRuns, savedRun } from '../report/savedRuns.ts'
import { parseRatioCondition } from '../scenario/schema/thresholds.ts'
import { collect } from './flags.ts'
import type { CommandIo } from './io.ts'

interface CompareFlags {
  readonly failIf?: readonly string[]
  readonly json?: true
  readonly color: boolean
}

/** `volley compare`: saved runs side by side, with the first as the baseline. */
export function addCompare(program: Command, io: CommandIo, done: (code: ExitCode) => void): void {
  program
    .command('compare')
    .description('print saved runs side by side; the first is the baseline for the others')
    .argument(
      '<report...>',
      'report.json files, folders of a run, or folders of runs, of which the last run is taken; of one folder of runs the last two',
    )
    .option(
      '--fail-if <condition>',
      'exit 1 if a run compares so with the first, as in "throughput < 0.95" or "p99 > 1.2"; exit 3 if that cannot be said; may be repeated',
      collect,
    )
    .option('--json', 'print the comparison as JSON')
    .option('--no-color', 'print without colours, as with NO_COLOR')
    .action(async (paths: string[], flags: CompareFlags) => {
      const conditions = conditionsOf(flags.failIf ?? [])
      const found = paths.length === 1 ? await lastTwoRuns(paths[0]!) : await Promise.all(paths.map(savedRun))
      const reports = await Promise.all(found.map(readReport))
      const comparison = compareReports(reports, found)
      const names = comparison.runs.map(({ name }) => name)
      const outcomes = judgeConditions(conditions, reports, names)
      const colors = pc.createColors(wantsColors(io.stdout, { live: true, ...flags }, io.env))
      if (flags.json) {
        const record = conditions.length === 0 ? comparison : { ...comparison, failIf: outcomes }
        io.stdout.write(`${JSON.stringify(record, null, 2)}\n`)
      } else {
        const below = outcomes.length === 0 ? '' : `\n${renderConditions(outcomes, colors, io.stdout)}`
        io.stdout.write(`${renderComparison(comparison, colors, io.stdout)}${below}`)
      }
      done(exitCodeOf(outcomes))
    })
}

/** The conditions of the flags; a UserError with every one that is none. */
function conditionsOf(texts: readonly string[]): RatioCondition[] {
  const faults: Fault[] = []
  const conditions = texts.flatMap(text => {
    try {
      return [parseRatioCondition(text)]
    } catch (error) {
      if (!(error instanceof InvalidValue)) throw error
      const message = error.message.includes(', got ') ? error.message : `${error.message}, got ${show(text)}`
      faults.push({ place: '--fail-if', message })
      return []
    }
  })
  if (faults.length > 0) throw new UserError(faults)
  return conditions
}

function exitCodeOf(outcomes: readonly ConditionOutcome[]): ExitCode {
  if (outcomes.some(({ outcome }) => outcome === 'holds')) return exitCode.failed
  return outcomes.some(({ outcome }) => outcome === 'unknown') ? exitCode.inconclusive : exitCode.pass
}
