/** What a probe of a rate came to: `client-limited` is when we could not drive it, which says nothing of the server. */
export type ProbeOutcome = 'held' | 'failed' | 'client-limited'

export interface Tried {
  /** Requests a second. */
  readonly rate: number
  readonly outcome: ProbeOutcome
}

/** How a search ended; `bounds` is when it would have gone below or above what can be asked for, or on for too long. */
export type SearchEnd = 'found' | 'client-limited' | 'bounds'

/** The highest rate that held and the lowest that did not are brought as near as this part of the former. */
const resolution = 0.05
const growth = 2
const rateMin = 1
const rateMax = 100_000_000
const probesMax = 32

/**
 * The rate to be tried next on the way to the highest that holds: twice the last while they hold, half of it while none
 * does, then the middle between the highest that held and the lowest that did not. None is below `least`. Or how the
 * search ended.
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

/** The highest rate that held, and the lowest above it that did not. */
export function bracketOf(tried: readonly Tried[]): { held: number | undefined; failed: number | undefined } {
  const rates = (outcome: ProbeOutcome) => tried.filter(probe => probe.outcome === outcome).map(({ rate }) => rate)
  const held = rates('held').reduce<number | undefined>((most, rate) => Math.max(most ?? 0, rate), undefined)
  const failed = rates('failed').filter(rate => held === undefined || rate > held)
  return { held, failed: failed.length === 0 ? undefined : Math.min(...failed) }
}
