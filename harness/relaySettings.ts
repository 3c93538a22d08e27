import { type CLibrary, loadCLibrary } from './cLibrary.ts'
import { formatBitRate, formatDuration, formatPercent, formatSetting } from './units.ts'

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

/** The shortest durations, besides none at all, that timers keep which count milliseconds, as Node's do. */
const coarsestMs = { rtt: 2, jitter: 1 } as const

/** A duration that is too short for the timers of this machine, and what is expected of it instead. */
export interface TooShort {
  readonly name: keyof typeof coarsestMs
  readonly expected: string
  readonly got: string
}

/** The durations that need a finer timer than this machine has: only Linux has one, and koffi has to call it. */
export function tooShort(
  settings: Pick<RelaySettings, TooShort['name']>,
  load: () => CLibrary | string = loadCLibrary,
): readonly TooShort[] {
  const short = (['rtt', 'jitter'] as const).flatMap(name => {
    const milliseconds = settings[name] ?? 0
    return milliseconds > 0 && milliseconds < coarsestMs[name] ? [{ name, milliseconds }] : []
  })
  const library = short.length === 0 ? undefined : load()
  if (typeof library !== 'string') return []
  return short.map(({ name, milliseconds }) => {
    const least = formatSetting(coarsestMs[name])
    return {
      name,
      expected: `0 or at least ${least}, as less needs Linux and koffi (here ${library})`,
      got: formatSetting(milliseconds),
    }
  })
}

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
