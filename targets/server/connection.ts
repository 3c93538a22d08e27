import type { DirectSocket, SocketHandlers } from '../../harness/socket.ts'
import type { Connections } from './connections.ts'
import type { Watched } from './idleTimeout.ts'
import type { Connection } from './service.ts'

/** What a server does when something happens on one of its connections, or its service asks for something. */
export interface ConnectionServer {
  readonly connections: Connections<ServedConnection>
  received(connection: ServedConnection, buffer: Uint8Array, length: number): void
  drained(connection: ServedConnection): void
  closed(connection: ServedConnection, error: Error | undefined): void
  end(connection: ServedConnection): void
  send(connection: ServedConnection, bytes: Uint8Array): boolean
  finishLater(connection: ServedConnection): void
  finishNow(connection: ServedConnection): void
  drop(connection: ServedConnection): void
  reject(connection: ServedConnection): void
  refuse(connection: ServedConnection, last: Uint8Array): void
}

/** A connection and what its server knows of it. */
export class ServedConnection implements Connection, SocketHandlers, Watched {
  socket!: DirectSocket
  /** Bytes of an over-long frame still to be thrown away. */
  skipBytes = 0
  /** Readable events whose replies wait behind others. */
  queuedWrites = 0
  /** Nothing is read until the replies have gone, or have been made. */
  paused = false
  /** It is paused for replies that have not gone. */
  bufferFull = false
  /** Bytes of a frame that is not whole yet, or of requests that wait until there is room. */
  unfinishedBytes = 0
  /** It was held back when, or since, the server was told to stop. */
  wasHeldBack = false
  /** When it was last seen with requests in hand, since the server was told to stop. */
  lastPendingMs = 0
  /** Our side is to be ended once what is answered by now is written. */
  ending = false
  /** Our side is ended, or all of it is gone. */
  over = false
  lingering: NodeJS.Timeout | undefined
  activeTick = 0
  wheelSlot = 0
  readonly #server: ConnectionServer
  readonly link: number

  constructor(server: ConnectionServer, link: number) {
    this.#server = server
    this.link = link
  }

  get connections(): Connections<Connection> {
    return this.#server.connections
  }

  get remoteAddress(): string {
    const { remoteAddress, remotePort } = this.socket.socket
    if (remoteAddress === undefined) return ''
    return `${remoteAddress.includes(':') ? `[${remoteAddress}]` : remoteAddress}:${remotePort}`
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

  closed(error: Error | undefined): void {
    this.#server.closed(this, error)
  }

  /**
   * Has a connection close that is broken: where the client has ended its side nothing more is read, and nobody is told of
   * a reply that could not be written. An empty write is.
   */
  probe(): void {
    if (!this.over) this.socket.socket.write('')
  }

  send(bytes: Uint8Array): boolean {
    return this.#server.send(this, bytes)
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

  refuseNow(last: Uint8Array): void {
    this.#server.refuse(this, last)
  }

  drop(): void {
    this.#server.drop(this)
  }

  reject(): void {
    this.#server.reject(this)
  }
}
