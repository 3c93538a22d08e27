import type { Command } from 'commander'
import pc from 'picocolors'
import { type ExitCode, exitCode } from '../errors.ts'
import { wantsColors } from '../live/live.ts'
import { formats } from '../report/formats/catalog.ts'
import { readReport } from '../report/save.ts'
import { savedRun } from '../report/savedRuns.ts'
import type { CommandIo } from './io.ts'
import { layoutOf } from './layout.ts'

/** `volley report`: a saved run as it was shown at its end. */
export function addReport(program: Command, io: CommandIo, done: (code: ExitCode) => void): void {
  program
    .command('report')
    .description('show a saved run again')
    .argument('<report>', 'a report.json, the folder of a run, or a folder of runs, of which the last is shown')
    .option('--json', 'print the report instead of the summary')
    .option('--no-color', 'print without colours, as with NO_COLOR')
    .action(async (path: string, flags: { json?: true; color: boolean }) => {
      const found = await savedRun(path)
      const report = await readReport(found)
      const colors = pc.createColors(wantsColors(io.stdout, { live: true, ...flags }, io.env))
      const format = flags.json ? formats.json : formats.summary
      io.stdout.write(format.render(report, { path: found, colors, ...layoutOf(io.stdout) }))
      done(exitCode.pass)
    })
}
