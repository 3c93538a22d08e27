import net from 'node:net'
import { Leftovers } from '../harness/protocols/framing.ts'
import { incomplete, type Protocol, tooLarge } from '../harness/protocols/protocol.ts'
import { DirectSocket, type SocketHandlers } from '../harness/socket.ts'
import { boundAddress, type ListenAddress, listenError } from './listen.ts'
import { Replies } from './replies.ts'

/** Bytes of replies that a connection may have waiting; while there are more, nothing is read from it. */
export const sendQueueBytesMax = 16 * 1024 * 1024
/** The same bound for short replies, of which each one that waits costs an object. */
const sendQueueWritesMax = 4096
/** How long a connection that we have ended may take to end its side, or to read what still waits for it. */
const lingerMs = 1000
const lingerQueuedMs = 4000
/**
 * A server that is to stop goes on with each connection until nothing has come in for `quietMs`, longer than TCP holds
 * an acknowledgement, and with it the bytes behind it, back (40 ms on Linux); but with none for more than `readOnMs`.
 */
const quietMs = 50
const readOnMs = 1000
const backlog = 4096
const idleSweepsPerTimeout = 10

/** One read buffer for all connections of the process: what comes in is dealt with before the next read. */
const readBuffer = new Uint8Array(64 * 1024)

/** What a server does with requests; everything else is the same in all of them. */
export interface Service {
  readonly protocol: Protocol
  /** Answers the request in the whole frame `bytes[from, end)`, which is valid during the call only: now or in `finish`. */
  request(connection: Connection, bytes: Uint8Array, from: number, end: number, replies: Replies): void
  /** Answers a frame that is too long, whose header begins at `from`; its bytes are skipped. Without it: closes. */
  overlong?(connection: Connection, bytes: Uint8Array, from: number, replies: Replies): void
  /** Says why a frame that is `malformed` or `tooLarge` is the last thing read of its connection. */
  refuse?(connection: Connection, reason: number, replies: Replies): void
  /** Answers all requests of the connection that can be answered by now and are not. */
  finish?(connection: Connection, replies: Replies): void
  /** How many replies of the connection are yet to come; its end waits for them. */
  pending?(connection: Connection): number
  /** The connection is gone, and its link may be given to another one. */
  closed?(connection: Connection): void
}

/** What a service sees of a connection. */
export interface Connection {
  /** A small number that no other open connection has. */
  readonly link: number
  /** Has `finish` called once this turn of the event loop has brought all its requests. */
  finishLater(): void
  /** Has `finish` called at once; not to be used within a call of the service. */
  finishNow(): void
  /** Has our side ended behind what is answered by now; requests that came in after this one are not looked at. */
  endLater(): void
  /** Leaves the request unanswered: it is counted as rejected, and our side ended as by `endLater`. */
  reject(): void
}

export interface ServerSettings {
  readonly listen: ListenAddress
  readonly service: Service
  readonly connectionsMax?: number
  /** A connection that sends nothing for this long is closed. */
  readonly idleTimeoutMs?: number
}

/** Totals since the start, but for the connections, which are those open now. */
export interface ServerCounters {
  readonly requests: number
  readonly connections: number
  readonly bytesIn: number
  readonly bytesOut: number
  /** Messages that were too long or malformed, and connections over the bound. */
  readonly rejected: number
}

export interface RunningServer {
  readonly address: ListenAddress
  counters(): ServerCounters
  /** Stops accepting, answers what is in hand, closes every connection; resolves when all are closed, in 5 s at most. */
  stop(): Promise<void>
}

/** Starts to listen; throws a UserError where that cannot be. */
export async function startServer(settings: ServerSettings): Promise<RunningServer> {
  const server = new FramingServer(settings)
  await server.listen()
  return server
}

class FramingServer implements RunningServer {
  address: ListenAddress
  readonly #listener: net.Server
  readonly #service: Service
  readonly #protocol: Protocol
  readonly #leftovers = new Leftovers()
  readonly #replies = new Replies()
  readonly #connections = new Set<ServedConnection>()
  readonly #freeLinks: number[] = []
  #links = 0
  #requests = 0
  #bytesIn = 0
  #rejected = 0
  #sweeps = 0
  #sweepTimer: NodeJS.Timeout | undefined
  #unfinished: ServedConnection[] = []
  #allClosed: (() => void) | undefined

