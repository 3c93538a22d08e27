import type { Command } from 'commander'
import pc from 'picocolors'
import { compareReports } from '../compare/compare.ts'
import { renderComparison } from '../compare/table.ts'
import { type ExitCode, exitCode, UserError } from '../errors.ts'
import { wantsColors } from '../live/live.ts'
import { readReport } from '../report/save.ts'
import type { CommandIo } from './io.ts'

/** `volley compare`: saved runs side by side, with the first as the baseline. */
export function addCompare(program: Command, io: CommandIo, done: (code: ExitCode) => void): void {
  program
    .command('compare')
    .description('print saved runs side by side; the first is the baseline for the others')
    .argument('<report...>', 'report.json files, or the folders that hold them')
    .option('--json', 'print the comparison as JSON')
    .option('--no-color', 'print without colours, as with NO_COLOR')
    .action(async (paths: string[], flags: { json?: true; color: boolean }) => {
      if (paths.length < 2) throw new UserError('compare needs two reports or more, got one')
      const reports = await Promise.all(paths.map(readReport))
      const comparison = compareReports(reports, paths)
      const colors = pc.createColors(wantsColors(io.stdout, { live: true, ...flags }, io.env))
      const text = flags.json ? `${JSON.stringify(comparison, null, 2)}\n` : renderComparison(comparison, colors)
      io.stdout.write(text)
      done(exitCode.pass)
    })
}
