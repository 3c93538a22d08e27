import { createProtocol } from '../../protocols/catalog.ts'
import { type Issue, issue, type Path } from '../path.ts'
import { isDatagramTarget } from '../resolve.ts'
import type { ScenarioSettings } from '../schema/schema.ts'
import { targetsOf } from './targets.ts'

/** What excludes a login, or makes no sense beside it. */
export function loginIssues(settings: Partial<ScenarioSettings>): Issue[] {
  const { connect = [], protocol, layers } = settings
  const places = connect.flatMap(({ login }, index): Path[] =>
    login === undefined ? [] : [['connect', index, 'login']],
  )
  const refusals = [
    ...(protocol === undefined || protocol.name === 'frame'
      ? []
      : [`needs protocol frame, whose messages are those of the server, not ${protocol.name}`]),
    ...(protocol?.name === 'frame' && createProtocol(protocol).requestId !== undefined
      ? ['needs replies in order, and those of this protocol have ids']
      : []),
    ...(layers === undefined ? [] : ['cannot be combined with layers, which are those of all bodies']),
    ...(targetsOf(settings).some(({ target }) => isDatagramTarget(target))
      ? ['needs a connection, and over UDP there is none']
      : []),
  ]
  return places.flatMap((path, index) => [
    ...refusals.map(message => issue(path, message)),
    ...(index === 0 ? [] : [issue(path, 'a connection logs in once, and an earlier step does')]),
  ])
}
