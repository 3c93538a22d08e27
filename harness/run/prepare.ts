import { loadCLibrary } from '../cLibrary.ts'
import { type Fault, UserError } from '../errors.ts'
import { connectionShortage } from '../host/descriptors.ts'
import type { RequestBank } from '../plan/bank.ts'
import { type Materials, readMaterials } from '../plan/materials.ts'
import { encodeRequests } from '../plan/requests.ts'
import { composeProtocol, type SpokenProtocol } from '../protocols/composed.ts'
import { tooShort } from '../relaySettings.ts'
import { faultsOf, type LoadedScenario } from '../scenario/loaded.ts'
import { conflict, IssuesError, type Path } from '../scenario/path.ts'
import { resolveProtocol } from '../scenario/resolve.ts'
import type { Scenario } from '../scenario/scenario.ts'

/** Everything of a run that is made before anything is sent. */
export interface Prepared {
  readonly protocol: SpokenProtocol
  readonly materials: Materials
  readonly bank: RequestBank
  readonly seed: number
}

/** Reads the files a scenario names and encodes its requests; a UserError has every fault, each with its file. */
export async function prepareScenario(loaded: LoadedScenario): Promise<Prepared> {
  const { scenario } = loaded
  const seed = scenario.seed ?? Math.floor(Math.random() * 2 ** 31)
  checkDescriptors(scenario)
  const faults = relayFaults(loaded)
  if (faults.length > 0) throw new UserError(faults)
  const protocol = resolveProtocol(scenario)
  try {
    const materials = await readMaterials(loaded)
    return { protocol, materials, bank: encodeRequests(scenario, composeProtocol(protocol), materials, seed), seed }
  } catch (error) {
    throw error instanceof IssuesError ? new UserError(faultsOf(loaded, error.issues)) : error
  }
}

/** Refuses, before anything is sent, more connections than the kernel allows. */
function checkDescriptors({ connections }: Scenario): void {
  const shortage = connectionShortage(connections)
  if (shortage !== undefined) throw new UserError(shortage.message, shortage.hint)
}

/** The settings of a relay that are finer than the timers of this machine; `load` finds out which it has. */
export function relayFaults(loaded: LoadedScenario, load = loadCLibrary): readonly Fault[] {
  const { scenario } = loaded
  const short = tooShort(scenario.target.relay ?? {}, load)
  const path = [...targetPath(scenario), 'relay']
  const issues = short.map(({ name, expected, got }) => conflict([...path, name], expected, JSON.stringify(got)))
  return faultsOf(loaded, issues)
}

/** Where the target stands in the scenario: in that of an environment it is a copy of what stands there. */
function targetPath({ target, environments }: Scenario): Path {
  const environment = Object.entries(environments).find(([, other]) => other === target)
  return environment === undefined ? ['target'] : ['environments', environment[0]]
}
