import { lookup } from 'node:dns/promises'
import { isIP, isIPv6, SocketAddress } from 'node:net'
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

/** Looks up a host name once, so that no connection waits for it; throws a UserError if there is no such host. */
export async function resolveUpstream(upstream: Upstream): Promise<Upstream> {
  if (upstream.scheme === 'unix') return upstream
  const host = await numericHost(upstream.host)
  return { ...upstream, host: loopbacks[host] ?? host }
}

/** The address of a host as the system writes it, which identifies the sender of a datagram. */
async function numericHost(host: string): Promise<string> {
  if (isIP(host) !== 0) {
    return new SocketAddress({ address: host, family: isIPv6(host) ? 'ipv6' : 'ipv4' }).address
  }
  try {
    const { address } = await lookup(host)
    return address
  } catch (error) {
    throw new UserError([{ place: '--to', message: `cannot find the host "${host}": ${messageOf(error)}` }])
  }
}
