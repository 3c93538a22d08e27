import net from 'node:net'
import { PartialFrames } from '../../harness/protocols/partialFrames.ts'
import { incomplete, type Protocol, tooLarge } from '../../harness/protocols/protocol.ts'
import { DirectSocket } from '../../harness/socket.ts'
import { type ConnectionServer, ServedConnection } from './connection.ts'
import { Connections } from './connections.ts'
import type { ServerCounters } from './counters.ts'
import { drain, type EndingServer, lingerQueuedMs } from './drain.ts'
import { IdleTimeout } from './idleTimeout.ts'
import { type ListenAddress, listenAt } from './listen.ts'
import { answerMsMax } from './managedServer.ts'
import { Replies } from './replies.ts'
import type { Service } from './service.ts'

/** Bytes that a connection may have waiting to be sent, unless the settings say otherwise; over it nothing is read. */
export const maxSendBufferBytesDefault = 104_856
/** The same bound for short replies, of which each one that waits costs an object. */
const sendQueueWritesMax = 4096
/**
 * Requests of a connection that may wait for their replies, where a service makes them wait; while there are more,
 * nothing is read from it: else one client that does not stop would fill the memory, and the queue before all others.
 */
export const pendingMax = 16_384
/** Memory for unfinished frames of all connections; one that brings more is closed, and counted as rejected. */
export const unfinishedBytesMaxDefault = 256 * 1024 * 1024
/** How long a connection that we have ended may take to end its side when nothing waits for it any more. */
const lingerMs = 1000

/** One read buffer for all connections of the process: what comes in is dealt with before the next read. */
const readBuffer = new Uint8Array(64 * 1024)

export interface ServerSettings {
  readonly listen: ListenAddress
  readonly service: Service
  readonly connectionsMax?: number
  /** A connection that sends nothing for this long is closed. */
  readonly idleTimeoutMs?: number
  readonly maxSendBufferBytes?: number
  readonly unfinishedBytesMax?: number
}

export interface RunningServer {
  readonly address: ListenAddress
  counters(): ServerCounters
  /** Takes no more connections; those that are there go on. */
  stopAccepting(): void
  /** Requests in hand that were not answered when the server had to stop. */
  readonly unanswered: number
  /** Stops accepting, and goes on until the clients have ended their connections, for so long at most; then stops. */
  retire(withinMs: number): Promise<void>
  /**
   * Stops accepting, answers what is in hand, closes every connection; resolves when all are closed: in 5 s at most where
   * no request waits for its reply, else 4 s after the last reply, and in `answerMs` (60 s) in any case.
   */
  stop(answerMs?: number): Promise<void>
}

/** Starts to listen; throws a UserError where that cannot be. */
export async function startServer(settings: ServerSettings): Promise<RunningServer> {
  const server = new FramingServer(settings)
  await server.listen()
  return server
}

class FramingServer implements RunningServer, ConnectionServer, EndingServer {
  address: ListenAddress
  unanswered = 0
  readonly connections: Connections<ServedConnection>
  readonly #listener: net.Server
  readonly #service: Service
  readonly #protocol: Protocol
  readonly #partialFrames = new PartialFrames()
  readonly #replies = new Replies()
  readonly #maxSendBufferBytes: number
  readonly #unfinishedBytesMax: number
  readonly #idle: IdleTimeout<ServedConnection> | undefined
  #requests = 0
  #bytesIn = 0
  #bytesSent = 0
  #rejected = 0
  #deliveries = 0
  #dropped = 0
  #buffersFull = 0
  #buffersDrained = 0
  /** What a sign of life is marked with: the idle timeout, or without one the turns of waiting for quiet at the end. */
  readonly activity: { tick: number }
  #unfinished: ServedConnection[] = []
  #pendingMax = pendingMax
  #stopped: Promise<void> | undefined
  #whenEmpty: (() => void)[] = []

