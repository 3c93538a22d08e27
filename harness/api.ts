import { resolve } from 'node:path'
import { UserError } from './errors.ts'
import type { Report } from './report/record.ts'
import { prepareFolder, reportFolder } from './report/save.ts'
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
export { readReport, reportPath } from './report/save.ts'
export type { Observer, RunSecond, RunStart, RunView } from './run/observer.ts'
export type { Prepared } from './run/prepare.ts'
export { exitCodeOf } from './run/run.ts'
export type { LoadedScenario } from './scenario/loaded.ts'
export type { Override } from './scenario/overrides.ts'
export type { Scenario } from './scenario/scenario.ts'

export interface LoadOptions {
  /** Settings that take the place of the file's, made by `override`; a later one wins. */
  readonly overrides?: readonly Override[]
  /** What `${NAME}` in the file stands for; by default the variables of this process. */
  readonly variables?: Readonly<Record<string, string | undefined>>
  /** One of the scenario's environments, whose target is taken. */
  readonly environment?: string
  /** The text of the scenario, where it is in no file: `source` is then how faults name it. */
  readonly text?: string
}

/** Loads a scenario from a file, or makes one for a URL such as `tcp://127.0.0.1:8080`; a UserError has every fault. */
export async function load(source: string, options: LoadOptions = {}): Promise<LoadedScenario> {
  const { overrides = [], variables = process.env, environment, text } = options
  const fromFile = () => loadScenario(source, overrides, variables)
  const fromUrl = () => (isUrl(source) ? scenarioFromUrl(source, overrides) : fromFile())
  const loaded = text === undefined ? await fromUrl() : parseScenario(text, source, overrides, variables)
  return environment === undefined ? loaded : inEnvironment(loaded, environment)
}

/** A setting for `load`: `override('load.pipeline', 4)`; indexes as `loop[0].send`. A UserError where the path is none. */
export function override(path: string, value: unknown): Override {
  const keys = parsePath(path)
  if (keys === undefined) throw new UserError(`expected a path such as load.pipeline, got "${path}"`)
  return { path: keys, value, origin: path }
}

/** Does all of a scenario that needs no target: reads its files, encodes its requests. `run` does it where it was not done. */
export const prepare: (loaded: LoadedScenario) => Promise<Prepared> = prepareScenario

export interface RunSettings extends Omit<RunOptions, 'openFolder' | 'workerFile'> {
  /**
   * The folder of the run's files, or what makes it once the target answers: its report and its journal are saved there.
   * Without it nothing is saved.
   */
  readonly folder?: string | (() => Promise<string>)
  readonly prepared?: Prepared
}

/** Runs a scenario to its end, or searches its highest rate in mode search; a UserError where it cannot begin. */
export async function run(loaded: LoadedScenario, settings: RunSettings = {}): Promise<Report> {
  const { folder, prepared, ...options } = settings
  const runner = loaded.scenario.load.mode === 'search' ? searchScenario : runScenario
  const { report } = await runner(loaded, prepared ?? (await prepareScenario(loaded)), {
    ...options,
    ...(folder !== undefined && { openFolder: typeof folder === 'string' ? () => openFolder(folder) : folder }),
  })
  return report
}

/** Makes a folder and sees that files can be written in it; its absolute path. */
export async function openFolder(folder: string): Promise<string> {
  const path = resolve(folder)
  await prepareFolder(path)
  return path
}

/** Makes `<base>/<name>/<UTC time>` for a run that begins now; its path. */
export async function openReportFolder(base: string, name: string): Promise<string> {
  const folder = await reportFolder(base, name, new Date())
  await prepareFolder(folder)
  return folder
}
