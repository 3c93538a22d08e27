import { formatBitRate, formatDuration, formatPercent } from './units.ts'

/**
 * The network that a relay simulates between a client and a server, as in a scenario: durations in milliseconds, the
 * rate in bits a second, shares from 0 to 1. An absent setting has no effect.
 */
export interface RelaySettings {
  /** How much longer a round trip takes, half of it each way. */
  readonly rtt?: number
  /** By how much the round trip varies at most, half of it each way; no more than `rtt`. */
  readonly jitter?: number
  /** The bandwidth each way, shared by all connections. */
  readonly rate?: number
  readonly loss?: number
  /** When nothing passes, in the form that `parseStall` reads. */
  readonly stall?: string
  readonly reset?: number
}

export const relayLimits = {
  roundTripMsMax: 10_000,
  bitRateMin: 1000,
  bitRateMax: 100_000_000_000,
} as const

/** What a relay does, for display: `rtt 75 ms`, `jitter 3 ms`, `50 Mbit/s`. */
export function describeRelay({ rtt, jitter, rate, loss, stall, reset }: RelaySettings): readonly string[] {
  const parts = [
    rtt === undefined ? '' : `rtt ${shown(rtt, formatDuration)}`,
    jitter === undefined ? '' : `jitter ${shown(jitter, formatDuration)}`,
    rate === undefined ? '' : shown(rate, formatBitRate),
    loss === undefined ? '' : `loss ${shown(loss, formatPercent)}`,
    stall === undefined ? '' : `stall ${stall}`,
    reset === undefined ? '' : `reset ${shown(reset, formatPercent)}`,
  ].filter(part => part !== '')
  return parts.length === 0 ? ['which adds nothing'] : parts
}

/** A report has `***` in place of a value that came from an environment variable. */
function shown(value: unknown, format: (value: number) => string): string {
  return typeof value === 'number' ? format(value) : String(value)
}
