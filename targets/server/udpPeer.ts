import type { Connections } from './connections.ts'
import type { Watched } from './idleTimeout.ts'
import type { ReplySocket } from './replies.ts'
import type { Connection } from './service.ts'

/** The methods of a server over UDP that its clients call. */
export interface PeerServer {
  readonly peers: Connections<Peer>
  /** Bytes that wait to be sent, to all clients together. */
  readonly queuedBytes: number
  sendTo(peer: Peer, bytes: Uint8Array): boolean
  sendApart(peer: Peer, bytes: Uint8Array): void
  finishLater(peer: Peer): void
  finishNow(peer: Peer): void
  reject(): void
}

/** A client over UDP, identified by its address and port: for a service it is a connection that cannot be closed. */
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

  /** There is no connection to close: the next datagram is the next message. */
  endLater(): void {}

  refuseNow(last: Uint8Array): void {
    this.send(last)
    this.reject()
  }

  /** The bytes that wait for one client are not known separately; the kernel discards what it cannot send. */
  drop(): void {}

  reject(): void {
    this.#server.reject()
  }
}
