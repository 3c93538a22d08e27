import dgram from 'node:dgram'
import net from 'node:net'
import tls from 'node:tls'
import { formatHost } from '../address.ts'
import { startDeadline } from '../deadline.ts'
import { messageOf } from '../errors.ts'
import { connectOptions } from './node.ts'
import type { Address } from './transport.ts'

/** How long to wait for the refusal of a datagram. */
const refusalMsMax = 100
/** How long to wait, after a TLS 1.3 handshake, for the server's word on the client's certificate: at least so long. */
const alertMsMin = 100
/** All addresses of a host together are tried for about this long. */
const probeMsMax = 15_000
/** No address of several is given up sooner, unless the user wants that. */
const eachMsMin = 1000

/** Tries addresses in turn; the first that accepts a connection, or a rejection that names each address and its reason. */
export async function firstToAccept(
  addresses: readonly Address[],
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Address> {
  const eachMs = Math.min(timeoutMs, Math.max(eachMsMin, probeMsMax / addresses.length))
  const reasons: string[] = []
  for (const address of addresses) {
    // The silence of a datagram server is its answer, and takes its own time.
    const deadline = startDeadline(address.scheme === 'udp' ? Math.max(eachMs, 2 * refusalMsMax) : eachMs, signal)
    try {
      await probe(address, deadline.signal)
      return address
    } catch (error) {
      if (signal?.aborted) throw error
      reasons.push(addresses.length === 1 ? messageOf(error) : `${placeOf(address)}: ${messageOf(error)}`)
    } finally {
      deadline.end()
    }
  }
  throw new Error(reasons.join('; '))
}

/** Connects once and closes; rejects with the error in words, or with the signal's reason. */
export function probe(address: Address, signal: AbortSignal): Promise<void> {
  if (address.scheme === 'udp') return probeDatagram(address, signal)
  return new Promise((resolve, reject) => {
    const startedAt = performance.now()
    const options = connectOptions(address)
    const secure = address.scheme === 'tls'
    const socket = secure ? tls.connect(options as tls.ConnectionOptions) : net.connect(options)
    let silence: NodeJS.Timeout | undefined
    const giveUp = () => end(signal.reason)
    function end(error?: Error): void {
      clearTimeout(silence)
      signal.removeEventListener('abort', giveUp)
      socket.destroy()
      if (error) reject(error)
      else resolve()
    }
    // In TLS 1.3 the client is done before the server has looked at its certificate: tickets, or data, say that it has.
    function waitForAlert(): void {
      silence = setTimeout(() => end(), Math.max(alertMsMin, performance.now() - startedAt))
      for (const event of ['session', 'data', 'end']) socket.once(event, () => end())
    }
    socket.on('error', (error: NodeJS.ErrnoException) => end(new Error(connectErrorText(error))))
    if (secure) {
      socket.once('secureConnect', () => {
        if ((socket as tls.TLSSocket).getProtocol() === 'TLSv1.3') waitForAlert()
        else end()
      })
    } else socket.once('connect', () => end())
    signal.addEventListener('abort', giveUp)
    if (signal.aborted) giveUp()
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

const noClientCertificate = 'the server wants a client certificate: set tls.cert and tls.key in the scenario'

const connectErrors: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOENT: 'no such socket',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  EADDRNOTAVAIL: 'there is no local address or no free local port to connect from',
  ETIMEDOUT: 'connection timed out',
  EACCES: 'permission denied',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection closed',
  EMFILE: 'this process may open no more files ("ulimit -n")',
  ENFILE: 'this machine has no more files to open',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: noClientCertificate,
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE:
    'the server refused the TLS handshake: it wants a client certificate (tls.cert and tls.key), or no cipher suits both',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'the server does not know the authority that signed the client certificate',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'the server refused the client certificate',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: 'the server refused the client certificate',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: 'the server says that the client certificate has expired',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'the server speaks no version of TLS that this client does',
  ERR_SSL_TLSV1_UNRECOGNIZED_NAME: 'the server does not know this host name (tls.servername)',
  ERR_SSL_WRONG_VERSION_NUMBER: 'the server answered something other than TLS',
}

/** In words, why a connection could not be made, or broke. */
export function connectErrorText(error: NodeJS.ErrnoException): string {
  return connectErrors[error.code ?? ''] ?? (error.message || error.code || 'unknown error')
}

function placeOf(address: Address): string {
  return address.scheme === 'unix' ? address.path : formatHost(address.host)
}
