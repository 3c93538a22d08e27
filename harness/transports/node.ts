import type net from 'node:net'
import tls from 'node:tls'
import { type Clock, monotonicClock } from '../clock.ts'
import type { FailureKind } from '../failures.ts'
import { DirectSocket, type SocketHandlers } from '../socket.ts'
import {
  type Address,
  finished,
  type Loop,
  type Transport,
  type TransportOptions,
  type Written,
  writeQueueBytesMax,
  written,
} from './transport.ts'
import { ViewCache } from './views.ts'

const readBufferBytes = 64 * 1024
/**
 * With a plan: nearer than this to a wake the event loop spins. Its timers count whole milliseconds and are late by one
 * as often as not: sent by them, one request in two would leave half a millisecond late; spinning, in 6 to 30 us.
 */
const spinMs = 1.5
/** A turn of the event loop that took longer had something in it, such as a handshake of TLS. */
const emptyTurnMsMax = 0.1

/** TCP, TLS and unix sockets over Node's own event loop, on every platform. */
export function createNodeTransport(options: TransportOptions, clock: Clock = monotonicClock): Transport {
  return new NodeTransport(options, clock)
}

class NodeTransport implements Transport {
  readonly name = 'node'
  readonly clock: Clock
  /** By turns: one for each source address. */
  readonly #options: readonly net.NetConnectOpts[]
  readonly #firstConnection: number
  readonly #secure: boolean
  /** One for all connections: each read is handed on within the call that made it. */
  readonly #readBuffer = new Uint8Array(readBufferBytes)
  readonly #open: (Connection | undefined)[]
  readonly #views = new ViewCache()
  loop!: Loop
  readonly #isPaced: boolean
  #timer: NodeJS.Timeout | undefined
  #immediate: NodeJS.Immediate | undefined
  #wakeTime = Number.NEGATIVE_INFINITY
  /** With a plan: when the event loop was last looked at while it spins, and whether it has had anything to do since. */
  #spunAt = Number.NaN
  #hadWork = false
  #spinningMs = 0
  #finish: (() => void) | undefined

  constructor(settings: TransportOptions, clock: Clock) {
    const { address, links, sourceAddresses, firstConnection = 0, isPaced = false } = settings
    this.clock = clock
    this.#open = new Array<Connection | undefined>(links).fill(undefined)
    this.#secure = address.scheme === 'tls'
    const options = connectOptions(address)
    this.#options = sourceAddresses?.map(localAddress => ({ ...options, localAddress })) ?? [options]
    this.#firstConnection = firstConnection
    this.#isPaced = isPaced
  }

  connect(link: number): void {
    const options = this.#options[(this.#firstConnection + link) % this.#options.length]!
    this.#open[link] = new Connection(this, link, options, this.#readBuffer, this.#secure)
  }

