import { list, show } from '../../invalidValue.ts'
import { datagramProtocols } from '../../protocols/datagram.ts'
import { conflict, type Issue, issue, type Path } from '../path.ts'
import { isDatagramTarget } from '../resolve.ts'
import type { Target } from '../scenario.ts'
import type { ScenarioSettings } from '../schema/schema.ts'

/** What does not go with a target that is reached over UDP, be it the scenario's or an environment's. */
export function datagramIssues(settings: Partial<ScenarioSettings>): Issue[] {
  const { target, environments = {} } = settings
  const others = Object.entries(environments).map(([name, other]) => ({ path: ['environments', name], target: other }))
  const targets = target ? [{ path: ['target'], target }, ...others] : others
  const overUdp = targets.filter(({ target }) => isDatagramTarget(target))
  return [
    ...targets.flatMap(listenIssues),
    ...overUdp.flatMap(({ path, target }) => {
      if (target.relay?.reset === undefined) return []
      return [issue([...path, 'relay', 'reset'], 'is for TCP: UDP has no connections')]
    }),
    ...(overUdp.length > 0 ? settingIssues(settings) : []),
  ]
}

/** A server that listens for datagrams is to be known as one before it says so. */
function listenIssues({ path, target }: { readonly path: Path; readonly target: Target }): Issue[] {
  const listen = 'serve' in target ? target.options['listen'] : undefined
  if (!String(listen).startsWith('udp://')) return []
  return [conflict([...path, 'options', 'listen'], 'host:port, with over: udp beside serve', show(listen))]
}

function settingIssues({ protocol, load, key, heartbeat }: Partial<ScenarioSettings>): Issue[] {
  if (!protocol) return []
  const { name } = protocol
  if (!datagramProtocols.some(known => known === name)) {
    return [conflict(['protocol'], `${list(datagramProtocols, 'or')} over UDP`, name)]
  }
  const issues: Issue[] = []
  if (key !== undefined) {
    issues.push({
      path: ['key'],
      about: 'key',
      message: 'key is for TCP: over UDP there is no connection to keep it for',
    })
  }
  const hasIds = name === 'rpc' || (name === 'frame' && protocol.id !== undefined)
  if (hasIds) return issues
  const reason = `over UDP with protocol ${name}, whose replies carry no id: one that is lost would be taken for the next`
  if (load && load.pipeline > 1) {
    issues.push(conflict(['load', 'pipeline'], `1 ${reason}`, String(load.pipeline)))
  }
  if (heartbeat?.reply) issues.push(conflict(['heartbeat', 'reply'], `false ${reason}`, 'true'))
  return issues
}
