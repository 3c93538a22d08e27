import { isIPv6 } from 'node:net'
import { Misfit } from './misfit.ts'

/** The longest path that a unix socket can have on Linux. */
const unixPathBytesMax = 107

export const addressForms = 'an address such as tcp://host:port, tls://host:port, tcp://[::1]:port or unix:/path'

/** The scheme of `tcp://host:port`, `tls://host:port` (IPv6 in brackets) or `unix:/path`; throws a Misfit for other texts. */
export function checkAddress(text: string): 'tcp' | 'tls' | 'unix' {
  const path = /^unix:(?:\/\/)?(\/[^\0]+)$/.exec(text)?.[1]
  if (path !== undefined) {
    if (Buffer.byteLength(path) <= unixPathBytesMax) return 'unix'
    throw new Misfit(`a path of at most ${unixPathBytesMax} bytes, as unix sockets have`)
  }
  const [, scheme, bracketed, name, port] = /^(tcp|tls):\/\/(?:\[([^\]]*)\]|([\w.-]+)):(\d+)\/?$/.exec(text) ?? []
  if (scheme === undefined || (name === undefined && !isIPv6(bracketed!))) throw new Misfit(addressForms)
  if (Number(port) < 1 || Number(port) > 65_535) throw new Misfit('a port from 1 to 65535', port)
  return scheme as 'tcp' | 'tls'
}
