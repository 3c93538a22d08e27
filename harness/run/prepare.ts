import { UserError } from '../errors.ts'
import { connectionShortage } from '../host/descriptors.ts'
import type { RequestBank } from '../plan/bank.ts'
import { type Materials, readMaterials } from '../plan/materials.ts'
import { encodeRequests } from '../plan/requests.ts'
import { composeProtocol, type SpokenProtocol } from '../protocols/composed.ts'
import { faultsOf, type LoadedScenario } from '../scenario/loaded.ts'
import { IssuesError } from '../scenario/path.ts'
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
