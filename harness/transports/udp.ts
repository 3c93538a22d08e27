import dgram from 'node:dgram'
import { isIPv6 } from 'node:net'
import { formatHost } from '../address.ts'
import { type Clock, monotonicClock } from '../clock.ts'
import type { FailureKind } from '../failures.ts'
import { connectCause } from './connectCause.ts'
import { EventLoopTransport, type OpenLink } from './eventLoop.ts'
import {
  type Address,
  type Transport,
  type TransportOptions,
  type Written,
  writeQueueBytesMax,
  written,
} from './transport.ts'

type UdpAddress = Extract<Address, { scheme: 'tcp' | 'udp' }>

/**
 * UDP over node:dgram, on every platform. Each link is a connected socket with a port of its own, each write is a
 * datagram, and each incoming datagram, except for empty ones, is one `received`. That nothing listens is reported
 * through ICMP, only after something was sent, and closes the link.
 */
export function createUdpTransport(options: TransportOptions, clock: Clock = monotonicClock): Transport {
  return new UdpTransport(options, clock)
}

class UdpTransport extends EventLoopTransport<Association> implements Transport {
  readonly name = 'udp'
  readonly address: UdpAddress
  readonly #sources: readonly string[]
  /** The kernel's buffers, as Node names them. */
  readonly buffers: { readonly recvBufferSize?: number; readonly sendBufferSize?: number }

  constructor(options: TransportOptions, clock: Clock) {
    const { address, sourceAddresses = [], socket: { receiveBuffer, sendBuffer } = {} } = options
    if (address.scheme !== 'udp') throw new Error(`the udp transport does not support ${address.scheme}`)
    super(options, clock)
    this.address = address
    this.#sources = sourceAddresses
    this.buffers = {
      ...(receiveBuffer !== undefined && { recvBufferSize: receiveBuffer }),
      ...(sendBuffer !== undefined && { sendBufferSize: sendBuffer }),
    }
  }

  connect(link: number): void {
    this.open[link] = new Association(this, link, this.inTurn(this.#sources, link))
  }

  write(link: number, bytes: Uint8Array, from: number, to: number): Written {
    return this.open[link]?.write(this.view(bytes, from, to)) ?? written.refused
  }

  queuedBytes(link: number): number {
    return this.open[link]?.queuedBytes ?? 0
  }

  localAddress(link: number): string | undefined {
    return this.open[link]?.localAddress
  }

  /** A datagram came in on a link. */
  received(link: number, bytes: Uint8Array): void {
    this.wakes.hadWork = true
    if (bytes.length > 0) this.loop.received(link, bytes, 0, bytes.length, this.clock.now())
  }

  /** The kernel has taken all datagrams of a link. */
  drained(link: number): void {
    this.wakes.hadWork = true
    this.loop.drained?.(link, this.clock.now())
  }

  /** A link has failed: closes it. */
  broken(link: number, cause: FailureKind): void {
    this.close(link)
    this.loop.closed(link, cause, this.clock.now())
  }
}

/** One socket of a link, from its connect until it is closed; a link that connects again gets a new socket and port. */
class Association implements OpenLink {
  readonly #transport: UdpTransport
  readonly #link: number
  readonly #socket: dgram.Socket
  #connected = false
  #left = false
  /** A datagram of it waits for the kernel. */
  #isQueued = false

  constructor(transport: UdpTransport, link: number, source: string | undefined) {
    const { host, port } = transport.address
    this.#transport = transport
    this.#link = link
    // The address is numeric, so no lookup is needed. It is returned on a later turn: connect must not call back.
    const lookup: dgram.SocketOptions['lookup'] = (address, _options, callback) => {
      process.nextTick(callback, null, address, isIPv6(address) ? 6 : 4)
    }
    const socket = dgram.createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4', lookup, ...transport.buffers })
    this.#socket = socket
    socket.on('message', bytes => {
      if (!this.#left) transport.received(link, bytes)
    })
    socket.on('error', this.#failed)
    socket.on('connect', () => {
      if (this.#left) return
      this.#connected = true
      transport.loop.opened(link, transport.clock.now())
    })
    if (source !== undefined) socket.bind({ port: 0, address: source, exclusive: true })
    socket.connect(port, host)
  }

  write(bytes: Uint8Array): Written {
    const socket = this.#socket
    if (!this.#connected || socket.getSendQueueSize() + bytes.length > writeQueueBytesMax) return written.refused
    socket.send(bytes, this.#sent)
    // A datagram that the kernel took at once is not in the queue.
    if (socket.getSendQueueCount() === 0) return written.taken
    this.#isQueued = true
    return written.kept
  }

  get queuedBytes(): number {
    return this.#left ? 0 : this.#socket.getSendQueueSize()
  }

  get localAddress(): string | undefined {
    if (!this.#connected) return undefined
    const { address, port } = this.#socket.address()
    return `${formatHost(address)}:${port}`
  }

  leave(): void {
    this.#left = true
    this.#socket.close()
  }

  /** Closes the link only when nothing listens: any other error loses a single datagram. */
  readonly #sent = (error: Error | null): void => {
    if (error !== null && (error as NodeJS.ErrnoException).code === 'ECONNREFUSED') this.#failed(error)
    else if (this.#isQueued && this.queuedBytes === 0) {
      this.#isQueued = false
      if (!this.#left) this.#transport.drained(this.#link)
    }
  }

  readonly #failed = (error: NodeJS.ErrnoException): void => {
    if (this.#left) return
    const isReset = this.#connected && error.code !== 'ECONNREFUSED'
    this.#transport.broken(this.#link, isReset ? 'reset' : connectCause(error.code, false))
  }
}
