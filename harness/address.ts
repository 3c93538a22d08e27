import { isIPv6 } from 'node:net'
import { InvalidValue } from './invalidValue.ts'

/** The longest path that a unix socket can have on Linux. */
const unixPathBytesMax = 107
const portMax = 65_535

/** A host name or IPv4 address, or an IPv6 address in brackets: the source of a regular expression with no groups. */
export const hostPattern = String.raw`(?:\[[^\]]*\]|[\w.-]+)`

export const addressForms =
  'an address such as tcp://host:port, udp://host:port, tls://host:port, tcp://[::1]:port or unix:/path'

/** Schemes of URLs that are no addresses, each with the address and the protocol that mean the same. */
const urls = {
  http: 'tcp://host:port with protocol http',
  https: 'tls://host:port with protocol http',
  redis: 'tcp://host:port with protocol resp',
  rediss: 'tls://host:port with protocol resp',
  ws: 'tcp://host:port with protocol websocket',
  wss: 'tls://host:port with protocol websocket',
} as const

/** What an address names. The host of an IPv6 address has no brackets. */
export type Endpoint =
  | { readonly scheme: 'tcp' | 'udp' | 'tls'; readonly host: string; readonly port: number }
  | { readonly scheme: 'unix'; readonly path: string }

/** Reads `host:port` (TCP), `tcp://`, `udp://` or `tls://host:port` (IPv6 in brackets) or `unix:/path`; throws an InvalidValue. */
export function parseEndpoint(text: string): Endpoint {
  const path = unixPath(text)
  if (path !== undefined) return { scheme: 'unix', path: checkUnixPath(path) }
  const url = /^(https?|rediss?|wss?):\/\//.exec(text)?.[1] as keyof typeof urls | undefined
  if (url !== undefined) throw new InvalidValue(`an address, not a URL: ${urls[url]}`)
  const [, scheme = 'tcp', place = ''] = /^(?:(tcp|udp|tls):\/\/)?(.*?)\/?$/.exec(text) ?? []
  const { host, port } = hostAndPort(place) ?? {}
  if (host === undefined) throw new InvalidValue(bracketed(text) ?? addressForms)
  if (!(Number(port) >= 1 && Number(port) <= portMax)) throw new InvalidValue(`a port from 1 to ${portMax}`, port)
  return { scheme: scheme as 'tcp' | 'udp' | 'tls', host, port: Number(port) }
}

/** Reads `host:port`, `:port` or a port alone, which may be 0; undefined for other texts. */
export function parseHostPort(text: string): { readonly host?: string; readonly port: number } | undefined {
  const { host, port } = hostAndPort(text) ?? {}
  if (port === undefined || Number(port) > portMax) return undefined
  return { port: Number(port), ...(host !== undefined && { host }) }
}

/** An address with its scheme: `tcp://` is what `host:port` alone means. */
export function withScheme(address: string): string {
  return new RegExp(`^${hostPattern}:`).test(address) && !/^(?:unix:|[\w.-]+:\/\/)/.test(address)
    ? `tcp://${address}`
    : address
}

/** The path in `unix:/path` or `unix:///path`; undefined where the text does not begin so. */
export function unixPath(text: string): string | undefined {
  return /^unix:(?:\/\/(?=\/))?(.*)$/s.exec(text)?.[1]
}

/** The address of an endpoint, as `parseEndpoint` reads it. */
export function formatEndpoint(endpoint: Endpoint): string {
  if (endpoint.scheme === 'unix') return `unix:${endpoint.path}`
  return `${endpoint.scheme}://${formatHost(endpoint.host)}:${endpoint.port}`
}

/** A host as an address writes it: IPv6 in brackets. */
export function formatHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

/** What is expected of a text in which only the brackets of an IPv6 address are missing; undefined for other texts. */
export function bracketed(text: string): string | undefined {
  const whole = withBrackets(text)
  return whole && `an IPv6 address in brackets: ${whole}`
}

/** `tcp://[::1]:80` for `tcp://::1:80`; undefined where there is no IPv6 address with a port, or it has its brackets. */
export function withBrackets(text: string): string | undefined {
  const [, scheme = '', host = '', rest] = /^([a-z]+:\/\/)?([^/[\]]+)(:\d+(?:\/.*)?)$/.exec(text) ?? []
  return isIPv6(host) ? `${scheme}[${host}]${rest}` : undefined
}

function hostAndPort(text: string): { readonly host?: string; readonly port: string } | undefined {
  const [, shown, port] = new RegExp(`^(?:(${hostPattern})?:)?(\\d+)$`).exec(text) ?? []
  if (port === undefined) return undefined
  if (shown === undefined) return { port }
  if (!shown.startsWith('[')) return { host: shown, port }
  const host = shown.slice(1, -1)
  return isIPv6(host) ? { host, port } : undefined
}

function checkUnixPath(path: string): string {
  if (!/^\/[^\0]+$/.test(path)) throw new InvalidValue(addressForms)
  if (Buffer.byteLength(path) <= unixPathBytesMax) return path
  throw new InvalidValue(`a path of at most ${unixPathBytesMax} bytes, the limit of unix sockets`)
}
