import { list, show } from '../../invalidValue.ts'
import { datagramProtocols } from '../../protocols/datagram.ts'
import { streamFault } from '../../protocols/picture/faults.ts'
import type { ProtocolSpec } from '../../protocols/protocolSpec.ts'
import { idRange } from '../../protocols/spec.ts'
import { placedRequests } from '../clients.ts'
import { conflict, type Issue, issue, type Path } from '../path.ts'
import { isDatagramTarget } from '../resolve.ts'
import { isOneWay, type Target } from '../scenario.ts'
import type { ScenarioSettings } from '../schema/schema.ts'
import { targetsOf } from './targets.ts'

type Settings = Partial<ScenarioSettings>

/** Settings that cannot be combined with a target over UDP, the scenario's or an environment's. */
export function datagramIssues(settings: Settings): Issue[] {
  const targets = targetsOf(settings)
  const overUdp = targets.filter(({ target }) => isDatagramTarget(target))
  return [
    ...targets.flatMap(listenIssues),
    ...overUdp.flatMap(({ path, target }) => {
      if (target.relay?.reset === undefined) return []
      return [issue([...path, 'relay', 'reset'], 'needs TCP: UDP has no connections')]
    }),
    ...(overUdp.length > 0 ? settingIssues(settings) : []),
    ...(overUdp.length < targets.length ? streamIssues(settings) : []),
  ]
}

/** A stream does not say where a frame ends, as a datagram does. */
function streamIssues({ protocol }: Settings): Issue[] {
  if (protocol?.name !== 'frame' || !('request' in protocol)) return []
  const fault = streamFault(protocol.request) ?? streamFault(protocol.reply)
  return fault === undefined ? [] : [issue(['protocol', 'frame'], fault)]
}

/** Why a protocol, or a key for its handshake, cannot be used over UDP: a message for each setting at fault. */
export function datagramFaults(
  { name }: ProtocolSpec,
  hasKey: boolean,
): { readonly protocol?: string; readonly key?: string } {
  const isServed = datagramProtocols.some(known => known === name)
  return {
    ...(!isServed && { protocol: `expected ${list(datagramProtocols, 'or')} over UDP, got ${name}` }),
    ...(hasKey && { key: 'needs TCP: over UDP there is no connection to authenticate' }),
  }
}

/** `over` has to say that a server is for UDP: its address is known only once it listens. */
function listenIssues({ path, target }: { readonly path: Path; readonly target: Target }): Issue[] {
  const listen = 'serve' in target ? target.options['listen'] : undefined
  if (!String(listen).startsWith('udp://')) return []
  return [conflict([...path, 'options', 'listen'], 'host:port, with over: udp beside serve', show(listen))]
}

function settingIssues(settings: Settings): Issue[] {
  const { protocol, load, key, heartbeat } = settings
  if (!protocol) return []
  const faults = datagramFaults(protocol, key !== undefined)
  if (faults.protocol !== undefined) return [issue(['protocol'], faults.protocol)]
  const issues: Issue[] = []
  // About the key, not its value, so that the message is shown as it is.
  if (faults.key !== undefined) issues.push({ path: ['key'], about: 'key', message: `key ${faults.key}` })
  const { name } = protocol
  const hasIds = name === 'rpc' || (name === 'frame' && idRange(protocol) !== undefined)
  if (hasIds) return issues
  const reason = `over UDP with protocol ${name}: its replies have no id, so the next one would be taken for a lost one`
  if (load && load.pipeline > 1 && !placedRequests(settings).every(({ step }) => isOneWay(step))) {
    issues.push(conflict(['load', 'pipeline'], `1 ${reason}`, String(load.pipeline)))
  }
  if (heartbeat?.reply) issues.push(conflict(['heartbeat', 'reply'], `false ${reason}`, 'true'))
  return issues
}
