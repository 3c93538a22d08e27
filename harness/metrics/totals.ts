import type { FailureKind } from '../failures.ts'
import type { Collector } from './collector.ts'
import { field, roleIndex } from './slab.ts'
import type { Quantiles } from './snapshot.ts'

export interface Totals {
  readonly sent: number
  readonly completed: number
  readonly failed: number
  readonly inFlightAtEnd: number
  readonly bytesSent: number
  readonly bytesReceived: number
  /** Kinds with a count; kinds that concern a connect stand here but are not part of `failed`. */
  readonly failures: Readonly<Partial<Record<FailureKind, number>>>
  /** Replies to requests that had timed out, told by their ids; such a request has failed all the same. */
  readonly late?: number
  /** Connections opened, reopened ones included. */
  readonly connects: number
  /** What was sent besides the requests; counted apart. */
  readonly handshakes: { readonly sent: number; readonly completed: number }
  readonly heartbeats: { readonly sent: number; readonly completed: number }
}

/** Round-trip times as the kernel measured them, in milliseconds, over all connections that were asked. */
export interface TcpRecord {
  /** Right after the handshake, before anything was sent: the network alone. */
  readonly roundTripAtOpenMs: Spread
  /** Smoothed, at the end: under load it has the server's time in it. */
  readonly roundTripAtEndMs: Spread
  readonly leastRoundTripAtEndMs: Spread
  /** Segments sent anew over all connections. */
  readonly retransmits: number
}

/** What UDP does and TCP does not. */
export interface DatagramRecord {
  /** Requests that had no reply, not even a late one: they, or their replies, are taken for lost. Failures of kind `timeout`. */
  readonly lost: number
  /** Replies that came once more; no failures. */
  readonly duplicates: number
  /** Replies that one to a later request of the connection came before (RFC 4737), told by their ids. */
  readonly reordered: number
}

export interface Spread {
  readonly count: number
  readonly min: number
  readonly mean: number
  readonly max: number
}

/** Messages that came without being asked for, such as those of other clients. */
export interface DeliveriesRecord {
  /** In the whole run, the moment after its end included. */
  readonly count: number
  /** One to every other connection for each message that was acknowledged. */
  readonly expected: number
  /** Why that need not be so many. */
  readonly inexact?: string
  /** What a server of ours counted. */
  readonly serverSent?: number
  /** Of the measured part. */
  readonly perSecond: number
  /** Of the measured part and the moment after its end: from the stamp in a message to its delivery; nothing without stamps. */
  readonly latencyMs: Latency
}

export interface Latency extends Quantiles {
  /** Half of the 95 % interval of a quantile, in milliseconds, by its name; where the run was long enough for one. */
  readonly halfWidths?: Readonly<Record<string, number>>
  /** HdrHistogram, V2 compressed, base64; its unit is 100 ns. Absent where nothing was recorded. */
  readonly hdr?: string
}

/** The run's totals, warm-up included. */
export function totalsOf(collector: Collector): Totals {
  const pair = (role: number) => ({
    sent: collector.total(field.sent + role),
    completed: collector.total(field.completed + role),
  })
  return {
    ...pair(roleIndex.request),
    failed: collector.total(field.failed),
    inFlightAtEnd: collector.inFlight(),
    bytesSent: collector.total(field.bytesSent),
    bytesReceived: collector.total(field.bytesReceived),
    failures: collector.failures(),
    late: collector.total(field.lateReplies),
    connects: collector.total(field.connects),
    handshakes: pair(roleIndex.handshake),
    heartbeats: pair(roleIndex.heartbeat),
  }
}

/**
 * All that failed out of all that was tried, over the whole run; undefined when nothing was. Beside requests that is
 * what no request stands behind: connects, handshakes, replies nobody asked for.
 */
export function errorShare({ sent, failed, failures }: Totals): number | undefined {
  const all = Object.values(failures).reduce((sum, count) => sum + count, 0)
  const tried = sent + all - failed
  return tried > 0 ? all / tried : undefined
}
