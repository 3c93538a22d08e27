import { lookup } from 'node:dns/promises'
import { connect, isIP, isIPv6, SocketAddress } from 'node:net'
import { messageOf, UserError } from '../../harness/errors.ts'
import { type ListenAddress, parseListen, parseUdpListen } from '../../harness/listenAddress.ts'

export const upstreamForms = 'tcp://host:port, udp://host:port or unix:/path'

/** The server behind a relay. */
export type Upstream =
  | { readonly scheme: 'tcp' | 'udp'; readonly host: string; readonly port: number }
  | { readonly scheme: 'unix'; readonly path: string }

/** Reads `host:port`, which is TCP, or one of `upstreamForms`; undefined for other texts. */
export function parseUpstream(text: string): Upstream | undefined {
  const isUdp = text.startsWith('udp://')
  const address: ListenAddress | undefined = isUdp ? parseUdpListen(text) : parseListen(text)
  if (address === undefined) return undefined
  if ('path' in address) return { scheme: 'unix', path: address.path }
  return address.port === 0 ? undefined : { scheme: isUdp ? 'udp' : 'tcp', ...address }
}

/** Datagrams to the unspecified address go to this machine, and the replies come from the loopback address. */
const loopbacks: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' }

/** How long an address may take to accept the connection that shows which one of a host is served. */
const acceptMsMax = 1000
const addressesMax = 16

/**
 * Looks up a host name once, so that no connection waits for it; throws a UserError if there is no such host. Of several
 * addresses the first that accepts a connection is taken, or the first of all where none does yet.
 */
export async function resolveUpstream(upstream: Upstream, resolve = numericHosts): Promise<Upstream> {
  if (upstream.scheme === 'unix') return upstream
  const hosts = (await resolve(upstream.host)).map(host => loopbacks[host] ?? host)
  const isSure = hosts.length === 1 || upstream.scheme === 'udp'
  const served = isSure ? undefined : await firstServed(hosts.slice(0, addressesMax), upstream.port)
  return { ...upstream, host: served ?? hosts[0]! }
}

async function firstServed(hosts: readonly string[], port: number): Promise<string | undefined> {
  for (const host of hosts) if (await accepts(host, port)) return host
  return undefined
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host, port })
    const end = (isServed: boolean) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(isServed)
    }
    const timer = setTimeout(() => end(false), acceptMsMax)
    socket.on('error', () => end(false))
    socket.once('connect', () => end(true))
  })
}

/** The addresses of a host as the system writes them, which identifies the sender of a datagram. */
async function numericHosts(host: string): Promise<string[]> {
  if (isIP(host) !== 0) {
    return [new SocketAddress({ address: host, family: isIPv6(host) ? 'ipv6' : 'ipv4' }).address]
  }
  try {
    const found = await lookup(host, { all: true, verbatim: true })
    return [...new Set(found.map(({ address }) => address))]
  } catch (error) {
    throw new UserError([{ place: '--to', message: `cannot find the host "${host}": ${messageOf(error)}` }])
  }
}
