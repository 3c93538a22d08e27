import { createProtocol } from '../../protocols/catalog.ts'
import { placedSteps } from '../clients.ts'
import { type Issue, issue } from '../path.ts'
import { isDatagramTarget } from '../resolve.ts'
import type { ScenarioSettings } from '../schema/schema.ts'
import { targetsOf } from './targets.ts'

/** What excludes a login, or makes no sense beside it. */
export function loginIssues(settings: Partial<ScenarioSettings>): Issue[] {
  const { protocol, layers } = settings
  const logins = placedSteps(settings).filter(({ step }) => step.login !== undefined)
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
  return logins.flatMap(({ path, group }, index) => {
    const place = [...path, 'login']
    const isFirst = logins.findIndex(login => login.group === group) === index
    return [
      ...refusals.map(message => issue(place, message)),
      ...(isFirst ? [] : [issue(place, 'a connection logs in once, and an earlier step does')]),
    ]
  })
}