  write(link: number, bytes: Uint8Array, from: number, to: number): Written {
    const connection = this.#open[link]
    if (connection === undefined || connection.direct.queuedBytes + to - from > writeQueueBytesMax) {
      return written.refused
    }
    return connection.direct.write(this.#views.view(bytes, from, to)) ? written.taken : written.kept
  }

  close(link: number): void {
    const connection = this.#open[link]
    if (connection === undefined) return
    this.#open[link] = undefined
    connection.leave()
  }

  /** Asleep in the kernel, or spinning through turns of the event loop that had nothing in them. */
  get idleMs(): number {
    return performance.eventLoopUtilization().idle + this.#spinningMs
  }

  /** Bytes came in for a connection. */
  received(link: number, buffer: Uint8Array, bytes: number): void {
    this.#hadWork = true
    this.loop.received(link, buffer, 0, bytes, this.clock.now())
  }

  now(): number {
    return this.clock.now()
  }

  wakeAt(time: number): void {
    if (time >= this.#wakeTime || this.#finish === undefined) return
    this.#unschedule()
    this.#schedule(time)
  }

  run(loop: Loop): Promise<void> {
    this.loop = loop
    return new Promise((resolve, reject) => {
      this.#finish = resolve
      this.#fail = reject
      this.#wake()
    })
  }

  /** The connection is gone of itself; answers whether it was still the link's. */
  forget(connection: Connection): boolean {
    if (this.#open[connection.link] !== connection) return false
    this.#open[connection.link] = undefined
    return true
  }

  #fail: (error: unknown) => void = () => {}

  #wake = (): void => {
    const now = this.clock.now()
    // Timers count from when the event loop last looked at its clock, and so may fire early.
    if (now < this.#wakeTime) {
      const turnMs = now - this.#spunAt
      if (!this.#hadWork && turnMs < emptyTurnMsMax) this.#spinningMs += turnMs
      this.#schedule(this.#wakeTime)
      return
    }
    this.#wakeTime = Number.NEGATIVE_INFINITY
    let next: number
    try {
      next = this.loop.wake(now)
    } catch (error) {
      this.#stop()
      this.#fail(error)
      return
    }
    if (next === finished) {
      const finish = this.#finish!
      this.#stop()
      finish()
    } else this.#schedule(next)
  }

  #schedule(time: number): void {
    this.#wakeTime = time
    const now = this.clock.now()
    const wait = time - now
    this.#hadWork = false
    // Only a turn that began by an immediate is a spin: what a timer waits for is sleep.
    this.#spunAt = Number.NaN
    if (!this.#isPaced) this.#timer = setTimeout(this.#wake, Math.ceil(Math.max(1, wait)))
    else if (wait > spinMs + 1) this.#timer = setTimeout(this.#wake, Math.floor(wait - spinMs))
    else {
      this.#spunAt = now
      this.#immediate = setImmediate(this.#wake)
    }
  }

  #unschedule(): void {
    clearTimeout(this.#timer)
    clearImmediate(this.#immediate)
  }

  #stop(): void {
    this.#unschedule()
    this.#finish = undefined
    for (let link = 0; link < this.#open.length; link++) this.close(link)
  }
}

/** One connection of a link, from its connect until it is closed; a link that connects again gets a new one. */
class Connection implements SocketHandlers {
  readonly link: number
  readonly direct: DirectSocket
  readonly #transport: NodeTransport
  #connected = false
  #left = false

  constructor(
    transport: NodeTransport,
    link: number,
    options: net.NetConnectOpts,
    buffer: Uint8Array,
    secure: boolean,
  ) {
    this.#transport = transport
    this.link = link
    this.direct = DirectSocket.connect(options, buffer, this, secure)
  }

  connected(): void {
    if (this.#left) return
    this.#connected = true
    this.#transport.loop.opened(this.link, this.#transport.clock.now())
  }

  data(buffer: Uint8Array, bytes: number): void {
    if (!this.#left) this.#transport.received(this.link, buffer, bytes)
  }

  closed(error: NodeJS.ErrnoException | undefined): void {
    if (this.#left || !this.#transport.forget(this)) return
    this.#left = true
    this.#transport.loop.closed(this.link, failureOf(error, this.#connected), this.#transport.clock.now())
  }

  leave(): void {
    this.#left = true
    this.direct.destroy()
  }
}

function failureOf(error: NodeJS.ErrnoException | undefined, connected: boolean): FailureKind {
  if (connected) return error === undefined ? 'closed-early' : 'reset'
  // Nobody listens: that is what a missing unix socket tells too.
  if (error?.code === 'ECONNREFUSED' || error?.code === 'ENOENT') return 'connect-refused'
  return error?.code === 'ETIMEDOUT' ? 'connect-timeout' : 'connect-failed'
}

/** What node:net and node:tls take for an address. */
export function connectOptions(address: Address): net.NetConnectOpts {
  if (address.scheme === 'unix') return { path: address.path }
  const { host, port } = address
  if (address.scheme !== 'tls') return { host, port }
  const { insecure, verifiedHost, ...settings } = address.tls ?? {}
  const options = { host, port, ...settings, rejectUnauthorized: insecure !== true }
  if (verifiedHost === undefined || settings.servername !== undefined) return options as net.NetConnectOpts
  const checkServerIdentity = (_host: string, certificate: tls.PeerCertificate) =>
    tls.checkServerIdentity(verifiedHost, certificate)
  return { ...options, checkServerIdentity } as net.NetConnectOpts
}
