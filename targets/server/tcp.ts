import net from 'node:net'
import type { ListenAddress } from '../../harness/listenAddress.ts'
import { PartialFrames } from '../../harness/protocols/partialFrames.ts'
import { incomplete, type Protocol, tooLarge } from '../../harness/protocols/protocol.ts'
import { DirectSocket } from '../../harness/socket.ts'
import type { SocketSettings } from '../../harness/socketOptions.ts'
import { Backpressure } from './backpressure.ts'
import { type ConnectionServer, clientAddress, ServedConnection } from './connection.ts'
import { Connections } from './connections.ts'
import { RunningTotals, type ServerCounters } from './counters.ts'
import { type DrainingServer, type DrainTimes, drain, drainTimesDefault } from './drain.ts'
import { IdleTimeout } from './idleTimeout.ts'
import { listenAt } from './listen.ts'
import { LoggedReplies } from './loggedReplies.ts'
import { answerMsMax } from './managedServer.ts'
import { Replies } from './replies.ts'
import type { Service } from './service.ts'
import { SocketBuffers } from './socketBuffers.ts'
import type { TrafficLog } from './trafficLog.ts'

/** Memory for incomplete frames of all connections; a connection that needs more is closed and counted as rejected. */
export const unfinishedBytesMaxDefault = 256 * 1024 * 1024

/** One read buffer for all connections of the process: each read is handled before the next one. */
const readBuffer = new Uint8Array(64 * 1024)

export interface ServerSettings {
  readonly listen: ListenAddress
  readonly service: Service
  readonly connectionsMax?: number
  /** A connection that sends nothing for this long is closed. */
  readonly idleTimeoutMs?: number
  readonly maxSendBufferBytes?: number
  /** Options of the connections' sockets. */
  readonly socket?: SocketSettings
  readonly unfinishedBytesMax?: number
  readonly drainTimes?: Partial<DrainTimes>
  /** Is told of connections, reads and writes; of messages the service tells it. */
  readonly log?: TrafficLog
}

export interface RunningServer {
  readonly address: ListenAddress
  counters(): ServerCounters
  /** Accepts no more connections; open ones are still served. */
  stopAccepting(): void
  /** Requests that were not answered before the server had to stop. */
  readonly unanswered: number
  /** Stops accepting, serves open connections until their clients close them, for at most `withinMs`, then stops. */
  retire(withinMs: number): Promise<void>
  /**
   * Stops accepting, answers pending requests and closes every connection. Resolves when all are closed: within 5 s where
   * no request waits for its reply, otherwise 4 s after the last reply, and after `answerMs` (60 s) at the latest.
   */
  stop(answerMs?: number): Promise<void>
}

/** Starts to listen; throws a UserError if that fails. */
export async function startServer(settings: ServerSettings): Promise<RunningServer> {
  const server = new FramingServer(settings)
  await server.listen()
  return server
}

class FramingServer implements RunningServer, ConnectionServer, DrainingServer {
  address: ListenAddress
  unanswered = 0
  readonly connections: Connections<ServedConnection>
  readonly #listener: net.Server
  readonly #service: Service
  readonly #protocol: Protocol
  readonly #partialFrames = new PartialFrames()
  readonly #replies: Replies
  readonly #log: TrafficLog | undefined
  readonly #totals = new RunningTotals()
  readonly #backpressure: Backpressure
  readonly #buffers: SocketBuffers | undefined
  readonly #unfinishedBytesMax: number
  readonly drainTimes: DrainTimes
  readonly #idle: IdleTimeout<ServedConnection> | undefined
  /** Sets `activeTick` of connections that are active: the idle timeout, or without one only `drain` advances it. */
  readonly activity: { tick: number }
  #unfinished: ServedConnection[] = []
  #stopped: Promise<void> | undefined
  #whenEmpty: (() => void)[] = []

