import { prepareScenario } from '../../run/prepare.ts'
import { parseScenario } from '../../scenario/load.ts'
import type { LoadedScenario } from '../../scenario/loaded.ts'
import { trials } from '../catalog.ts'
import { type OpenTorture, openTorture, type TorturePreparation } from '../prepare.ts'
import type { TrialResult } from '../result.ts'
import { defaultTimes, type TortureTimes } from '../times.ts'
import { type TortureResult, torture } from '../torture.ts'

/** Times that are long enough for servers on this machine. */
export const shortTimes: TortureTimes = {
  ...defaultTimes,
  quietMs: 10,
  heldMs: 50,
  stalledMs: 100,
  recoveryMsMax: 1000,
}

/** A scenario of these lines, with `test.yaml` as its file. */
export function scenarioOf(lines: string, environment: Record<string, string> = {}): LoadedScenario {
  return parseScenario(`name: test\n${lines}`, 'test.yaml', [], environment)
}

/** The target of a scenario, ready for torture. */
export async function opened(loaded: LoadedScenario, options: Partial<TorturePreparation> = {}): Promise<OpenTorture> {
  const prepared = await prepareScenario(loaded)
  const signal = new AbortController().signal
  return openTorture({ ...prepared, source: 'test.yaml', loaded, signal, ...options })
}

export interface TorturedOptions extends Partial<TorturePreparation> {
  /** Names of trials with commas between; by default all. */
  readonly only?: string
  readonly times?: TortureTimes
  readonly onResult?: (result: TrialResult) => void
}

/** Runs trials on a scenario's target, and stops it. */
export async function tortured(loaded: LoadedScenario, options: TorturedOptions = {}): Promise<TortureResult> {
  const { only, times = shortTimes, onResult = () => {}, ...preparation } = options
  const { settings, stop } = await opened(loaded, preparation)
  const chosen = trials.filter(({ name }) => only?.split(',').includes(name) ?? true)
  return torture({ ...settings, trials: chosen, times, onResult }).finally(stop)
}

/** The names of the trials with this verdict. */
export function named({ trials }: Pick<TortureResult, 'trials'>, verdict: TrialResult['verdict']): string[] {
  return trials.filter(trial => trial.verdict === verdict).map(({ name }) => name)
}

export function detailOf({ trials }: Pick<TortureResult, 'trials'>, name: string): string {
  return trials.find(trial => trial.name === name)!.detail
}
