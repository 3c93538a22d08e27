import type { FailureCounts } from '../failures.ts'
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
  /** Only kinds with a count; failed connects are in here, but not in `failed`. */
  readonly failures: FailureCounts
  /** Replies to requests that had timed out, recognized by their ids; such a request stays failed. */
  readonly late?: number
  /** Connections that the server closed while nothing was under way on them, which is no failure. */
  readonly idleCloses?: number
  /** Frames that answer nothing, and that the rules of the protocol pass over. */
  readonly ignored?: number
  /** Of the completed requests, those that expect no reply: the client's kernel took them. Only where there are any. */
  readonly oneWay?: number
  /** Connections that were given up, as they could not be opened too often in a row; only where there are any. */
  readonly givenUp?: number
  /** Connections opened, reopened ones included. */
  readonly connects: number
  /** Messages sent besides the requests, and counted apart from them. */
  readonly handshakes: { readonly sent: number; readonly completed: number }
  readonly heartbeats: { readonly sent: number; readonly completed: number }
  /** Messages sent in answer to messages of the server; only where there are any. */
  readonly answers?: number
}

/** Round-trip times as measured by the kernel, in milliseconds, over all connections that were queried. */
export interface TcpRecord {
  /** Right after the TCP handshake, before anything was sent: the network alone. */
  readonly roundTripAtOpenMs: Spread
  /** Smoothed, at the end; under load it includes the server's time. */
  readonly roundTripAtEndMs: Spread
  readonly leastRoundTripAtEndMs: Spread
  /** Retransmitted segments of all connections. */
  readonly retransmits: number
}

/** Effects that UDP has and TCP has not. */
export interface DatagramRecord {
  /**
   * Requests without any reply, not even a late one: they or their replies count as lost. Failures of kind `timeout`.
   */
  readonly lost: number
  /** Repeated replies; no failures. */
  readonly duplicates: number
  /** Replies that arrived after the reply to a later request of the connection (RFC 4737), recognized by their ids. */
  readonly reordered: number
}

export interface Spread {
  readonly count: number
  readonly min: number
  readonly mean: number
  readonly max: number
}

/** Messages that no request asked for, such as those of other clients. */
export interface DeliveriesRecord {
  /** In the whole run, including the drain after its end. */
  readonly count: number
  /** One to every other connection for each acknowledged message; absent where nobody knows how many were to come. */
  readonly expected?: number
  /** Why the expected number is not exact. */
  readonly inexact?: string
  /** Counted by a reference server. */
  readonly serverSent?: number
  /**
   * Bare text without an end: how many times more of a delivery came after it was counted. Its stamp is not looked for
   * there. The number of deliveries is exact all the same.
   */
  readonly pieces?: number
  /** In the measured part. */
  readonly perSecond: number
  /** In the measured part and the drain after it: from the stamp in a message to its delivery; empty without stamps. */
  readonly latencyMs: Latency
}

export interface Latency extends Quantiles {
  /** Half of the 95 % interval of a quantile, in milliseconds, by name; only if the run was long enough. */
  readonly halfWidths?: Readonly<Record<string, number>>
  /** HdrHistogram, V2 compressed, base64, in units of 100 ns. Absent if nothing was recorded. */
  readonly hdr?: string
}

/** The totals of a run, including its warm-up. */
export function totalsOf(collector: Collector): Totals {
  const givenUp = collector.total(field.givenUp)
  const pair = (role: number) => ({
    sent: collector.total(field.sent + role),
    completed: collector.total(field.completed + role),
  })
  const ignored = collector.total(field.ignored)
  const oneWay = collector.total(field.oneWay)
  const answers = collector.total(field.sent + roleIndex.answer)
  return {
    ...pair(roleIndex.request),
    failed: collector.total(field.failed),
    inFlightAtEnd: collector.inFlight(),
    bytesSent: collector.total(field.bytesSent),
    bytesReceived: collector.total(field.bytesReceived),
    failures: collector.failures(),
    late: collector.total(field.lateReplies),
    idleCloses: collector.total(field.idleCloses),
    ...(ignored > 0 && { ignored }),
    ...(oneWay > 0 && { oneWay }),
    ...(givenUp > 0 && { givenUp }),
    connects: collector.total(field.connects),
    handshakes: pair(roleIndex.handshake),
    heartbeats: pair(roleIndex.heartbeat),
    ...(answers > 0 && { answers }),
  }
}

/** All messages that were sent, and those of them that were answered: requests, handshakes, heartbeats and answers. */
export function messagesOf({ sent, completed, handshakes, heartbeats, answers = 0 }: Totals): {
  readonly sent: number
  readonly answered: number
} {
  return {
    sent: sent + handshakes.sent + heartbeats.sent + answers,
    answered: completed + handshakes.completed + heartbeats.completed,
  }
}

/**
 * Everything that was attempted: requests, and what failed without a request, such as connects, handshakes, and frames
 * that answer nothing. It is the sum of completed requests, requests in flight and failures of all kinds.
 */
export function attemptedOf({ sent, failed, failures }: Totals): number {
  return sent - failed + failedOf(failures)
}

/** The share of attempts that failed, in the whole run; undefined when nothing was attempted. */
export function errorShare(totals: Totals): number | undefined {
  const attempted = attemptedOf(totals)
  return attempted > 0 ? failedOf(totals.failures) / attempted : undefined
}

/** All failures: those of requests, and those without a request, such as of connects. */
export function failedOf(failures: Totals['failures']): number {
  return Object.values(failures).reduce((sum, count) => sum + count, 0)
}