  constructor({ listen, service, connectionsMax = Number.POSITIVE_INFINITY, idleTimeoutMs }: ServerSettings) {
    this.address = listen
    this.#service = service
    this.#protocol = service.protocol
    const options = { pauseOnConnect: true, noDelay: true, allowHalfOpen: true }
    this.#listener = net.createServer(options, accepted => {
      if (this.#connections.size < connectionsMax) return this.#accept(accepted)
      this.#rejected++
      accepted.destroy()
    })
    if (idleTimeoutMs !== undefined) {
      this.#sweepTimer = setInterval(() => this.#sweep(), idleTimeoutMs / idleSweepsPerTimeout).unref()
    }
  }

  listen(): Promise<void> {
    const { address } = this
    return new Promise((resolve, reject) => {
      this.#listener.once('error', error => reject(listenError(address, error)))
      this.#listener.listen({ ...address, backlog }, () => {
        this.#listener.removeAllListeners('error')
        // From here on an error is a connection that could not be accepted, as for want of file descriptors.
        this.#listener.on('error', () => this.#rejected++)
        this.address = boundAddress(this.#listener)
        resolve()
      })
    })
  }

  counters(): ServerCounters {
    return {
      requests: this.#requests,
      connections: this.#connections.size,
      bytesIn: this.#bytesIn,
      bytesOut: this.#replies.bytesOut,
      rejected: this.#rejected,
    }
  }

  async stop(): Promise<void> {
    this.#listener.close()
    clearInterval(this.#sweepTimer)
    // What has been sent by now is in hand, though some of it may still be on its way.
    const deadline = performance.now() + readOnMs
    let reading = [...this.#connections]
    while (reading.length > 0 && performance.now() < deadline) {
      this.#sweeps++
      await new Promise(resolve => setTimeout(resolve, quietMs))
      const quiet = reading.filter(connection => connection.activeSweep !== this.#sweeps && !connection.paused)
      for (const connection of quiet) this.end(connection)
      reading = reading.filter(connection => !connection.over)
    }
    for (const connection of reading) this.end(connection)
    if (this.#connections.size === 0) return
    // Replies that are yet to come are waited for, but not for ever.
    const forced = setTimeout(() => this.#destroyAll(), lingerQueuedMs)
    await new Promise<void>(resolve => (this.#allClosed = resolve))
    clearTimeout(forced)
  }

  received(connection: ServedConnection, buffer: Uint8Array, length: number): void {
    this.#bytesIn += length
    if (connection.over) return
    connection.activeSweep = this.#sweeps
    let from = 0
    if (connection.skipBytes > 0) {
      from = Math.min(length, connection.skipBytes)
      connection.skipBytes -= from
      if (from === length) return
    }
    this.#answer(connection, buffer, from, length)
  }

  drained(connection: ServedConnection): void {
    connection.queuedWrites = 0
    if (!connection.paused || connection.over) return
    connection.paused = false
    // Requests may have been left over because their replies had no room.
    this.#answer(connection, readBuffer, 0, 0)
    if (!connection.paused) connection.socket.socket.resume()
  }

  /**
   * Answers what is in hand and ends our side, at once or when the replies yet to come are out; what still comes in is
   * thrown away until the other side ends its own.
   */
  end(connection: ServedConnection): void {
    if (connection.over) return
    this.#finish(connection)
    if ((this.#service.pending?.(connection) ?? 0) > 0) {
      connection.ending = true
      return
    }
    connection.over = true
    const { socket } = connection
    this.#leftovers.drop(connection.link)
    socket.end()
    socket.socket.resume()
    const wait = socket.queuedBytes > 0 ? lingerQueuedMs : lingerMs
    connection.lingering = setTimeout(() => socket.destroy(), wait)
  }

  finishLater(connection: ServedConnection): void {
    if (this.#unfinished.push(connection) === 1) setImmediate(() => this.#finishAll())
  }

  finishNow(connection: ServedConnection): void {
    if (connection.over) return
    this.#finish(connection)
    if (connection.ending) this.end(connection)
    else this.#holdBack(connection)
  }

  reject(connection: ServedConnection): void {
    this.#rejected++
    connection.ending = true
  }

  closed(connection: ServedConnection): void {
    clearTimeout(connection.lingering)
    connection.over = true
    this.#connections.delete(connection)
    this.#leftovers.drop(connection.link)
    this.#service.closed?.(connection)
    this.#freeLinks.push(connection.link)
    if (this.#connections.size === 0) this.#allClosed?.()
  }

  #accept(accepted: net.Socket): void {
    const connection = new ServedConnection(this, this.#freeLinks.pop() ?? this.#links++)
    connection.activeSweep = this.#sweeps
    this.#connections.add(connection)
    connection.socket = DirectSocket.accept(accepted, readBuffer, connection, true)
  }

  /** Takes the whole frames out of what is left over and `buffer[from, to)`, and writes the replies at once. */
  #answer(connection: ServedConnection, buffer: Uint8Array, from: number, to: number): void {
    const service = this.#service
    const replies = this.#replies
    const { link, socket } = connection
    this.#leftovers.join(link, buffer, from, to)
    const { bytes } = this.#leftovers
    from = this.#leftovers.from
    to = this.#leftovers.to
    replies.start(socket)
    while (from < to && !connection.ending && socket.queuedBytes <= sendQueueBytesMax) {
      const end = this.#protocol.frameEnd(bytes, from, to, 0)
      if (end === incomplete) break
      if (end > 0) {
        this.#requests++
        service.request(connection, bytes, from, end, replies)
        from = end
        continue
      }
      this.#rejected++
      const announced =
        end === tooLarge && service.overlong ? (this.#protocol.announcedBytes?.(bytes, from, to) ?? 0) : 0
      if (announced > 0) {
        this.#requests++
        service.overlong?.(connection, bytes, from, replies)
        connection.skipBytes = Math.max(0, announced - (to - from))
        from = Math.min(to, from + announced)
      } else {
        connection.ending = true
        service.refuse?.(connection, end, replies)
      }
    }
    replies.flush()
    this.#leftovers.keep(link, bytes, connection.ending ? to : from, to)
    if (connection.ending) this.end(connection)
    else this.#holdBack(connection)
  }

  #holdBack(connection: ServedConnection): void {
    const { socket } = connection
    if (socket.queuedBytes === 0) {
      connection.queuedWrites = 0
      return
    }
    connection.queuedWrites++
    if (socket.queuedBytes <= sendQueueBytesMax && connection.queuedWrites <= sendQueueWritesMax) return
    connection.paused = true
    socket.socket.pause()
  }

  #finishAll(): void {
    const connections = this.#unfinished
    this.#unfinished = []
    for (const connection of connections) {
      if (connection.over) continue
      this.#finish(connection)
      this.#holdBack(connection)
    }
  }

  #finish(connection: ServedConnection): void {
    if (this.#service.finish === undefined) return
    this.#replies.start(connection.socket)
    this.#service.finish(connection, this.#replies)
    this.#replies.flush()
  }

  #destroyAll(): void {
    for (const { socket } of this.#connections) socket.destroy()
  }

  #sweep(): void {
    this.#sweeps++
    for (const connection of this.#connections) {
      if (this.#sweeps - connection.activeSweep > idleSweepsPerTimeout) this.end(connection)
    }
  }
}

class ServedConnection implements Connection, SocketHandlers {
  socket!: DirectSocket
  /** Bytes of an over-long frame still to be thrown away. */
  skipBytes = 0
  /** Readable events whose replies wait behind others. */
  queuedWrites = 0
  /** Nothing is read until the replies have gone. */
  paused = false
  /** Our side is to be ended once what is answered by now is written. */
  ending = false
  /** Our side is ended, or all of it is gone. */
  over = false
  lingering: NodeJS.Timeout | undefined
  /** The number of the last sweep before something came in. */
  activeSweep = 0
  readonly #server: FramingServer
  readonly link: number

  constructor(server: FramingServer, link: number) {
    this.#server = server
    this.link = link
  }

  data(buffer: Uint8Array, bytes: number): void {
    this.#server.received(this, buffer, bytes)
  }

  ended(): void {
    this.#server.end(this)
  }

  drained(): void {
    this.#server.drained(this)
  }

  closed(): void {
    this.#server.closed(this)
  }

  finishLater(): void {
    this.#server.finishLater(this)
  }

  finishNow(): void {
    this.#server.finishNow(this)
  }

  endLater(): void {
    this.ending = true
  }

  reject(): void {
    this.#server.reject(this)
  }
}
