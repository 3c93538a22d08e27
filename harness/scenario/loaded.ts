import type { Fault } from '../errors.ts'
import type { Issue } from './path.ts'
import type { Scenario } from './scenario.ts'
import { lateFaults, type Places } from './yaml/faults.ts'

/** A scenario and where it came from: plain data, which can be cloned to a thread. */
export interface LoadedScenario {
  readonly scenario: Scenario
  /** The folder that relative paths in the scenario start from. */
  readonly folder: string
  /** The scenario as it may be shown: keys, headers that log in and values out of the environment are `***`. */
  readonly redacted: Scenario
  /** What must not be shown wherever it turns up: values of environment variables and of headers that log in, and keys. */
  readonly secrets: { readonly values: readonly string[]; readonly keys: readonly string[] }
  /** The places of the keys in its text. */
  readonly places: Places
}

/** Turns issues that were found after a scenario was loaded into faults with their places in its text. */
export function faultsOf({ places }: Pick<LoadedScenario, 'places'>, issues: readonly Issue[]): Fault[] {
  return lateFaults(issues, places)
}
