import type { ProtocolSpec } from '../protocols/catalog.ts'
import type { Scenario } from './scenario.ts'

const defaultPorts = { tcp: '80', tls: '443' } as const

/**
 * A scenario's protocol with what its target says: HTTP's header Host is the host and the port of the address where nothing
 * else was asked for, without a port that is the scheme's own, as RFC 9110 (7.2) has it.
 */
export function addressedProtocol({ protocol, target }: Pick<Scenario, 'protocol' | 'target'>): ProtocolSpec {
  if (protocol.name !== 'http' || protocol.host !== undefined || !('address' in target)) return protocol
  const [, scheme, host, port] = /^(tcp|tls):\/\/(.+):(\d+)\/?$/.exec(target.address) ?? []
  if (scheme === undefined) return protocol
  return { ...protocol, host: port === defaultPorts[scheme as 'tcp' | 'tls'] ? host! : `${host}:${port}` }
}
