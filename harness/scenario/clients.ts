import { type Path, showPath } from './path.ts'
import type { ClientGroup, MixStep, Scenario, Step } from './scenario.ts'

/** Connections that do the same, and where they stand in the file: at its top, or in an entry of `clients`. */
export interface PlacedGroup extends ClientGroup {
  readonly path: Path
}

/** A step, and where it stands. */
export interface PlacedStep {
  readonly path: Path
  /** What reports call it: `publishers.loop[0]` in a group with a name, else the path. */
  readonly name: string
  readonly kind: 'loop' | 'mix' | 'connect'
  /** The number of its group; 0 where there are none. */
  readonly group: number
  readonly step: Step | MixStep
}

/** The keys of a scenario that its steps depend on; while it is checked some may be missing. */
export type GroupSettings = Partial<Pick<Scenario, 'connections' | 'connect' | 'loop' | 'mix' | 'clients'>>

/** The groups of a scenario in the order of the file; where it has none, all connections are one. */
export function clientGroups({ clients, connections = 0, connect = [], loop, mix }: GroupSettings): PlacedGroup[] {
  if (clients !== undefined) return clients.map((group, index) => ({ ...group, path: ['clients', index] }))
  return [{ path: [], connections, connect, ...(loop && { loop }), ...(mix && { mix }) }]
}

/** What a group sends again and again; nothing where it only listens. */
export function loopOf({ loop, mix }: Pick<ClientGroup, 'loop' | 'mix'>): readonly (Step | MixStep)[] {
  return loop ?? mix ?? []
}

/** The connections that send requests: all but those of groups that only listen. */
export function speakingConnections({ connections, clients }: Pick<Scenario, 'connections' | 'clients'>): number {
  if (clients === undefined) return connections
  // A number that came out of the environment is hidden in a report: then the sum is not a number either.
  return clients.reduce((sum, group) => sum + (loopOf(group).length > 0 ? Number(group.connections) : 0), 0)
}

/** Every step of a scenario besides its heartbeat: those of the loops and mixes of all groups, then those of all handshakes. */
export function placedSteps(settings: GroupSettings): PlacedStep[] {
  const groups = clientGroups(settings)
  return [
    ...placedRequests(settings),
    ...groups.flatMap((group, number) => placed(group, number, 'connect', group.connect)),
  ]
}

/** The steps of loops and mixes alone. */
export function placedRequests(settings: GroupSettings): PlacedStep[] {
  return clientGroups(settings).flatMap((group, number) => [
    ...placed(group, number, 'loop', group.loop),
    ...placed(group, number, 'mix', group.mix),
  ])
}

function placed(
  group: PlacedGroup,
  number: number,
  kind: PlacedStep['kind'],
  steps: readonly (Step | MixStep)[] = [],
): PlacedStep[] {
  return steps.map((step, index) => ({
    path: [...group.path, kind, index],
    name: group.name === undefined ? showPath([...group.path, kind, index]) : `${group.name}.${kind}[${index}]`,
    kind,
    group: number,
    step,
  }))
}
