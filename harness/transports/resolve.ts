import dgram from 'node:dgram'
import { lookup } from 'node:dns/promises'
import net from 'node:net'
import tls from 'node:tls'
import { parseEndpoint, unixPath } from '../address.ts'
import { messageOf, UserError } from '../errors.ts'
import { connectOptions } from './node.ts'
import type { Address, TlsSettings } from './transport.ts'

/** How long to wait for the refusal of a datagram. */
const refusalMsMax = 100

/**
 * Reads `tcp://`, `udp://` or `tls://host:port` or `unix:/path`; throws a UserError for other texts. A path may be
 * relative: servers of ours print the path they listen at as it was given to them.
 */
export function parseAddress(text: string, tlsSettings: TlsSettings = {}): Address {
  const path = unixPath(text)
  if (path !== undefined) return { scheme: 'unix', path }
  try {
    const endpoint = parseEndpoint(text)
    return endpoint.scheme === 'tls' ? { ...endpoint, scheme: 'tls', tls: tlsSettings } : endpoint
  } catch (error) {
    throw new UserError(messageOf(error))
  }
}

/** Looks a host name up once, so that no connect waits for it; TLS still names the host itself. */
export async function resolveAddress(address: Address): Promise<Address> {
  if (address.scheme === 'unix' || net.isIP(address.host)) return address
  try {
    const { address: host } = await lookup(address.host)
    if (address.scheme !== 'tls') return { ...address, host }
    return { ...address, host, tls: { servername: address.host, ...address.tls } }
  } catch (error) {
    throw new UserError(`cannot find the host "${address.host}": ${messageOf(error)}`)
  }
}

/** Whether packets to the address stay on this machine. */
export function isLocal(address: Address): boolean {
  if (address.scheme === 'unix') return true
  return address.host === '::1' || address.host.startsWith('127.') || address.host === '0.0.0.0'
}

/** Connects once and closes; rejects with the error in words, or with the signal's reason. */
export function probe(address: Address, signal: AbortSignal): Promise<void> {
  if (address.scheme === 'udp') return probeDatagram(address, signal)
  return new Promise((resolve, reject) => {
    const options = connectOptions(address)
    const secure = address.scheme === 'tls'
    const socket = secure ? tls.connect(options as tls.ConnectionOptions) : net.connect(options)
    const giveUp = () => end(signal.reason)
    signal.addEventListener('abort', giveUp)
    if (signal.aborted) giveUp()
    function end(error?: Error): void {
      signal.removeEventListener('abort', giveUp)
      socket.destroy()
      if (error) reject(error)
      else resolve()
    }
    socket.once(secure ? 'secureConnect' : 'connect', () => end())
    socket.once('error', (error: NodeJS.ErrnoException) => end(new Error(connectErrorText(error))))
  })
}

/** Sends an empty datagram. If nothing listens there, ICMP reports it; silence means that something does. */
function probeDatagram({ host, port }: { host: string; port: number }, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = dgram.createSocket(net.isIPv6(host) ? 'udp6' : 'udp4')
    const giveUp = () => end(signal.reason)
    const silence = setTimeout(() => end(), refusalMsMax)
    let isOver = false
    function end(error?: Error): void {
      if (isOver) return
      isOver = true
      clearTimeout(silence)
      signal.removeEventListener('abort', giveUp)
      socket.close()
      if (error) reject(error)
      else resolve()
    }
    const refused = (error: NodeJS.ErrnoException) => end(new Error(connectErrorText(error)))
    socket.on('error', refused)
    signal.addEventListener('abort', giveUp)
    if (signal.aborted) return giveUp()
    socket.connect(port, host, () => {
      if (!isOver) socket.send(new Uint8Array(0), error => error && refused(error))
    })
  })
}

/** In words, why a connection could not be made, or broke. */
export function connectErrorText(error: NodeJS.ErrnoException): string {
  const known: Record<string, string> = {
    ECONNREFUSED: 'connection refused',
    ENOENT: 'no such socket',
    EADDRNOTAVAIL: 'no free local port, or no such local address',
    EMFILE: 'no free file descriptor in this process',
    ENFILE: 'no free file descriptor on this machine',
    EHOSTUNREACH: 'host unreachable',
    ENETUNREACH: 'network unreachable',
    ETIMEDOUT: 'connection timed out',
    EACCES: 'permission denied',
    ECONNRESET: 'connection reset',
    EPIPE: 'connection closed',
  }
  return known[error.code ?? ''] ?? (error.message || error.code || 'unknown error')
}
