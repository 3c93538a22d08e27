import { resolve } from 'node:path'
import { UserError } from './errors.ts'
import type { Report } from './report/record.ts'
import { prepareFolder, reportFolder, UnsavedReport } from './report/save.ts'
import { type Prepared, prepareScenario } from './run/prepare.ts'
import { type RunOptions, runScenario } from './run/run.ts'
import { searchScenario } from './run/search.ts'
import { inEnvironment, loadScenario, parseScenario, scenarioFromUrl } from './scenario/load.ts'
import type { LoadedScenario } from './scenario/loaded.ts'
import type { Override } from './scenario/overrides.ts'
import { parsePath } from './scenario/setting.ts'
import { isUrl } from './scenario/url.ts'

export type { Finding, Verdict } from './audit/finding.ts'
export { exitCode, type Fault, UserError } from './errors.ts'
export type { Interval, Phase, Progress, Quantiles, RunTitle, Snapshot } from './metrics/snapshot.ts'
export type { Latency, Totals } from './metrics/totals.ts'
export type { Report, RunFacts, ThresholdResult } from './report/record.ts'
export { readReport, reportPath, UnsavedReport } from './report/save.ts'
export type { Observer, RunSecond, RunStart, RunView } from './run/observer.ts'
export type { Prepared } from './run/prepare.ts'
export { exitCodeOf } from './run/run.ts'
export type { LoadedScenario } from './scenario/loaded.ts'
export type { Override } from './scenario/overrides.ts'
export type { Scenario } from './scenario/scenario.ts'

export interface LoadOptions {
  /** Settings that take the place of the file's, made by `override`; a later one wins. */
  readonly overrides?: readonly Override[]
  /** The values of `${NAME}` in the file; by default the variables of this process. */
  readonly variables?: Readonly<Record<string, string | undefined>>
  /** The name of one of the scenario's environments; its target replaces that of the scenario. */
  readonly environment?: string
  /** The text of the scenario, where it is in no file: `source` is then how faults name it. */
  readonly text?: string
}

/**
 * Loads a scenario from a file, or makes one for a URL such as `tcp://127.0.0.1:8080`; throws a UserError with every
 * fault.
 */
export async function load(source: string, options: LoadOptions = {}): Promise<LoadedScenario> {
  const { overrides = [], variables = process.env, environment, text } = options
  const fromFile = () => loadScenario(source, overrides, variables)
  const fromUrl = () => (isUrl(source) ? scenarioFromUrl(source, overrides) : fromFile())
  const loaded = text === undefined ? await fromUrl() : parseScenario(text, source, overrides, variables)
  return environment === undefined ? loaded : inEnvironment(loaded, environment)
}

/**
 * A setting for `load`, such as `override('load.pipeline', 4)` or `loop[0].send`; throws a UserError if the path is
 * invalid.
 */
export function override(path: string, value: unknown): Override {
  const keys = parsePath(path)
  if (keys === undefined) throw new UserError(`expected a path such as load.pipeline, got "${path}"`)
  return { path: keys, value, origin: path }
}

/**
 * Reads the files of a scenario and encodes its requests, which needs no target. `run` does it unless it was done
 * before.
 */
export const prepare: (loaded: LoadedScenario) => Promise<Prepared> = prepareScenario

export interface RunSettings extends Omit<RunOptions, 'openFolder' | 'workerFile'> {
  /**
   * The folder in which report and journal are saved, or a function that makes it once the target answers. Without it
   * nothing is saved.
   */
  readonly folder?: string | (() => Promise<string>)
  readonly prepared?: Prepared
}

/**
 * Runs a scenario to its end, or searches its highest rate in mode search; a UserError where it cannot begin, and an
 * UnsavedReport, which has the report, where that could not be written into the folder.
 */
export async function run(loaded: LoadedScenario, settings: RunSettings = {}): Promise<Report> {
  const { folder, prepared, ...options } = settings
  const runner = loaded.scenario.load.mode === 'search' ? searchScenario : runScenario
  const { report, saveError } = await runner(loaded, prepared ?? (await prepareScenario(loaded)), {
    ...options,
    ...(folder !== undefined && { openFolder: typeof folder === 'string' ? () => openFolder(folder) : folder }),
  })
  if (saveError !== undefined) throw new UnsavedReport(saveError, report)
  return report
}

/** Creates a folder and checks that files can be written in it; returns its absolute path. */
export async function openFolder(folder: string): Promise<string> {
  const path = resolve(folder)
  await prepareFolder(path)
  return path
}

/** Creates `<base>/<name>/<UTC time>` for a run that begins now; returns its path. */
export async function openReportFolder(base: string, name: string): Promise<string> {
  const folder = await reportFolder(base, name, new Date())
  await prepareFolder(folder)
  return folder
}
