/** Totals since the start, but for the connections, which are those open now. */
export interface ServerCounters {
  readonly requests: number
  readonly connections: number
  readonly bytesIn: number
  readonly bytesOut: number
  /** Messages that were too long or malformed, refused handshakes, and connections over the bound. */
  readonly rejected: number
  /** Messages sent that answer none of the same connection. */
  readonly deliveries: number
  /** Connections broken off because their client did not read. */
  readonly dropped: number
  /** How often a connection had more waiting to be sent than its buffer holds, and how often that went. */
  readonly buffersFull: number
  readonly buffersDrained: number
}

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

/** The counters of two servers as those of one. */
export function sumCounters(a: ServerCounters, b: ServerCounters): ServerCounters {
  const names = Object.keys(noCounters) as (keyof ServerCounters)[]
  return Object.fromEntries(names.map(name => [name, a[name] + b[name]])) as Record<keyof ServerCounters, number>
}
