import type { LoadedScenario } from '../scenario/loaded.ts'
import type { Scenario } from '../scenario/scenario.ts'

/** The scenario as a single pass over its steps on one connection, or one of each group, with what it asks of a load left out. */
export function onePass(loaded: LoadedScenario): LoadedScenario {
  return { ...loaded, scenario: passOf(loaded.scenario), redacted: passOf(loaded.redacted) }
}

function passOf({ requests: _, wire: _wire, socket: _socket, clients, ...scenario }: Scenario): Scenario {
  return {
    ...scenario,
    ...(clients && { clients: clients.map(group => ({ ...group, connections: 1 })) }),
    connections: clients?.length ?? 1,
    workers: 1,
    load: { mode: 'once', pipeline: 1 },
    warmup: 0,
    reconnect: { ...scenario.reconnect, when: 'never' },
    thresholds: [],
  }
}
