import { formatHost, parseEndpoint } from '../address.ts'
import type { SpokenProtocol } from '../protocols/composed.ts'
import { layerSettings } from '../protocols/layers/settings.ts'
import type { ProtocolSpec } from '../protocols/protocolSpec.ts'
import type { Scenario, Target } from './scenario.ts'

const defaultPorts = { tcp: 80, tls: 443 } as const

/**
 * The protocol of a scenario with its layers, and whether it runs over UDP. Target, plan, workers and torture all take
 * it from here.
 */
export function resolveProtocol(
  scenario: Pick<Scenario, 'protocol' | 'target' | 'layers' | 'layerKey'>,
): SpokenProtocol {
  const layers = layerSettings(scenario)
  return {
    spec: withHost(scenario.protocol, scenario.target),
    ...(layers && { layers }),
    overUdp: isDatagramTarget(scenario.target),
  }
}

/** Whether a target is reached over UDP. */
export function isDatagramTarget(target: Target): boolean {
  return 'serve' in target ? target.over === 'udp' : target.address?.startsWith('udp://') === true
}

/** What `{{targetHost}}` is where `hostOf` does not know it, as in HTTP. */
export const hostDefault = 'localhost'

/**
 * What HTTP's header Host names: the host and the port of a target's address, without a port that is the scheme's own
 * (RFC 9110, 7.2) and without a zone (RFC 6874). Undefined for a server that the run starts, whose port is known only
 * later, and for other addresses.
 */
export function hostOf(target: Target): string | undefined {
  // Only a command's address has `{port}` in it, and no address has braces otherwise.
  if (!('address' in target) || target.address === undefined || target.address.includes('{port}')) return undefined
  const endpoint = parseEndpoint(target.address)
  if (endpoint.scheme !== 'tcp' && endpoint.scheme !== 'tls') return undefined
  const host = formatHost(endpoint.host.replace(/%.*/, ''))
  return endpoint.port === defaultPorts[endpoint.scheme] ? host : `${host}:${endpoint.port}`
}

/** HTTP's header Host is that of the target, unless the scenario sets it; where it is not known, as the protocol has it. */
function withHost(protocol: ProtocolSpec, target: Target): ProtocolSpec {
  if (protocol.name !== 'http' || protocol.host !== undefined) return protocol
  const host = hostOf(target)
  return host === undefined ? protocol : { ...protocol, host }
}
