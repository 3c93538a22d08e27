import type { FailureKind } from '../failures.ts'

/** What became of bytes given to `write`. */
export const written = {
  /** The transport is done with the bytes: the caller may change them at once. */
  taken: 0,
  /** The transport still reads from the array: the caller must leave these bytes as they are from now on. */
  kept: 1,
  /** The connection's write queue is full, or the connection is gone: nothing was written. */
  refused: 2,
} as const

export type Written = (typeof written)[keyof typeof written]

/** What `Loop.wake` answers when the loop is finished and `run` shall return. */
export const finished = -1

/** Bytes that one connection may have queued beyond what the kernel took; the next write is refused. */
export const writeQueueBytesMax = 64 * 1024 * 1024

/**
 * Opens connections, moves bytes and keeps time. One per worker, chosen before the loop. A connection is addressed by
 * a small integer, its link, which may be connected anew once it is closed. All times are milliseconds on the
 * transport's own monotonic clock, read once per event and handed on.
 */
export interface Transport {
  readonly name: string
  /** Starts to connect; the loop hears `opened`, or `closed` with the cause. Never calls back before it returns. */
  connect(link: number): void
  /**
   * Writes `bytes[from, to)`; never blocks and never calls back before it returns. How many `requests` that is, by
   * default one, matters only where requests are held back for others.
   */
  write(link: number, bytes: Uint8Array, from: number, to: number, requests?: number): Written
  /** Closes an open or connecting link; the loop hears nothing more of it until it is connected again. */
  close(link: number): void
  /** The time now, for what must not take that of the event for its own. */
  now(): number
  /** Asks for a wake no later than `time`, when that is sooner than what the last wake asked for. */
  wakeAt(time: number): void
  /** What the kernel knows of an open TCP connection, in a record that the next call overwrites; undefined otherwise. */
  tcpInfo?(link: number): TcpInfo | undefined
  /** How long there was nothing to do since `run` was called; what a loop spins while it waits is not work. */
  readonly idleMs: number
  /** Segments sent anew, over all connections that are closed by now. */
  readonly retransmits?: number
  /** Drives the loop until its `wake` answers `finished`, then closes every link. */
  run(loop: Loop): Promise<void>
}

/** What a transport calls. Times are when the event was seen. */
export interface Loop {
  opened(link: number, now: number): void
  /** Bytes came in; they are valid only during the call. */
  received(link: number, bytes: Uint8Array, from: number, to: number, now: number): void
  /** The link is closed by the other side, or could not be opened; it may be connected again. */
  closed(link: number, cause: FailureKind, now: number): void
  /** Does what is due; answers when to be woken next, or `finished`. */
  wake(now: number): number
}

/** What TCP_INFO tells (tcp(7)). */
export interface TcpInfo {
  /** Smoothed; right after the handshake the one there is. */
  roundTripMs: number
  leastRoundTripMs: number
  retransmits: number
}

/** What a transport is made for. */
export interface TransportOptions {
  readonly address: Address
  readonly links: number
  /** Local addresses to connect from, taken in turn by the number of the connection over all workers. */
  readonly sourceAddresses?: readonly string[]
  /** The number of link 0 over all workers. */
  readonly firstConnection?: number
  /** Wakes are to come as exactly as can be had, for requests that go by a plan. */
  readonly isPaced?: boolean
}

/** Where a transport connects to: plain, cloneable, resolved before the run. */
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
  /** The host that the certificate must be of, where it is reached by way of another one. */
  readonly verifiedHost?: string
}
