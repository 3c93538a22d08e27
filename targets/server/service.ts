import type { Protocol } from '../../harness/protocols/protocol.ts'
import type { Connections } from './connections.ts'
import type { Replies } from './replies.ts'

/** What a reference server does at each event of its connections; everything else is the same in all of them. */
export interface Service {
  readonly protocol: Protocol
  /** A connection is open; nothing has come in on it yet. */
  connect?(connection: Connection): void
  /** Answers the message in the frame `bytes[from, end)`, which is valid only during the call: now or in `finish`. */
  message(connection: Connection, bytes: Uint8Array, from: number, end: number, replies: Replies): void
  /** Answers a frame that is too long, whose header begins at `from`; its bytes are skipped. Without it: closes. */
  overlong?(connection: Connection, bytes: Uint8Array, from: number, replies: Replies): void
  /** Answers a frame that is `malformed` or `tooLarge`, after which the connection is closed. */
  refuse?(connection: Connection, reason: number, replies: Replies): void
  /** Answers all pending messages of the connection that can be answered by now. */
  finish?(connection: Connection, replies: Replies): void
  /** How many replies of the connection are pending; closing it and its idle timeout wait for them. */
  pending?(connection: Connection): number
  /** More waits to be sent than the send buffer holds: nothing is read from the connection until `bufferDrained`. */
  bufferFull?(connection: Connection): void
  /** Everything that waited since `bufferFull` is sent, and the connection is read again. */
  bufferDrained?(connection: Connection): void
  /** Our side is about to be closed although the client has not closed its own: a last message, where there is one. */
  leave?(connection: Connection, replies: Replies): void
  /** The connection broke; `close` follows. */
  error?(connection: Connection, cause: Error): void
  /** The connection is closed, and another one may get its link. */
  close?(connection: Connection): void
}

/** A connection as a service sees it. */
export interface Connection {
  /** A small number that no other open connection has. */
  readonly link: number
  /** All open connections, including this one. */
  readonly connections: Connections<Connection>
  /** The client as `ip:port`; empty over a unix socket. */
  readonly remoteAddress: string
  /**
   * Sends bytes that are no reply to a message of this connection, ahead of replies that are not flushed. They must never
   * change afterwards, so that one array may go to all connections. Returns false, and sends nothing, when the connection
   * is closing or its send buffer is full; otherwise they count as a delivery.
   */
  send(bytes: Uint8Array): boolean
  /** Calls `finish` once this turn of the event loop has brought all its requests. */
  finishLater(): void
  /** Calls `finish` at once; not allowed within a call of the service. */
  finishNow(): void
  /** Closes our side after the replies made so far; later requests are ignored. */
  endLater(): void
  /**
   * Counts the client as rejected and closes our side now, after `last`, as `endLater` does; does nothing where our side is
   * closing already. Not allowed within a call of the service.
   */
  refuseNow(last: Uint8Array): void
  /** Breaks the connection, discards everything that waits to be sent to it, and counts it as dropped; `close` follows. */
  drop(): void
  /** Counts the request as rejected and closes our side as `endLater` does. */
  reject(): void
}
