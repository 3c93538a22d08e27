import type { Protocol } from '../../harness/protocols/protocol.ts'
import type { Connections } from './connections.ts'
import type { Replies } from './replies.ts'

/** What a server does at each event of its connections; everything else is the same in all of them. */
export interface Service {
  readonly protocol: Protocol
  /** A connection is there; nothing has come in on it yet. */
  connect?(connection: Connection): void
  /** Answers the message in the whole frame `bytes[from, end)`, which is valid during the call only: now or in `finish`. */
  message(connection: Connection, bytes: Uint8Array, from: number, end: number, replies: Replies): void
  /** Answers a frame that is too long, whose header begins at `from`; its bytes are skipped. Without it: closes. */
  overlong?(connection: Connection, bytes: Uint8Array, from: number, replies: Replies): void
  /** Says why a frame that is `malformed` or `tooLarge` is the last thing read of its connection. */
  refuse?(connection: Connection, reason: number, replies: Replies): void
  /** Answers all messages of the connection that can be answered by now and are not. */
  finish?(connection: Connection, replies: Replies): void
  /** How many replies of the connection are yet to come; its end waits for them, and so does its idle timeout. */
  pending?(connection: Connection): number
  /** More waits to be sent than the send buffer holds: nothing is read from the connection until it is drained. */
  bufferFull?(connection: Connection): void
  /** All that waited since `bufferFull` is with the kernel, and the connection is read again. */
  bufferDrained?(connection: Connection): void
  /** The connection broke; `close` follows. */
  error?(connection: Connection, cause: Error): void
  /** The connection is gone, and its link may be given to another one. */
  close?(connection: Connection): void
}

/** What a service sees of a connection. */
export interface Connection {
  /** A small number that no other open connection has. */
  readonly link: number
  /** All that are open, this one too. */
  readonly connections: Connections<Connection>
  /** The other side as `ip:port`; empty over a unix socket. */
  readonly remoteAddress: string
  /**
   * Sends bytes that are no reply to a message of this connection, ahead of replies that are not flushed; they must stay
   * as they are for good, so that one array may go to all connections. False, and nothing is sent, when the connection
   * ends or its send buffer is full; else it is counted as a delivery.
   */
  send(bytes: Uint8Array): boolean
  /** Has `finish` called once this turn of the event loop has brought all its requests. */
  finishLater(): void
  /** Has `finish` called at once; not to be used within a call of the service. */
  finishNow(): void
  /** Has our side ended behind what is answered by now; requests that came in after this one are not looked at. */
  endLater(): void
  /**
   * Counts the client as rejected and ends our side now, behind `last`, as `endLater` does; nothing where our side ends
   * anyway. Not to be used within a call of the service.
   */
  refuseNow(last: Uint8Array): void
  /** Breaks the connection off, with all that waits to be sent to it, and counts it as dropped; `close` follows. */
  drop(): void
  /** Counts the request as rejected, and has our side ended as by `endLater`. */
  reject(): void
}
