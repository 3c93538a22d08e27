import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { builtFile } from '../harness/built.ts'
import type { Report } from '../harness/report/record.ts'
import { readReport } from '../harness/report/save.ts'
import type { Processes } from './processes.ts'

/** A run in doubt, one that missed a threshold and one that is invalid have a report all the same. */
const taken = [0, 1, 4]

export interface ScenarioRun {
  /** As in a scenario file, its name included; by this its files are told apart. */
  readonly scenario: Readonly<Record<string, unknown>> & { readonly name: string }
  readonly folder: string
  /** The run is ended when it has taken so long. */
  readonly lifeMs: number
}

/** Runs a scenario by the program as a user would, and gives its report; throws with what it said where there is none. */
export async function runScenarioRecord(
  processes: Processes,
  { scenario, folder, lifeMs }: ScenarioRun,
): Promise<Report> {
  const out = join(folder, scenario.name)
  const file = `${out}.yaml`
  // YAML is JSON too.
  writeFileSync(file, JSON.stringify(scenario))
  const args = [builtFile('harness/cli/main'), 'run', file, '--quiet', '--out', out]
  const child = processes.start({ program: process.execPath, args }, { lifeMs })
  const end = await child.ended
  if (!taken.some(code => code === end)) throw new Error(`it could not be run: ${child.stderr().trim() || end}`)
  return readReport(out)
}

/** Ends all of them with this process, however that ends. */
export function endWithUs(processes: Processes, interrupted: number): void {
  process.on('exit', () => processes.endAll())
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(interrupted))
}
