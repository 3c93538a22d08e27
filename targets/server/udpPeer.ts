import type { Connections } from './connections.ts'
import type { Watched } from './idleTimeout.ts'
import type { ReplySocket } from './replies.ts'
import type { Connection } from './service.ts'

/** What a server over UDP does for its clients. */
export interface PeerServer {
  readonly peers: Connections<Peer>
  /** Bytes that wait to be sent, to all of them. */
  readonly queuedBytes: number
  sendTo(peer: Peer, bytes: Uint8Array): boolean
  sendApart(peer: Peer, bytes: Uint8Array): void
  finishLater(peer: Peer): void
  finishNow(peer: Peer): void
  reject(): void
}

/** A client over UDP, known by its address and port: to a service it is a connection, which cannot be ended. */
export class Peer implements Connection, ReplySocket, Watched {
  readonly link: number
  readonly key: string
  readonly address: string
  readonly port: number
  isForgotten = false
  activeTick = 0
  wheelSlot = 0
  readonly #server: PeerServer

  constructor(server: PeerServer, link: number, place: { key: string; address: string; port: number }) {
    this.#server = server
    this.link = link
    this.key = place.key
    this.address = place.address
    this.port = place.port
  }

  get connections(): Connections<Connection> {
    return this.#server.peers
  }

  get remoteAddress(): string {
    return `${this.address.includes(':') ? `[${this.address}]` : this.address}:${this.port}`
  }

  get queuedBytes(): number {
    return this.#server.queuedBytes
  }

  write(bytes: Uint8Array): boolean {
    return this.#server.sendTo(this, bytes)
  }

  send(bytes: Uint8Array): boolean {
    if (this.isForgotten) return false
    this.#server.sendApart(this, bytes)
    return true
  }

  finishLater(): void {
    this.#server.finishLater(this)
  }

  finishNow(): void {
    this.#server.finishNow(this)
  }

  /** There is no connection to end: the next datagram is the next message. */
  endLater(): void {}

  refuseNow(last: Uint8Array): void {
    this.send(last)
    this.reject()
  }

  /** What waits to be sent to one client is not known apart, nor need it be: the kernel loses what it cannot send. */
  drop(): void {}

  reject(): void {
    this.#server.reject()
  }
}