  constructor(settings: ServerSettings) {
    const { listen, service, connectionsMax = Number.POSITIVE_INFINITY, idleTimeoutMs, socket = {} } = settings
    this.address = listen
    this.connections = new Connections(connectionsMax)
    this.#backpressure = new Backpressure(service, this.#totals, settings.maxSendBufferBytes)
    this.#unfinishedBytesMax = settings.unfinishedBytesMax ?? unfinishedBytesMaxDefault
    this.drainTimes = { ...drainTimesDefault, ...settings.drainTimes }
    this.#log = settings.log
    this.#replies = settings.log === undefined ? new Replies() : new LoggedReplies(settings.log)
    this.#service = service
    this.#protocol = service.protocol
    this.#buffers = SocketBuffers.of(socket)
    const options = { pauseOnConnect: true, noDelay: socket.noDelay ?? true, allowHalfOpen: true }
    this.#listener = net.createServer(options, accepted => {
      if (!this.connections.isFull) return this.#accept(accepted)
      this.#totals.rejected++
      this.#log?.turnedAway(clientAddress(accepted))
      accepted.destroy()
    })
    if (idleTimeoutMs !== undefined) {
      const isBusy = (connection: ServedConnection) => this.pending(connection) > 0
      this.#idle = new IdleTimeout(idleTimeoutMs, connection => this.end(connection), isBusy)
    }
    this.activity = this.#idle ?? { tick: 0 }
  }

  async listen(): Promise<void> {
    this.address = await listenAt(this.#listener, this.address, () => this.#totals.rejected++)
    this.#buffers?.set(this.#listener)
  }

  counters(): ServerCounters {
    return this.#totals.read(this.connections.length, this.#replies.bytesOut)
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
    // Requests sent before the stop are to be answered, also those that are still on their way or wait in the kernel.
    this.#resumePaused()
    this.unanswered = await drain(this, answerMs)
    this.#log?.end()
  }

  /** Reads again from connections that were paused for their pending requests, which from now on only the service limits. */
  #resumePaused(): void {
    this.#backpressure.liftPendingLimit()
    for (const connection of this.connections) {
      if (!connection.paused || connection.bufferFull) continue
      connection.wasPaused = true
      this.#resume(connection)
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
    this.#totals.bytesIn += length
    this.#log?.read(connection, length, connection.unfinishedBytes === 0)
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
    if (connection.paused) this.#resume(connection)
  }

  /**
   * Answers what can be answered and closes our side, now or once the pending replies are written. Bytes that still come
   * in are discarded until the client closes its side.
   */
  end(connection: ServedConnection): void {
    if (connection.over) return
    this.#finish(connection)
    if (this.pending(connection) > 0) {
      connection.ending = true
      return
    }
    this.#leave(connection)
    connection.over = true
    const { socket } = connection
    this.#partialFrames.drop(connection.link)
    socket.end()
    socket.socket.resume()
    const { lingerQueuedMs, lingerMs } = this.drainTimes
    connection.lingering = setTimeout(() => socket.destroy(), socket.queuedBytes > 0 ? lingerQueuedMs : lingerMs)
  }

  finishLater(connection: ServedConnection): void {
    if (this.#unfinished.push(connection) === 1) setImmediate(() => this.#finishAll())
  }

  finishNow(connection: ServedConnection): void {
    if (connection.over) return
    // A reply counts as activity for the idle timeout, but not for `drain`, which waits until nothing comes in.
    if (this.#stopped === undefined) connection.activeTick = this.activity.tick
    this.#finish(connection)
    if (connection.ending) this.end(connection)
    else if (connection.paused && connection.socket.queuedBytes === 0) this.#resume(connection)
    else this.#backpressure.pauseIfFull(connection)
  }

  reject(connection: ServedConnection): void {
    this.#totals.rejected++
    connection.ending = true
  }

  refuse(connection: ServedConnection, last: Uint8Array): void {
    if (connection.over || connection.ending) return
    this.#totals.rejected++
    this.#totals.bytesSent += last.length
    this.#log?.sent(connection, last)
    connection.socket.write(last)
    this.end(connection)
  }

  drop(connection: ServedConnection): void {
    if (connection.over) return
    this.#totals.dropped++
    connection.over = true
    connection.ending = true
    connection.socket.destroy()
  }

  send(connection: ServedConnection, bytes: Uint8Array): boolean {
    if (connection.over || connection.ending || connection.paused) return false
    this.#log?.sent(connection, bytes)
    connection.socket.write(bytes)
    this.#totals.bytesSent += bytes.length
    this.#totals.deliveries++
    this.#backpressure.pauseIfFull(connection)
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
    this.#log?.closed(connection, { error, unfinishedBytes: connection.unfinishedBytes })
    if (this.connections.length > 0) return
    for (const resolve of this.#whenEmpty.splice(0)) resolve()
  }

  #accept(accepted: net.Socket): void {
    const connection = new ServedConnection(this, this.connections.nextLink())
    this.connections.set(connection)
    connection.activeTick = this.activity.tick
    this.#idle?.add(connection)
    this.#buffers?.set(accepted)
    connection.socket = DirectSocket.accept(accepted, readBuffer, connection, { allowHalfOpen: true })
    this.#log?.opened(connection, connection.socket)
    this.#service.connect?.(connection)
  }

  /** Answers the complete frames in the bytes left over and `buffer[from, to)`, with one write for all replies. */
  #answer(connection: ServedConnection, buffer: Uint8Array, from: number, to: number): void {
    const service = this.#service
    const replies = this.#replies
    const { link, socket } = connection
    this.#partialFrames.join(link, buffer, from, to)
    const { bytes } = this.#partialFrames
    from = this.#partialFrames.from
    to = this.#partialFrames.to
    replies.start(socket)
    while (from < to && !connection.ending && !this.#backpressure.isFull(connection)) {
      const end = this.#protocol.frameEnd(bytes, from, to, 0)
      if (end === incomplete) break
      if (end > 0) {
        this.#totals.requests++
        service.message(connection, bytes, from, end, replies)
        from = end
      } else from = this.#answerFaulty(connection, bytes, from, to, end)
    }
    replies.flush()
    this.#partialFrames.keep(link, bytes, connection.ending ? to : from, to)
    connection.unfinishedBytes = connection.ending ? 0 : to - from
    if (connection.unfinishedBytes > 0) this.#limitUnfinished(connection)
    if (connection.ending) this.end(connection)
    else this.#backpressure.pauseIfFull(connection)
  }

  /**
   * Answers a frame that is `malformed` or `tooLarge`; returns where the next one begins. Only a frame whose length is
   * known can be skipped: otherwise the connection is closed.
   */
  #answerFaulty(connection: ServedConnection, bytes: Uint8Array, from: number, to: number, fault: number): number {
    const service = this.#service
    this.#totals.rejected++
    const isSkipped = fault === tooLarge && service.overlong !== undefined
    const announcedBytes = isSkipped ? (this.#protocol.announcedBytes?.(bytes, from, to) ?? 0) : 0
    if (announcedBytes === 0) {
      connection.ending = true
      service.refuse?.(connection, fault, this.#replies)
      return from
    }
    this.#totals.requests++
    service.overlong?.(connection, bytes, from, this.#replies)
    connection.skipBytes = Math.max(0, announcedBytes - (to - from))
    return Math.min(to, from + announcedBytes)
  }

  /** Rejects a connection whose incomplete frame exceeds the memory that all connections share. */
  #limitUnfinished(connection: ServedConnection): void {
    const partialFrames = this.#partialFrames
    if (partialFrames.heldBytes <= this.#unfinishedBytesMax) return
    // Empty buffers, which are kept only for reuse, are freed first.
    for (const { link, unfinishedBytes } of this.connections) if (unfinishedBytes === 0) partialFrames.drop(link)
    if (partialFrames.heldBytes <= this.#unfinishedBytesMax) return
    connection.unfinishedBytes = 0
    partialFrames.drop(connection.link)
    this.reject(connection)
  }

  pending(connection: ServedConnection): number {
    return this.#backpressure.pending(connection)
  }

  /** Reads again from a connection that was paused, once that is worthwhile. */
  #resume(connection: ServedConnection): void {
    if (connection.over || !this.#backpressure.release(connection)) return
    connection.activeTick = this.activity.tick
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
      this.#backpressure.pauseIfFull(connection)
    }
  }

  #leave(connection: ServedConnection): void {
    if (this.#service.leave === undefined || connection.hasEnded) return
    this.#replies.start(connection.socket)
    this.#service.leave(connection, this.#replies)
    this.#replies.flush()
  }

  #finish(connection: ServedConnection): void {
    if (this.#service.finish === undefined) return
    this.#replies.start(connection.socket)
    this.#service.finish(connection, this.#replies)
    this.#replies.flush()
  }
}
