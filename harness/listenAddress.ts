import { formatEndpoint, parseHostPort, unixPath } from './address.ts'

/** Where a server listens; port 0 is a free one. */
export type ListenAddress = { readonly host: string; readonly port: number } | { readonly path: string }

/** An address to listen on for TCP, a unix socket or UDP. */
export interface ServerAddress {
  readonly address: ListenAddress
  readonly overUdp: boolean
}

const loopback = '127.0.0.1'
const udpPrefix = 'udp://'

export const serverAddressForms = 'an address such as 127.0.0.1:8080, udp://127.0.0.1:8080 or unix:/path'

/** Reads what `parseListen` or `parseUdpListen` takes; undefined for other texts. */
export function parseServerAddress(text: string): ServerAddress | undefined {
  const overUdp = text.startsWith(udpPrefix)
  const address = overUdp ? parseUdpListen(text) : parseListen(text)
  return address && { address, overUdp }
}

/** Reads `127.0.0.1:8080`, `[::1]:8080`, `:8080`, `8080` or `unix:/path`, also after `tcp://`; undefined for other texts. */
export function parseListen(text: string): ListenAddress | undefined {
  const path = unixPath(text)
  if (path !== undefined) return path === '' ? undefined : { path }
  const address = parseHostPort(text.replace(/^tcp:\/\//, ''))
  return address && { host: loopback, ...address }
}

/** Reads `udp://127.0.0.1:8080` and the like: `udp://` before a host and port; undefined for other texts. */
export function parseUdpListen(text: string): Extract<ListenAddress, { host: string }> | undefined {
  const rest = text.startsWith(udpPrefix) ? text.slice(udpPrefix.length) : ''
  const address = rest.includes('://') ? undefined : parseListen(rest)
  return address === undefined || 'path' in address ? undefined : address
}

/** An address as a URL: `tcp://127.0.0.1:8080` or `unix:/path`. */
export function formatListen(address: ListenAddress, scheme: 'tcp' | 'udp' = 'tcp'): string {
  return formatEndpoint('path' in address ? { scheme: 'unix', ...address } : { scheme, ...address })
}
