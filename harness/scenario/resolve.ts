import type { ProtocolSpec } from '../protocols/protocolSpec.ts'
import type { Target } from './scenario.ts'

const defaultPorts = { tcp: 80, tls: 443 } as const

/**
 * A scenario's protocol with what its target says: HTTP's header Host is the host and the port of the address where nothing
 * else was asked for, without a port that is the scheme's own (RFC 9110, 7.2) and without a zone (RFC 6874). Of a server
 * that the run starts the port is known only later, and Host stays as the protocol has it.
 */
export function addressedProtocol({
  protocol,
  target,
}: {
  readonly protocol: ProtocolSpec
  readonly target: Target
}): ProtocolSpec {
  if (protocol.name !== 'http' || protocol.host !== undefined || !('address' in target)) return protocol
  const [, scheme, found, digits] = /^(tcp|tls):\/\/(.+):(\d+)\/?$/.exec(target.address) ?? []
  if (scheme === undefined) return protocol
  const host = found!.replace(/%[^\]]*/, '')
  const port = Number(digits)
  return { ...protocol, host: port === defaultPorts[scheme as 'tcp' | 'tls'] ? host : `${host}:${port}` }
}

/** Whether a target is reached over UDP. */
export function isDatagramTarget(target: Target): boolean {
  return 'serve' in target ? target.over === 'udp' : target.address?.startsWith('udp://') === true
}
