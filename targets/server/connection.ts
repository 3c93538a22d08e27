import type { Socket } from 'node:net'
import type { DirectSocket, SocketHandlers } from '../../harness/socket.ts'
import type { Connections } from './connections.ts'
import type { Watched } from './idleTimeout.ts'
import type { Connection } from './service.ts'

/** The methods of a server that its connections call: events of the socket, and what the service asks for. */
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

/** A connection and its state in the server. */
export class ServedConnection implements Connection, SocketHandlers, Watched {
  socket!: DirectSocket
  /** Bytes of an over-long frame that are still to be skipped. */
  skipBytes = 0
  /** Writes that wait to be sent. */
  queuedWrites = 0
  /** Nothing is read until replies are sent, or made. */
  paused = false
  /** It is paused because too many bytes wait to be sent. */
  bufferFull = false
  /** Bytes of an incomplete frame, or of requests that wait until there is room. */
  unfinishedBytes = 0
  /** It was paused when the server began to stop, or after that. */
  wasPaused = false
  /** When it last had pending requests, in milliseconds after the server began to stop. */
  lastPendingMs = 0
  /** Our side is to be closed once the replies made so far are written. */
  ending = false
  /** The client has closed its side. */
  hasEnded = false
  /** Our side, or all of the connection, is closed. */
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
    return clientAddress(this.socket.socket)
  }

  data(buffer: Uint8Array, bytes: number): void {
    this.#server.received(this, buffer, bytes)
  }

  ended(): void {
    this.hasEnded = true
    this.#server.end(this)
  }

  drained(): void {
    this.#server.drained(this)
  }

  closed(error: Error | undefined): void {
    this.#server.closed(this, error)
  }

  /**
   * Finds out whether the connection is broken. Once the client has closed its side nothing more is read, and `DirectSocket`
   * does not report a write that failed; an empty write to the stream does.
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

/** The client of a connection as `ip:port`; empty over a unix socket. */
export function clientAddress({ remoteAddress, remotePort }: Socket): string {
  if (remoteAddress === undefined) return ''
  return `${remoteAddress.includes(':') ? `[${remoteAddress}]` : remoteAddress}:${remotePort}`
}
