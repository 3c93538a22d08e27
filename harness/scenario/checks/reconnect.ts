import { parseEndpoint } from '../../address.ts'
import { type Issue, issue, showPath } from '../path.ts'
import { isDatagramTarget } from '../resolve.ts'
import type { ScenarioSettings } from '../schema/schema.ts'
import { addressOf, targetsOf } from './targets.ts'

const path = ['reconnect', 'close']

/** Why connections cannot be closed by a reset: nobody but TCP has one, and it is for connections that had their request. */
export function reconnectIssues(settings: Partial<ScenarioSettings>): Issue[] {
  const { reconnect } = settings
  if (reconnect?.close !== 'reset') return []
  const when =
    reconnect.when === 'every-request'
      ? []
      : [issue(path, `"reset" needs reconnect.when: every-request, got ${reconnect.when}`)]
  const elsewhere = targetsOf(settings).flatMap(({ path: place, target }) => {
    const scheme = isDatagramTarget(target) ? 'udp' : parseEndpoint(addressOf(target)).scheme
    if (scheme === 'tcp') return []
    const reason = {
      udp: 'UDP has no connections',
      unix: 'a unix socket uses no ports',
      tls: 'its end is a message of its own',
    }[scheme]
    return [issue(path, `"reset" needs TCP without TLS, and ${showPath(place)} is ${scheme}: ${reason}`)]
  })
  return [...when, ...elsewhere]
}
