/** Running totals at one moment. */
export interface Reading {
  readonly at: number
  readonly counters: Float64Array
  /** CPU time used so far, in seconds. */
  readonly clientCpu: number
  readonly serverCpu: number | undefined
  /** Connection-milliseconds that were wanted so far, and those of them in which the connection was down. */
  readonly wantedMs: number
  readonly downMs: number
}

/** Cores in use between two readings. */
export interface Usage {
  readonly seconds: number
  readonly clientCores: number
  readonly serverCores: number | undefined
}

/** The usage between two readings; a time of 0 counts as 1 ms. */
export function usageBetween(before: Reading, after: Reading): Usage {
  const seconds = Math.max(1e-3, (after.at - before.at) / 1000)
  const server = cpuBetween(before, after).server
  return {
    seconds,
    clientCores: (after.clientCpu - before.clientCpu) / seconds,
    serverCores: server === undefined ? undefined : server / seconds,
  }
}

/** CPU time used between two readings, in seconds. */
export function cpuBetween(before: Reading, after: Reading): { client: number; server: number | undefined } {
  const isKnown = before.serverCpu !== undefined && after.serverCpu !== undefined
  return {
    client: after.clientCpu - before.clientCpu,
    server: isKnown ? after.serverCpu - before.serverCpu : undefined,
  }
}

/**
 * The share of the connection time wanted between two readings in which the connections could be used; undefined where
 * none was wanted.
 */
export function availabilityBetween(before: Reading, after: Reading): number | undefined {
  const wantedMs = after.wantedMs - before.wantedMs
  return wantedMs > 0 ? Math.min(1, Math.max(0, 1 - (after.downMs - before.downMs) / wantedMs)) : undefined
}
