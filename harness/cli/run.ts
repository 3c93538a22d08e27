import type { Command } from 'commander'
import pc from 'picocolors'
import {
  exitCodeOf,
  type LoadedScenario,
  type Override,
  openFolder,
  openReportFolder,
  type Prepared,
  prepare,
  type Report,
  reportPath,
  run,
  UnsavedReport,
} from '../api.ts'
import { compareReports } from '../compare/compare.ts'
import { renderComparison } from '../compare/table.ts'
import { type ExitCode, exitCode, type Fault, UserError } from '../errors.ts'
import { createLive, liveMode, wantsColors } from '../live/live.ts'
import { formats } from '../report/formats/catalog.ts'
import { renderRunsTable } from '../report/formats/runsTable.ts'
import { cacheFolderOf } from '../run/ceilingCache.ts'
import { onePass } from '../run/onePass.ts'
import type { Colors } from '../terminal/cells.ts'
import type { TerminalSize } from '../terminal/size.ts'
import { printThrown } from './errors.ts'
import { addSettings, overridesOf } from './flags.ts'
import type { CommandIo } from './io.ts'
import { layoutOf } from './layout.ts'
import { addRequestFlags, type RequestFlags, requestOverrides } from './request.ts'
import { loadSources } from './sources.ts'

interface RunFlags extends RequestFlags {
  readonly env?: string
  readonly out?: string
  readonly once?: true
  readonly strict?: true
  readonly quiet?: true
  readonly json?: true
  readonly live: boolean
  readonly ceiling: boolean
  readonly color: boolean
}

/** `volley run`: runs scenarios one after the other, shows their progress, and saves a report of each. */
export function addRun(program: Command, io: CommandIo, done: (code: ExitCode) => void): void {
  const command = program
    .command('run')
    .description('run a scenario, or load a server given by its URL, and save a report')
    .argument(
      '<scenario...>',
      'scenario files, - for standard input, or URLs: host:port, tcp://, udp://, tls://, unix:, http://, https://, redis://, rediss://',
    )
  addRequestFlags(addSettings(command))
    .option(
      '--once',
      'make one pass over the steps on one connection, and print what came for each; exit 1 if one is not as expected',
    )
    .option('--env <names>', 'environments of the scenario, separated by commas; several are compared')
    .option('--out <folder>', "the folder of the run's files (default: reports/<name>/<UTC time>)")
    .option('--strict', 'fail a suspect or unproven run too (exit 4)')
    .option('--json', 'print the report instead of the summary')
    .option('--quiet', 'show nothing during the run')
    .option('--no-live', 'print a line per second instead of the live view')
    .option(
      '--no-ceiling',
      'after a run whose client was busy, do not measure what it could do, alone or with another worker',
    )
    .option('--no-color', 'print without colours, as with NO_COLOR')
    .action(async (sources: string[], flags: RunFlags) => done(await runAll(sources, flags, io)))
}

async function runAll(sources: readonly string[], flags: RunFlags, io: CommandIo): Promise<ExitCode> {
  const settings = overridesOf(flags, io.env)
  if (flags.once) checkNoLoad(settings)
  const overrides = [...settings, ...requestOverrides(flags, sources, settings)]
  const environments = flags.env?.split(',').map(name => name.trim())
  const loaded = await loadSources(sources, overrides, environments, io)
  const runs = flags.once ? loaded.map(onePass) : loaded
  if (flags.out === '-') throw new UserError('--out is a folder; with --json the report goes to standard output')
  if (flags.out !== undefined && runs.length > 1) {
    throw new UserError('--out is the folder of one run, but there are several; leave it out, or run them one by one')
  }
  const { signal } = io
  const colors = pc.createColors(wantsColors(io.stdout, flags, io.env))
  const reports: Report[] = []
  const codes: ExitCode[] = []
  const prepared = await prepareAll(runs)
  const live = createLive({
    stream: io.stderr,
    mode: liveMode(io.stderr, flags, io.env),
    colors: pc.createColors(wantsColors(io.stderr, flags, io.env)),
  })
  const show = (report: Report, path: string | undefined) => {
    reports.push(report)
    if (!flags.json)
      io.stdout.write(formats.summary.render(report, { path: path ?? 'not saved', colors, ...layoutOf(io.stdout) }))
  }
  for (const [index, loaded] of runs.entries()) {
    if (signal.aborted) {
      codes.push(exitCode.interrupted)
      break
    }
    let path = ''
    try {
      const report = await run(loaded, {
        prepared: prepared[index]!,
        async folder() {
          const folder = await folderFor(flags.out, loaded.scenario.name)
          path = reportPath(folder)
          return folder
        },
        observers: [live],
        signal,
        cacheFolder: cacheFolderOf(io.env),
        ...((io.ceiling === 'never' || !flags.ceiling) && { ceiling: 'never' }),
      })
      show(report, path)
      codes.push(exitCodeOf(report, flags.strict === true))
    } catch (error) {
      if (error instanceof UnsavedReport) show(error.report, undefined)
      printThrown(error, io)
      codes.push(signal.aborted ? exitCode.interrupted : exitCode.couldNotRun)
    }
  }
  if (flags.json && reports.length > 0)
    io.stdout.write(runs.length === 1 ? formats.json.render(reports[0]!) : `${JSON.stringify(reports, null, 2)}\n`)
  else if (!flags.json && reports.length > 1) io.stdout.write(`\n${tableOf(reports, flags, colors, io.stdout)}`)
  return worst(codes)
}

/** What a single pass has no use for: flags that ask for it, as what a file or a variable has is for its other runs. */
const keysOfLoad = 'connections duration requests load warmup workers reconnect thresholds wire'.split(' ')

function checkNoLoad(settings: readonly Override[]): void {
  const message = 'cannot be combined with --once, which makes one pass over the steps on one connection'
  const asked = settings.filter(({ path, origin }) => origin.startsWith('--') && keysOfLoad.includes(String(path[0])))
  const faults = asked.map(({ origin }) => ({ place: origin, message }))
  if (faults.length > 0) throw new UserError(faults)
}

/** Every scenario is prepared before the first is run, so that a fault in the last one is reported at once. */
async function prepareAll(runs: readonly LoadedScenario[]): Promise<Prepared[]> {
  const outcomes = await Promise.allSettled(runs.map(prepare))
  const faults = outcomes.flatMap(outcome => (outcome.status === 'rejected' ? faultsIn(outcome.reason) : []))
  if (faults.length > 0) {
    const only = outcomes.find(outcome => outcome.status === 'rejected')
    throw outcomes.length === 1 ? only!.reason : new UserError(faults)
  }
  return outcomes.map(outcome => (outcome as PromiseFulfilledResult<Prepared>).value)
}

function faultsIn(error: unknown): readonly Fault[] {
  if (error instanceof UserError) return error.faults
  throw error
}

function tableOf(reports: readonly Report[], { env }: RunFlags, colors: Colors, size: TerminalSize): string {
  if (env === undefined) return renderRunsTable(reports, colors, size)
  const names = reports.map(report => report.scenario.name)
  return renderComparison(compareReports(reports, names), colors, size)
}

function folderFor(out: string | undefined, name: string): Promise<string> {
  return out === undefined ? openReportFolder('reports', name) : openFolder(out)
}

/** The most severe code of several runs. */
function worst(codes: readonly ExitCode[]): ExitCode {
  const order = [exitCode.interrupted, exitCode.couldNotRun, exitCode.invalid, exitCode.inconclusive, exitCode.failed]
  return order.find(code => codes.includes(code)) ?? exitCode.pass
}
