import net from 'node:net'
import tls from 'node:tls'
import { PartialFrames } from '../protocols/partialFrames.ts'
import { malformed, type Protocol } from '../protocols/protocol.ts'
import { isUnasked } from '../protocols/unasked.ts'
import { connectOptions } from '../transports/node.ts'
import { connectErrorText } from '../transports/probe.ts'
import type { Address } from '../transports/transport.ts'
import { formatSetting } from '../units.ts'
import { ServerFault } from './fault.ts'

/** Replies kept per connection: many more than any trial requests. */
const repliesMax = 4096
/** How long a server may take to close its side of a connection after we have closed ours. */
const lingerMs = 300

/** The parts of a reply that trials look at. */
export interface Reply {
  readonly bytes: number
  readonly id?: number
  readonly type?: number
  readonly status?: number
  readonly isRefusal: boolean
}

/** All connections of a trial, so that each is closed when the trial ends. */
export class RawClients {
  readonly #address: Address
  readonly #protocol: Protocol
  readonly #open = new Set<RawClient>()
  #isOver = false

  constructor(address: Address, protocol: Protocol) {
    this.#address = address
    this.#protocol = protocol
  }

  /** Opens a connection; throws a ServerFault if that fails or takes longer than `ms`. */
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

  /** Closes every connection gracefully, and by force those that the server does not close in turn. */
  async closeGracefully(): Promise<void> {
    const open = [...this.#open]
    for (const client of open) client.closeGracefully()
    await Promise.all(open.map(client => client.until(() => client.isClosed, 2 * lingerMs, 'closed')))
  }

  /** Closes every connection at once; no other can be opened afterwards. */
  destroy(): void {
    this.#isOver = true
    for (const client of this.#open) client.destroy()
  }
}

/** One connection to a server: writes any bytes, and splits what it receives into replies. */
export class RawClient {
  readonly replies: Reply[] = []
  bytesIn = 0
  isConnected = false
  /** The server has sent its last byte. */
  isEnded = false
  isClosed = false
  /** Why the connection broke or could not be opened. */
  error: string | undefined
  /** Why the received bytes are not a message of the protocol; later bytes are only counted. */
  garbage: string | undefined
  /** Length of the next request to be answered, for a protocol without framing. */
  requestBytes = 0
  /** Whether to keep the bytes of replies, because what a handshake sends next may depend on them. */
  keepsReplies = false
  readonly kept: Uint8Array[] = []
  /** The format of the next replies; that of the protocol, unless a step says otherwise. */
  format: Protocol
  readonly #socket: net.Socket
  /** The socket below TLS; without TLS the same socket. */
  readonly #tcp: net.Socket
  readonly #canReset: boolean
  readonly #partialFrames = new PartialFrames()
  readonly #watchers = new Set<() => void>()
  #lingering: NodeJS.Timeout | undefined
  #framedBytes = 0

  constructor(address: Address, protocol: Protocol, closed: () => void) {
    this.format = protocol
    this.#canReset = address.scheme !== 'unix'
    const options = connectOptions(address)
    const isSecure = address.scheme === 'tls'
    const lower = { ...(isSecure ? { host: address.host, port: address.port } : options), allowHalfOpen: true }
    this.#tcp = net.connect({ ...lower, noDelay: true } as net.NetConnectOpts)
    this.#socket = isSecure ? tls.connect({ ...(options as tls.ConnectionOptions), socket: this.#tcp }) : this.#tcp
    this.#socket.once(isSecure ? 'secureConnect' : 'connect', () => {
      this.isConnected = true
      this.#notify()
    })
    this.#socket.on('data', chunk => this.#received(chunk))
    this.#socket.on('end', () => {
      if (this.garbage === undefined) this.#parseEnd()
      this.isEnded = true
      this.#notify()
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
      this.#notify()
    })
  }

  /** Bytes after the last whole reply; 0 with deliveries, which may be incomplete at any time. */
  get partialBytes(): number {
    return this.format.delivery === undefined ? this.bytesIn - this.#framedBytes : 0
  }

  /** Bytes that were written but not yet accepted by the kernel. */
  get queuedBytes(): number {
    return this.#socket.writableLength
  }

  /** No further reply can arrive. */
  get isOver(): boolean {
    return this.isEnded || this.isClosed || this.garbage !== undefined
  }

  /** Writes the bytes; resolves with whether the kernel accepted them all within `ms`. */
  async write(bytes: Uint8Array, ms: number): Promise<boolean> {
    let isAccepted = false
    this.#socket.write(bytes, error => {
      isAccepted = !error
      this.#notify()
    })
    await this.until(() => isAccepted, ms, 'closed')
    return isAccepted
  }

  /**
   * Waits at most `ms` until the condition holds; resolves with whether it does. The wait also ends when no further reply
   * can arrive, or with 'closed' only when the connection is closed.
   */
  until(condition: () => boolean, ms: number, endsWhen: 'over' | 'closed' = 'over'): Promise<boolean> {
    return new Promise(resolve => {
      const isDone = () => condition() || this.isClosed || (endsWhen === 'over' && this.isOver)
      const finish = () => {
        clearTimeout(timer)
        this.#watchers.delete(check)
        resolve(condition())
      }
      const check = () => isDone() && finish()
      const timer = setTimeout(finish, ms)
      this.#watchers.add(check)
      check()
    })
  }

  /** Stops reading: received bytes stay in the kernel, and later ones in the server. */
  pause(): void {
    this.#socket.pause()
  }

  /** Closes our side of the connection and keeps reading. */
  end(): void {
    this.#socket.end()
  }

  /** Closes the connection with a reset; a unix socket, which has no reset, is just closed. */
  reset(): void {
    // The TLS socket follows; destroying it first would close the connection gracefully.
    if (this.#canReset) this.#tcp.resetAndDestroy()
    else this.#tcp.destroy()
  }

  /** Closes our side, and the whole connection once the server has closed its side or after `lingerMs`. */
  closeGracefully(): void {
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
    if (this.garbage === undefined && this.replies.length < repliesMax) this.#parse(chunk)
    this.#notify()
  }

  #parse(chunk: Uint8Array): void {
    this.#partialFrames.join(0, chunk, 0, chunk.length)
    const { bytes, to } = this.#partialFrames
    let at = this.#partialFrames.from
    while (at < to) {
      const end = this.format.frameEnd(bytes, at, to, this.requestBytes)
      if (end < 0) {
        const reason = this.format.explain?.(bytes, at, to)
        const fault = end === malformed ? `not a ${this.format.name} message` : 'a message that is too large'
        this.garbage = reason === undefined ? fault : `${fault}: ${reason}`
        this.#partialFrames.drop(0)
        return
      }
      if (end === 0) break
      // A delivery was caused by another connection and answers no request of this one.
      if (!isUnasked(this.format, bytes, at, end)) this.replies.push(this.#reply(bytes, at, end))
      this.#framedBytes += end - at
      at = end
    }
    this.#partialFrames.keep(0, bytes, at, to)
  }

  /** Takes a reply that lasts until the server closes. */
  #parseEnd(): void {
    this.#partialFrames.show(0)
    const { bytes, from, to } = this.#partialFrames
    const end = this.format.endAtClose?.(bytes, from, to) ?? 0
    if (end <= 0) return
    this.replies.push(this.#reply(bytes, from, end))
    this.#framedBytes += end - from
  }

  #reply(bytes: Uint8Array, from: number, end: number): Reply {
    const { requestId, type, status } = this.format
    if (this.keepsReplies) this.kept.push(bytes.slice(from, end))
    return {
      bytes: end - from,
      isRefusal: this.format.isRefusal?.(bytes, from, end) ?? false,
      ...(requestId && { id: requestId.read(bytes, from, end) }),
      ...(type && { type: type.read(bytes, from) }),
      ...(status && { status: status.read(bytes, from) }),
    }
  }

  #notify(): void {
    for (const watcher of [...this.#watchers]) watcher()
  }
}
