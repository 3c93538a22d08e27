import { show } from '../../invalidValue.ts'
import { formatCount } from '../../units.ts'
import { clientGroups, loopOf, placedRequests } from '../clients.ts'
import { conflict, type Issue, issue } from '../path.ts'
import { limits } from '../scenario.ts'
import type { ScenarioSettings } from '../schema/schema.ts'

/** What a scenario has at its top, and a group has of its own. */
const ownKeys = ['connections', 'connect', 'loop', 'mix'] as const

/** What excludes groups of connections, or groups that make no sense together; `given` are the keys of the file. */
export function clientIssues(given: ReadonlySet<string>, settings: Partial<ScenarioSettings>): Issue[] {
  if (!given.has('clients')) return []
  const beside = ownKeys.filter(key => given.has(key))
  return [
    ...beside.map(key =>
      issue([key], `cannot be combined with clients, whose groups have their own, such as clients[0].${key}`),
    ),
    ...(settings.clients === undefined ? [] : groupIssues(settings)),
  ]
}

function groupIssues(settings: Partial<ScenarioSettings>): Issue[] {
  const groups = clientGroups(settings)
  const connections = groups.reduce((sum, group) => sum + group.connections, 0)
  const steps = placedRequests(settings).length
  const both = groups.filter(({ loop, mix }) => loop !== undefined && mix !== undefined)
  const isSilent = groups.every(group => loopOf(group).length === 0)
  return [
    ...both.map(({ path }) => conflict(path, 'loop or mix, or neither in a group that only listens', 'both')),
    ...groups.flatMap(({ path, name }, index) => {
      const isTaken = name !== undefined && groups.slice(0, index).some(other => other.name === name)
      return isTaken ? [conflict([...path, 'name'], 'a name that no other group has', show(name))] : []
    }),
    ...(isSilent ? [conflict(['clients'], 'a group with loop or mix', 'groups that only listen')] : []),
    ...(connections > limits.connectionsMax
      ? [conflict(['clients'], `at most ${formatCount(limits.connectionsMax)} connections`, formatCount(connections))]
      : []),
    ...(steps > limits.stepsMax
      ? [conflict(['clients'], `at most ${limits.stepsMax} steps in all loops together`, String(steps))]
      : []),
  ]
}
