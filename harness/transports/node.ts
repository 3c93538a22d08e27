import type net from 'node:net'
import tls from 'node:tls'
import { formatHost } from '../address.ts'
import { type Clock, monotonicClock } from '../clock.ts'
import type { FailureKind } from '../failures.ts'
import { DirectSocket, type SocketHandlers } from '../socket.ts'
import { connectCause } from './connectCause.ts'
import { EventLoopTransport, type OpenLink } from './eventLoop.ts'
import { systemCertificates } from './systemCertificates.ts'
import {
  type Address,
  type Transport,
  type TransportOptions,
  type Written,
  writeQueueBytesMax,
  written,
} from './transport.ts'

const readBufferBytes = 64 * 1024

/** TCP, TLS and unix sockets over Node's own event loop, on every platform. */
export function createNodeTransport(options: TransportOptions, clock: Clock = monotonicClock): Transport {
  return new NodeTransport(options, clock)
}

class NodeTransport extends EventLoopTransport<Connection> implements Transport {
  readonly name = 'node'
  /** One for each source address, used in turn. */
  readonly #options: readonly net.NetConnectOpts[]
  readonly #secure: boolean
  /** Shared by all connections: each read is passed on within the call that made it. */
  readonly #readBuffer = new Uint8Array(readBufferBytes)

  constructor(settings: TransportOptions, clock: Clock) {
    super(settings, clock)
    const { address, sourceAddresses, socket } = settings
    this.#secure = address.scheme === 'tls'
    const options = { ...connectOptions(address), noDelay: socket?.noDelay ?? true }
    this.#options = sourceAddresses?.map(localAddress => ({ ...options, localAddress })) ?? [options]
  }

  connect(link: number): void {
    const options = this.inTurn(this.#options, link)!
    this.open[link] = new Connection(this, { link, options, buffer: this.#readBuffer, secure: this.#secure })
  }

  write(link: number, bytes: Uint8Array, from: number, to: number): Written {
    const connection = this.open[link]
    if (connection === undefined || connection.direct.queuedBytes + to - from > writeQueueBytesMax) {
      return written.refused
    }
    return connection.direct.write(this.view(bytes, from, to)) ? written.taken : written.kept
  }

  queuedBytes(link: number): number {
    return this.open[link]?.direct.queuedBytes ?? 0
  }

  localAddress(link: number): string | undefined {
    return this.open[link]?.localAddress
  }

  /** Bytes came in for a connection. */
  received(link: number, buffer: Uint8Array, bytes: number): void {
    this.wakes.hadWork = true
    this.loop.received(link, buffer, 0, bytes, this.clock.now())
  }

  /** The kernel has taken all bytes of a connection. */
  drained(link: number): void {
    this.wakes.hadWork = true
    this.loop.drained?.(link, this.clock.now())
  }

  /** The connection has closed by itself; returns whether it was still the link's. */
  forget(connection: Connection): boolean {
    if (this.open[connection.link] !== connection) return false
    this.open[connection.link] = undefined
    return true
  }
}

interface ConnectionOptions {
  readonly link: number
  readonly options: net.NetConnectOpts
  readonly buffer: Uint8Array
  readonly secure: boolean
}

/** One connection of a link, from its connect until it is closed; a link that connects again gets a new one. */
class Connection implements OpenLink, SocketHandlers {
  readonly link: number
  readonly direct: DirectSocket
  readonly #transport: NodeTransport
  readonly #secure: boolean
  readonly #isUnix: boolean
  #connected = false
  #left = false

  constructor(transport: NodeTransport, { link, options, buffer, secure }: ConnectionOptions) {
    this.#transport = transport
    this.link = link
    this.#secure = secure
    this.#isUnix = 'path' in options
    this.direct = DirectSocket.connect(options, buffer, this, { secure })
  }

  /** Undefined over a unix socket, and once the connection is broken. */
  get localAddress(): string | undefined {
    const { localAddress, localPort } = this.direct.socket
    return localPort === undefined ? undefined : `${formatHost(localAddress!)}:${localPort}`
  }

  connected(): void {
    if (this.#left) return
    this.#connected = true
    this.#transport.loop.opened(this.link, this.#transport.clock.now())
  }

  data(buffer: Uint8Array, bytes: number): void {
    if (!this.#left) this.#transport.received(this.link, buffer, bytes)
  }

  drained(): void {
    if (!this.#left) this.#transport.drained(this.link)
  }

  closed(error: NodeJS.ErrnoException | undefined): void {
    if (this.#left || !this.#transport.forget(this)) return
    this.#left = true
    this.#transport.loop.closed(this.link, this.#failureOf(error), this.#transport.clock.now())
  }

  leave(isReset: boolean): void {
    this.#left = true
    if (isReset) this.direct.reset()
    else this.direct.destroy()
  }

  #failureOf(error: NodeJS.ErrnoException | undefined): FailureKind {
    if (this.#connected) return error === undefined ? 'closed-early' : 'reset'
    // With TLS the connection is open before the handshake, and a server that does not want it closes it then.
    const isClosedInHandshake =
      this.#secure && (error === undefined || error.code === 'ECONNRESET' || error.code === 'EPIPE')
    return isClosedInHandshake ? 'handshake-closed' : connectCause(error?.code, this.#isUnix)
  }
}

/** The options of node:net or node:tls to connect to an address. */
export function connectOptions(address: Address): net.NetConnectOpts {
  if (address.scheme === 'unix') return { path: address.path }
  const { host, port } = address
  if (address.scheme !== 'tls') return { host, port }
  const { insecure, verifiedHost, ca, cert, key, ...settings } = address.tls ?? {}
  const trusted = ca ?? (insecure === true ? undefined : systemCertificates())
  // Made once for all connections: reading the certificates of a system takes longer than a handshake.
  const secureContext = tls.createSecureContext({ ca: trusted, cert, key })
  const options = { host, port, ...settings, secureContext, rejectUnauthorized: insecure !== true }
  if (verifiedHost === undefined || settings.servername !== undefined) return options as net.NetConnectOpts
  const checkServerIdentity = (_host: string, certificate: tls.PeerCertificate) =>
    tls.checkServerIdentity(verifiedHost, certificate)
  return { ...options, checkServerIdentity } as net.NetConnectOpts
}
