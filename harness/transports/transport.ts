import type { FailureKind } from '../failures.ts'
import type { SocketSettings } from '../socketOptions.ts'

/** The results of `write`. */
export const written = {
  /** The transport is done with the bytes: the caller may change them at once. */
  taken: 0,
  /** The transport still reads from the array: the caller must not change these bytes any more. */
  kept: 1,
  /** The connection's write queue is full, or the connection is closed: nothing was written. */
  refused: 2,
} as const

export type Written = (typeof written)[keyof typeof written]

/** What `Loop.wake` returns when the loop is finished and `run` should return. */
export const finished = -1

/** Bytes that one connection may have queued beyond what the kernel has taken; a write above that is refused. */
export const writeQueueBytesMax = 64 * 1024 * 1024

/**
 * Opens connections, moves bytes and keeps time. One per worker, chosen before the loop. A connection is addressed by
 * a small integer, its link, which may be connected again once it is closed. All times are milliseconds on the
 * transport's own monotonic clock, which is read once per event.
 */
export interface Transport {
  readonly name: string
  /** Starts to connect; calls `opened` of the loop later, or `closed` with the cause, but never before it returns. */
  connect(link: number): void
  /**
   * Writes `bytes[from, to)`; never blocks and never calls back before it returns. The number of `requests` in these
   * bytes, by default one, matters only where requests are coalesced.
   */
  write(link: number, bytes: Uint8Array, from: number, to: number, requests?: number): Written
  /**
   * Closes an open or connecting link; the loop gets no more events of it until it is connected again. With `isReset` a TCP
   * connection without TLS is reset, so that its port is free at once.
   */
  close(link: number, isReset?: boolean): void
  /** Bytes of a link that were written and that the kernel has not taken; `Loop.drained` is called when there are none left. */
  queuedBytes(link: number): number
  /** The time now, where the time of the event is not exact enough. */
  now(): number
  /** Asks for a wake no later than `time`, if that is before the time that the last wake returned. */
  wakeAt(time: number): void
  /** The client's address on an open connection as `ip:port`, an IPv6 address in brackets; undefined where it has none. */
  localAddress?(link: number): string | undefined
  /** The kernel's figures of an open TCP connection, in a record that the next call overwrites; else undefined. */
  tcpInfo?(link: number): TcpInfo | undefined
  /** For how long there was nothing to do since `run` was called; spinning while waiting is idle time too. */
  readonly idleMs: number
  /** TCP segments sent again, over all connections that are closed by now. */
  readonly retransmits?: number
  /** Drives the loop until its `wake` returns `finished`, then closes every link. */
  run(loop: Loop): Promise<void>
}

/** The callbacks of a transport. A time is that at which the event was observed. */
export interface Loop {
  opened(link: number, now: number): void
  /** Bytes came in; they are valid only during the call. */
  received(link: number, bytes: Uint8Array, from: number, to: number, now: number): void
  /** The peer has closed the link, or it could not be opened; it may be connected again. */
  closed(link: number, cause: FailureKind, now: number): void
  /** The kernel has taken all that was queued on the link. */
  drained?(link: number, now: number): void
  /** Does what is due; returns when to be woken next, or `finished`. */
  wake(now: number): number
}

/** Figures of TCP_INFO (tcp(7)). */
export interface TcpInfo {
  /** Smoothed; right after the handshake it is the only measurement. */
  roundTripMs: number
  leastRoundTripMs: number
  retransmits: number
}

/** What a transport needs to know before the run. */
export interface TransportOptions {
  readonly address: Address
  readonly links: number
  /** Local addresses to connect from, used in turn by the number of the connection over all workers. */
  readonly sourceAddresses?: readonly string[]
  /** The number of link 0 over all workers. */
  readonly firstConnection?: number
  /** Options of the sockets; the node transport has no buffers, see `chooseTransport`. */
  readonly socket?: SocketSettings
  /** Mode rate: wakes must be as punctual as possible. */
  readonly isPaced?: boolean
}

/** Where a transport connects to: a plain, cloneable record, resolved before the run. */
export type Address =
  | { readonly scheme: 'tcp' | 'udp'; readonly host: string; readonly port: number }
  | { readonly scheme: 'tls'; readonly host: string; readonly port: number; readonly tls?: TlsSettings }
  | { readonly scheme: 'unix'; readonly path: string }

/** TLS material as PEM text. */
export interface TlsSettings {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly servername?: string
  readonly insecure?: boolean
  /** The host that the certificate must name, when it is reached through another host. */
  readonly verifiedHost?: string
}
