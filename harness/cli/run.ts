import { resolve } from 'node:path'
import type { Command } from 'commander'
import pc from 'picocolors'
import { compareReports } from '../compare/compare.ts'
import { renderComparison } from '../compare/table.ts'
import { type ExitCode, exitCode, type Fault, UserError } from '../errors.ts'
import { createLive, liveMode, wantsColors } from '../live/live.ts'
import { renderRunsTable } from '../report/formats/runsTable.ts'
import { renderSummary } from '../report/formats/summary.ts'
import type { Report } from '../report/record.ts'
import { prepareFolder, reportFolder } from '../report/save.ts'
import { cacheFolderOf } from '../run/ceilingCache.ts'
import { exitCodeOf, type Prepared, prepareScenario, runScenario } from '../run/run.ts'
import { searchScenario } from '../run/search.ts'
import { inEnvironment, loadScenario, scenarioFromUrl } from '../scenario/load.ts'
import type { Override } from '../scenario/overrides.ts'
import type { LoadedScenario } from '../scenario/scenario.ts'
import { isUrl } from '../scenario/url.ts'
import { printError } from './errors.ts'
import { addSettings, overridesOf } from './flags.ts'
import { interruption } from './interrupt.ts'

interface RunFlags extends Readonly<Record<string, unknown>> {
  readonly env?: string
  readonly out?: string
  readonly strict?: true
  readonly quiet?: true
  readonly json?: true
  readonly live: boolean
  readonly color: boolean
}

/** `volley run`: drives scenarios one after the other, shows them, saves a report of each. */
export function addRun(program: Command, done: (code: ExitCode) => void): void {
  const command = program
    .command('run')
    .description('drive a scenario, or a server by its URL, and save a report')
    .argument('<scenario...>', 'scenario files, or URLs: tcp://, udp://, tls://, unix:, http://, redis://')
  addSettings(command)
    .option('--env <names>', 'environments of the scenario, with commas between; several are compared')
    .option('--out <folder>', "the folder of the run's files (default: reports/<name>/<UTC time>)")
    .option('--strict', 'a suspect run fails too (exit 4)')
    .option('--json', 'print the report in place of the summary')
    .option('--quiet', 'show nothing while the run lasts')
    .option('--no-live', 'a line a second in place of the live view')
    .option('--no-color', 'no colours; so does NO_COLOR')
    .action(async (sources: string[], flags: RunFlags) => done(await runAll(sources, flags)))
}

async function runAll(sources: readonly string[], flags: RunFlags): Promise<ExitCode> {
  const runs = await loadAll(sources, overridesOf(flags, process.env), flags.env)
  if (flags.out !== undefined && runs.length > 1) {
    throw new UserError(
      '--out names the folder of one run, and there are several; leave it out, or run them one by one',
    )
  }
  const signal = interruption()

  const colors = pc.createColors(wantsColors(process.stdout, flags, process.env))
  const reports: Report[] = []
  const codes: ExitCode[] = []
  const prepared = await prepareAll(runs)
  for (const [index, loaded] of runs.entries()) {
    if (signal.aborted) break
    try {
      const { report, path } = await runnerOf(loaded)(loaded, prepared[index]!, {
        openFolder: () => openFolder(flags.out, loaded.scenario.name),
        signal,
        cacheFolder: cacheFolderOf(process.env),
        createView: title =>
          createLive({
            stream: process.stderr,
            mode: liveMode(process.stderr, flags, process.env),
            colors: pc.createColors(wantsColors(process.stderr, flags, process.env)),
            title,
          }),
      })
      reports.push(report)
      codes.push(exitCodeOf(report, flags.strict === true))
      if (!flags.json) process.stdout.write(renderSummary(report, path, colors))
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      printError(error)
      codes.push(signal.aborted ? exitCode.interrupted : exitCode.couldNotRun)
    }
  }
  if (flags.json && reports.length > 0)
    process.stdout.write(`${JSON.stringify(runs.length === 1 ? reports[0] : reports, null, 2)}\n`)
  else if (!flags.json && reports.length > 1) process.stdout.write(`\n${tableOf(reports, flags, colors)}`)
  return worst(codes)
}

function runnerOf({ scenario }: LoadedScenario): typeof runScenario {
  return scenario.load.mode === 'search' ? searchScenario : runScenario
}

/** Every scenario is loaded and prepared before the first is run, so that a fault in the last is told at once. */
async function loadAll(
  sources: readonly string[],
  overrides: readonly Override[],
  environments: string | undefined,
): Promise<LoadedScenario[]> {
  const loaded = await Promise.all(
    sources.map(source =>
      isUrl(source) ? scenarioFromUrl(source, overrides) : loadScenario(source, overrides, process.env),
    ),
  )
  if (environments === undefined) return loaded
  return loaded.flatMap(scenario => environments.split(',').map(name => inEnvironment(scenario, name.trim())))
}

async function prepareAll(runs: readonly LoadedScenario[]): Promise<Prepared[]> {
  const outcomes = await Promise.allSettled(runs.map(prepareScenario))
  const faults = outcomes.flatMap(outcome => (outcome.status === 'rejected' ? faultsOf(outcome.reason) : []))
  if (faults.length > 0) {
    const only = outcomes.find(outcome => outcome.status === 'rejected')
    throw outcomes.length === 1 ? only!.reason : new UserError(faults)
  }
  return outcomes.map(outcome => (outcome as PromiseFulfilledResult<Prepared>).value)
}

function faultsOf(error: unknown): readonly Fault[] {
  if (error instanceof UserError) return error.faults
  throw error
}

function tableOf(reports: readonly Report[], { env }: RunFlags, colors: ReturnType<typeof pc.createColors>): string {
  if (env === undefined) return renderRunsTable(reports, colors)
  const names = reports.map(report => report.scenario.name)
  return renderComparison(compareReports(reports, names), colors)
}

async function openFolder(out: string | undefined, name: string): Promise<string> {
  const folder = out === undefined ? await reportFolder('reports', name, new Date()) : resolve(out)
  await prepareFolder(folder)
  return folder
}

/** The code that tells most of several runs. */
function worst(codes: readonly ExitCode[]): ExitCode {
  const order = [exitCode.interrupted, exitCode.couldNotRun, exitCode.invalid, exitCode.inconclusive, exitCode.failed]
  return order.find(code => codes.includes(code)) ?? exitCode.pass
}
