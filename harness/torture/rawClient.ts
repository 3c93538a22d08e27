import net from 'node:net'
import tls from 'node:tls'
import { PartialFrames } from '../protocols/partialFrames.ts'
import { malformed, type Protocol } from '../protocols/protocol.ts'
import { connectOptions } from '../transports/node.ts'
import { connectErrorText } from '../transports/resolve.ts'
import type { Address } from '../transports/transport.ts'
import { formatSetting } from '../units.ts'
import { ServerFault } from './fault.ts'

/** Replies that are kept of one connection: many more than any trial asks for. */
const repliesMax = 4096
/** How long a connection that we have ended in order may take to end its side. */
const lingerMs = 300

/** What is looked at in a reply. */
export interface Reply {
  readonly bytes: number
  readonly id?: number
  readonly type?: number
  readonly status?: number
  readonly isRefusal: boolean
}

/** All connections of a trial, so that none outlives it. */
export class RawClients {
  readonly #address: Address
  readonly #protocol: Protocol
  readonly #open = new Set<RawClient>()
  #isOver = false

  constructor(address: Address, protocol: Protocol) {
    this.#address = address
    this.#protocol = protocol
  }

  /** A connection that stands; a ServerFault when there is none within `ms`. */
  async connect(ms: number): Promise<RawClient> {
    if (this.#isOver) throw new ServerFault('the trial is over')
    const client = new RawClient(this.#address, this.#protocol, () => this.#open.delete(client))
    this.#open.add(client)
    await client.until(() => client.isConnected, ms)
    if (client.isConnected) return client
    const error = client.error
    client.destroy()
    throw new ServerFault(error ?? `no connection within ${formatSetting(ms)}`)
  }

  /** Ends every connection in order, and those that the server does not end in turn after all. */
  async leave(): Promise<void> {
    const open = [...this.#open]
    for (const client of open) client.leave()
    await Promise.all(open.map(client => client.until(() => client.isClosed, 2 * lingerMs, true)))
  }

  /** Closes every connection at once, and lets no other be opened. */
  destroy(): void {
    this.#isOver = true
    for (const client of this.#open) client.destroy()
  }
}

/** One connection to a server: writes what it is told, and parts what comes in into replies. */
export class RawClient {
  readonly replies: Reply[] = []
  bytesIn = 0
  isConnected = false
  /** The server has sent its last byte. */
  isEnded = false
  isClosed = false
  /** Why the connection broke, or could not be made. */
  error: string | undefined
  /** What came in is no message of the protocol: from there on it is only counted. */
  garbage: string | undefined
  /** Bytes of the request that is answered next, for a protocol without framing. */
  requestBytes = 0
  /** The last whole reply is kept: during a handshake, whose next request may be made of it. */
  keepsReply = false
  lastReply: Uint8Array = new Uint8Array(0)
  readonly #protocol: Protocol
  readonly #socket: net.Socket
  /** Below TLS, and otherwise the same. */
  readonly #tcp: net.Socket
  readonly #canReset: boolean
  readonly #partialFrames = new PartialFrames()
  readonly #watchers = new Set<() => void>()
  #lingering: NodeJS.Timeout | undefined
  #framedBytes = 0

  constructor(address: Address, protocol: Protocol, closed: () => void) {
    this.#protocol = protocol
    this.#canReset = address.scheme !== 'unix'
    const options = connectOptions(address)
    const isSecure = address.scheme === 'tls'
    const lower = { ...(isSecure ? { host: address.host, port: address.port } : options), allowHalfOpen: true }
    this.#tcp = net.connect({ ...lower, noDelay: true } as net.NetConnectOpts)
    this.#socket = isSecure ? tls.connect({ ...(options as tls.ConnectionOptions), socket: this.#tcp }) : this.#tcp
    this.#socket.once(isSecure ? 'secureConnect' : 'connect', () => {
      this.isConnected = true
      this.#changed()
    })
    this.#socket.on('data', chunk => this.#received(chunk))
    this.#socket.on('end', () => {
      this.isEnded = true
      this.#changed()
    })
    const broken = (error: NodeJS.ErrnoException) => {
      this.error ??= connectErrorText(error)
    }
    this.#socket.on('error', broken)
    if (isSecure) this.#tcp.on('error', broken).on('close', () => this.#socket.destroy())
    this.#socket.on('close', () => {
      this.isClosed = true
      clearTimeout(this.#lingering)
      closed()
      this.#changed()
    })
  }

  /** Bytes behind the last whole reply; where messages come unasked, nobody knows whose they are. */
  get partialBytes(): number {
    return this.#protocol.delivery === undefined ? this.bytesIn - this.#framedBytes : 0
  }

  /** Bytes that were written and that the kernel has not taken. */
  get queuedBytes(): number {
    return this.#socket.writableLength
  }

  /** Nothing more can come in. */
  get isOver(): boolean {
    return this.isEnded || this.isClosed || this.garbage !== undefined
  }

  /** Writes the bytes; whether the kernel has taken them all within `ms`. */
  async write(bytes: Uint8Array, ms: number): Promise<boolean> {
    let isTaken = false
    this.#socket.write(bytes, error => {
      isTaken = !error
      this.#changed()
    })
    await this.until(() => isTaken, ms, true)
    return isTaken
  }

  /**
   * Waits until the condition holds, but no longer than until nothing more can come in, and no longer than `ms`;
   * answers whether it holds. With `untilClosed` only a connection that is gone ends the wait.
   */
  until(condition: () => boolean, ms: number, untilClosed = false): Promise<boolean> {
    return new Promise(resolve => {
      const isSettled = () => condition() || this.isClosed || (!untilClosed && this.isOver)
      const finish = () => {
        clearTimeout(timer)
        this.#watchers.delete(check)
        resolve(condition())
      }
      const check = () => isSettled() && finish()
      const timer = setTimeout(finish, ms)
      this.#watchers.add(check)
      check()
    })
  }

  /** Reads no more: what comes in stays with the kernel, and so with the server. */
  pause(): void {
    this.#socket.pause()
  }

  /** Sends our end, and goes on to read. */
  end(): void {
    this.#socket.end()
  }

  /** Breaks the connection off with a reset; over a unix socket, which has none, by closing it. */
  reset(): void {
    // What is above it, with TLS, goes with it: to destroy that first would end the connection in order.
    if (this.#canReset) this.#tcp.resetAndDestroy()
    else this.#tcp.destroy()
  }

  /** Closes in order: our end, and then no longer than a moment until the server's. */
  leave(): void {
    if (this.isClosed || this.#lingering !== undefined) return
    this.#socket.end()
    if (this.isEnded) this.#socket.destroy()
    else this.#lingering = setTimeout(() => this.destroy(), lingerMs)
    this.#socket.once('end', () => this.#socket.destroy())
  }

  destroy(): void {
    this.#socket.destroy()
    this.#tcp.destroy()
  }

  #received(chunk: Uint8Array): void {
    this.bytesIn += chunk.length
    if (this.garbage === undefined && this.replies.length < repliesMax) this.#part(chunk)
    this.#changed()
  }

  #part(chunk: Uint8Array): void {
    this.#partialFrames.join(0, chunk, 0, chunk.length)
    const { bytes, to } = this.#partialFrames
    let at = this.#partialFrames.from
    while (at < to) {
      const end = this.#protocol.frameEnd(bytes, at, to, this.requestBytes)
      if (end < 0) {
        this.garbage = end === malformed ? `no ${this.#protocol.name} message` : 'a message that is too large'
        this.#partialFrames.drop(0)
        return
      }
      if (end === 0) break
      // What another connection has caused answers nothing of ours.
      const isDelivery = this.#protocol.delivery !== undefined && this.#protocol.delivery(bytes, at, end) >= 0
      if (!isDelivery) this.replies.push(this.#reply(bytes, at, end))
      this.#framedBytes += end - at
      at = end
    }
    this.#partialFrames.keep(0, bytes, at, to)
  }

  #reply(bytes: Uint8Array, from: number, end: number): Reply {
    const { requestId, type, status } = this.#protocol
    if (this.keepsReply) this.lastReply = bytes.slice(from, end)
    return {
      bytes: end - from,
      isRefusal: this.#protocol.isRefusal?.(bytes, from, end) ?? false,
      ...(requestId && { id: requestId.read(bytes, from, end) }),
      ...(type && { type: type.read(bytes, from) }),
      ...(status && { status: status.read(bytes, from) }),
    }
  }

  #changed(): void {
    for (const watcher of [...this.#watchers]) watcher()
  }
}
