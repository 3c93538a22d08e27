import { isIP, isIPv6 } from 'node:net'
import { InvalidValue } from './invalidValue.ts'

/** The longest path that a unix socket can have on Linux. */
const unixPathBytesMax = 107

export const addressForms =
  'an address such as tcp://host:port, udp://host:port, tls://host:port, tcp://[::1]:port or unix:/path'

/** What `volley run` takes, or might be thought to take, as a URL: the address and the protocol that it stands for. */
const urls = {
  http: 'tcp://host:port with protocol http',
  https: 'tls://host:port with protocol http',
  redis: 'tcp://host:port with protocol resp',
  rediss: 'tls://host:port with protocol resp',
} as const

/** The scheme of `tcp://`, `udp://` or `tls://host:port` (IPv6 in brackets) or `unix:/path`; throws a InvalidValue for other texts. */
export function checkAddress(text: string): 'tcp' | 'udp' | 'tls' | 'unix' {
  const path = /^unix:(?:\/\/)?(\/[^\0]+)$/.exec(text)?.[1]
  if (path !== undefined) {
    if (Buffer.byteLength(path) <= unixPathBytesMax) return 'unix'
    throw new InvalidValue(`a path of at most ${unixPathBytesMax} bytes, as unix sockets have`)
  }
  const url = /^(https?|rediss?):\/\//.exec(text)?.[1] as keyof typeof urls | undefined
  if (url !== undefined) throw new InvalidValue(`an address, not a URL: ${urls[url]}`)
  const [, scheme, bracketed, name, port] = /^(tcp|udp|tls):\/\/(?:\[([^\]]*)\]|([\w.-]+)):(\d+)\/?$/.exec(text) ?? []
  if (scheme === undefined || (name === undefined && !isIPv6(bracketed!))) throw new InvalidValue(addressForms)
  if (Number(port) < 1 || Number(port) > 65_535) throw new InvalidValue('a port from 1 to 65535', port)
  return scheme as 'tcp' | 'udp' | 'tls'
}

/** 4 or 6 where the host of an address is an IP address; 0 where it is a name, or a path. */
export function addressFamily(text: string): 0 | 4 | 6 {
  const [, bracketed, name] = /^\w+:\/\/(?:\[([^\]]*)\]|([\w.-]+)):/.exec(text) ?? []
  return isIP(bracketed ?? name ?? '') as 0 | 4 | 6
}
