/** The outcome of a probe: `client-limited` when the client could not keep the rate, which says nothing about the server. */
export type ProbeOutcome = 'held' | 'failed' | 'client-limited'

export interface Tried {
  /** Requests a second. */
  readonly rate: number
  readonly outcome: ProbeOutcome
}

/** How a search ended: `bounds` when the next rate would be out of range, or after too many probes. */
export type SearchEnd = 'found' | 'client-limited' | 'bounds'

/** A search ends when the highest rate that held and the lowest that failed differ by this share of the former. */
const resolution = 0.05
const growth = 2
const rateMin = 1
const rateMax = 100_000_000
const probesMax = 32

/**
 * The rate of the next probe, in requests per second: twice the last while rates hold, half of it while none does, then the
 * middle between the highest that held and the lowest that failed; never below `least`. Or how the search ended.
 */
export function nextRate(tried: readonly Tried[], start: number, least: number = rateMin): number | SearchEnd {
  if (tried.some(({ outcome }) => outcome === 'client-limited')) return 'client-limited'
  if (tried.length === 0) return start
  const { held, failed } = bracketOf(tried)
  const rate = held === undefined ? failed! / growth : failed === undefined ? held * growth : (held + failed) / 2
  if (held !== undefined && failed !== undefined && failed - held <= resolution * held) return 'found'
  const rounded = Number(rate.toPrecision(4))
  return rounded < least || rounded > rateMax || tried.length >= probesMax ? 'bounds' : rounded
}

/** The highest rate that held, and the lowest above it that failed. */
export function bracketOf(tried: readonly Tried[]): { held: number | undefined; failed: number | undefined } {
  const rates = (outcome: ProbeOutcome) => tried.filter(probe => probe.outcome === outcome).map(({ rate }) => rate)
  const held = rates('held').reduce<number | undefined>((most, rate) => Math.max(most ?? 0, rate), undefined)
  const failed = rates('failed').filter(rate => held === undefined || rate > held)
  return { held, failed: failed.length === 0 ? undefined : Math.min(...failed) }
}
