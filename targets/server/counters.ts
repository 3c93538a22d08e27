/** Totals since the start, except for `connections`, the number that is open now. */
export interface ServerCounters {
  readonly requests: number
  readonly connections: number
  readonly bytesIn: number
  readonly bytesOut: number
  /** Messages that were too long or malformed, refused handshakes, and connections over the limit. */
  readonly rejected: number
  /** Messages sent to a connection that answer none of its own requests. */
  readonly deliveries: number
  /** Connections closed because their client did not read. */
  readonly dropped: number
  /** How often a connection had more bytes to send than its buffer holds, and how often that backlog was sent. */
  readonly buffersFull: number
  readonly buffersDrained: number
}

/** All counters at zero. */
export const noCounters: ServerCounters = {
  requests: 0,
  connections: 0,
  bytesIn: 0,
  bytesOut: 0,
  rejected: 0,
  deliveries: 0,
  dropped: 0,
  buffersFull: 0,
  buffersDrained: 0,
}

/** The counters of two servers added up. */
export function sumCounters(a: ServerCounters, b: ServerCounters): ServerCounters {
  const names = Object.keys(noCounters) as (keyof ServerCounters)[]
  return Object.fromEntries(names.map(name => [name, a[name] + b[name]])) as Record<keyof ServerCounters, number>
}

/** The counters that a server increments itself. */
export class RunningTotals {
  requests = 0
  bytesIn = 0
  /** Bytes sent that are no replies. */
  bytesSent = 0
  rejected = 0
  deliveries = 0
  dropped = 0
  buffersFull = 0
  buffersDrained = 0

  /** The counters at this moment, with the open connections and the bytes of replies, which are counted elsewhere. */
  read(connections: number, replyBytes: number): ServerCounters {
    const { bytesSent, ...totals } = this
    return { ...totals, connections, bytesOut: replyBytes + bytesSent }
  }
}
