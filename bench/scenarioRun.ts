import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { builtFile } from '../harness/built.ts'
import type { Report } from '../harness/report/record.ts'
import { readReport } from '../harness/report/save.ts'
import type { Processes } from './processes.ts'

/** Exit codes of runs with a report: also those that missed a threshold or are invalid. */
const acceptedCodes = [0, 1, 4]

export interface ScenarioRun {
  /** The keys of a scenario file; its files are named by `name`. */
  readonly scenario: Readonly<Record<string, unknown>> & { readonly name: string }
  readonly folder: string
  /** The run is killed after this time. */
  readonly lifeMs: number
}

/** Runs a scenario with the program, as a user would, and reads its report; throws with its error text if there is none. */
export async function runScenarioRecord(
  processes: Processes,
  { scenario, folder, lifeMs }: ScenarioRun,
): Promise<Report> {
  const out = join(folder, scenario.name)
  const file = `${out}.yaml`
  // JSON is valid YAML.
  writeFileSync(file, JSON.stringify(scenario))
  const args = [builtFile('harness/cli/main'), 'run', file, '--quiet', '--out', out]
  const child = processes.start({ program: process.execPath, args }, { lifeMs })
  const end = await child.ended
  if (!acceptedCodes.some(code => code === end))
    throw new Error(`the scenario could not be run: ${child.stderr().trim() || end}`)
  return readReport(out)
}

/** Ends all these processes when this one ends, for whatever reason. */
export function endWithUs(processes: Processes, interrupted: number): void {
  process.on('exit', () => processes.endAll())
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(interrupted))
}