  constructor(settings: ServerSettings) {
    const { listen, service, connectionsMax = Number.POSITIVE_INFINITY, idleTimeoutMs } = settings
    this.address = listen
    this.connections = new Connections(connectionsMax)
    this.#maxSendBufferBytes = settings.maxSendBufferBytes ?? maxSendBufferBytesDefault
    this.#unfinishedBytesMax = settings.unfinishedBytesMax ?? unfinishedBytesMaxDefault
    this.#service = service
    this.#protocol = service.protocol
    const options = { pauseOnConnect: true, noDelay: true, allowHalfOpen: true }
    this.#listener = net.createServer(options, accepted => {
      if (!this.connections.isFull) return this.#accept(accepted)
      this.#rejected++
      accepted.destroy()
    })
    if (idleTimeoutMs !== undefined) {
      const isBusy = (connection: ServedConnection) => this.pending(connection) > 0
      this.#idle = new IdleTimeout(idleTimeoutMs, connection => this.end(connection), isBusy)
    }
    this.activity = this.#idle ?? { tick: 0 }
  }

  async listen(): Promise<void> {
    this.address = await listenAt(this.#listener, this.address, () => this.#rejected++)
  }

  counters(): ServerCounters {
    return {
      requests: this.#requests,
      connections: this.connections.length,
      bytesIn: this.#bytesIn,
      bytesOut: this.#replies.bytesOut + this.#bytesSent,
      rejected: this.#rejected,
      deliveries: this.#deliveries,
      dropped: this.#dropped,
      buffersFull: this.#buffersFull,
      buffersDrained: this.#buffersDrained,
    }
  }

  stopAccepting(): void {
    this.#listener.close()
  }

  async retire(withinMs: number): Promise<void> {
    this.stopAccepting()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>(resolve => {
      timer = setTimeout(resolve, withinMs)
    })
    await Promise.race([this.empty(), late])
    clearTimeout(timer)
    await this.stop()
  }

  stop(answerMs = answerMsMax): Promise<void> {
    this.#stopped ??= this.#stop(answerMs)
    return this.#stopped
  }

  async #stop(answerMs: number): Promise<void> {
    this.stopAccepting()
    this.#idle?.stop()
    // What has been sent by now is in hand, though some of it may still be on its way, or wait in the kernel.
    this.#takeHeldBack()
    this.unanswered = await drain(this, answerMs)
  }

  /** From now on no connection is held back for its requests in hand: how many they are, only its service bounds. */
  #takeHeldBack(): void {
    this.#pendingMax = Number.POSITIVE_INFINITY
    for (const connection of this.connections) {
      if (!connection.paused || connection.bufferFull) continue
      connection.wasHeldBack = true
      this.#goOn(connection)
    }
  }

  /** Resolves when no connection is left. */
  empty(): Promise<void> {
    if (this.connections.length === 0) return Promise.resolve()
    return new Promise(resolve => {
      this.#whenEmpty.push(resolve)
    })
  }

  received(connection: ServedConnection, buffer: Uint8Array, length: number): void {
    this.#bytesIn += length
    if (connection.over) return
    connection.activeTick = this.activity.tick
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
    if (connection.paused) this.#goOn(connection)
  }

  /**
   * Answers what is in hand and ends our side, at once or when the replies yet to come are out; what still comes in is
   * thrown away until the other side ends its own.
   */
  end(connection: ServedConnection): void {
    if (connection.over) return
    this.#finish(connection)
    if (this.pending(connection) > 0) {
      connection.ending = true
      return
    }
    connection.over = true
    const { socket } = connection
    this.#partialFrames.drop(connection.link)
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
    // What goes out puts off the idle timeout, but not the quiet that a server which is to stop waits for.
    if (this.#stopped === undefined) connection.activeTick = this.activity.tick
    this.#finish(connection)
    if (connection.ending) this.end(connection)
    else if (connection.paused && connection.socket.queuedBytes === 0) this.#goOn(connection)
    else this.#holdBack(connection)
  }

  reject(connection: ServedConnection): void {
    this.#rejected++
    connection.ending = true
  }

  refuse(connection: ServedConnection, last: Uint8Array): void {
    if (connection.over || connection.ending) return
    this.#rejected++
    this.#bytesSent += last.length
    connection.socket.write(last)
    this.end(connection)
  }

  drop(connection: ServedConnection): void {
    if (connection.over) return
    this.#dropped++
    connection.over = true
    connection.ending = true
    connection.socket.destroy()
  }

  send(connection: ServedConnection, bytes: Uint8Array): boolean {
    if (connection.over || connection.ending || connection.paused) return false
    connection.socket.write(bytes)
    this.#bytesSent += bytes.length
    this.#deliveries++
    this.#holdBack(connection)
    return true
  }

  closed(connection: ServedConnection, error: Error | undefined): void {
    clearTimeout(connection.lingering)
    connection.over = true
    if (error !== undefined) this.#service.error?.(connection, error)
    this.#service.close?.(connection)
    this.#partialFrames.drop(connection.link)
    this.#idle?.delete(connection)
    this.connections.delete(connection)
    if (this.connections.length > 0) return
    for (const resolve of this.#whenEmpty.splice(0)) resolve()
  }

  #accept(accepted: net.Socket): void {
    const connection = new ServedConnection(this, this.connections.nextLink())
    this.connections.set(connection)
    connection.activeTick = this.activity.tick
    this.#idle?.add(connection)
    connection.socket = DirectSocket.accept(accepted, readBuffer, connection, { allowHalfOpen: true })
    this.#service.connect?.(connection)
  }

  /** Takes the whole frames out of what is left over and `buffer[from, to)`, and writes the replies at once. */
  #answer(connection: ServedConnection, buffer: Uint8Array, from: number, to: number): void {
    const service = this.#service
    const replies = this.#replies
    const { link, socket } = connection
    this.#partialFrames.join(link, buffer, from, to)
    const { bytes } = this.#partialFrames
    from = this.#partialFrames.from
    to = this.#partialFrames.to
    replies.start(socket)
    while (from < to && !connection.ending && !this.#isFull(connection)) {
      const end = this.#protocol.frameEnd(bytes, from, to, 0)
      if (end === incomplete) break
      if (end > 0) {
        this.#requests++
        service.message(connection, bytes, from, end, replies)
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
    this.#partialFrames.keep(link, bytes, connection.ending ? to : from, to)
    connection.unfinishedBytes = connection.ending ? 0 : to - from
    if (connection.unfinishedBytes > 0) this.#boundUnfinished(connection)
    if (connection.ending) this.end(connection)
    else this.#holdBack(connection)
  }

  /** Rejects a connection whose unfinished frame goes beyond what all of them may hold. */
  #boundUnfinished(connection: ServedConnection): void {
    const partialFrames = this.#partialFrames
    if (partialFrames.heldBytes <= this.#unfinishedBytesMax) return
    // Buffers that were only kept to be used again are let go first.
    for (const { link, unfinishedBytes } of this.connections) if (unfinishedBytes === 0) partialFrames.drop(link)
    if (partialFrames.heldBytes <= this.#unfinishedBytesMax) return
    connection.unfinishedBytes = 0
    partialFrames.drop(connection.link)
    this.reject(connection)
  }

  /** Whether no more requests of the connection are to be taken until some are answered and their replies gone. */
  #isFull(connection: ServedConnection): boolean {
    return this.#isBufferFull(connection) || this.pending(connection) >= this.#pendingMax
  }

  #isBufferFull({ socket }: ServedConnection): boolean {
    return socket.queuedBytes > this.#maxSendBufferBytes
  }

  pending(connection: ServedConnection): number {
    return this.#service.pending?.(connection) ?? 0
  }

  #holdBack(connection: ServedConnection): void {
    const { socket } = connection
    if (socket.queuedBytes === 0) connection.queuedWrites = 0
    else connection.queuedWrites++
    const isBufferFull = this.#isBufferFull(connection) || connection.queuedWrites > sendQueueWritesMax
    if (connection.paused || !(isBufferFull || this.pending(connection) >= this.#pendingMax)) return
    connection.paused = true
    socket.socket.pause()
    if (!isBufferFull) return
    connection.bufferFull = true
    this.#buffersFull++
    this.#service.bufferFull?.(connection)
  }

  /** Reads on from a connection that was held back, once that is worth a while. */
  #goOn(connection: ServedConnection): void {
    if (connection.over || this.pending(connection) > this.#pendingMax / 2) return
    connection.paused = false
    connection.activeTick = this.activity.tick
    if (connection.bufferFull) {
      connection.bufferFull = false
      this.#buffersDrained++
      this.#service.bufferDrained?.(connection)
    }
    // Requests may have been left over because their replies had no room.
    this.#answer(connection, readBuffer, 0, 0)
    if (!connection.paused) connection.socket.socket.resume()
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
}
