/**
 * The outcome of a probe: `client-limited` when it failed, or may have failed, by the client's own fault, which says
 * nothing about the server.
 */
export type ProbeOutcome = 'held' | 'failed' | 'client-limited'

export interface Tried {
  /** Requests a second. */
  readonly rate: number
  readonly outcome: ProbeOutcome
}

/**
 * How a search ended: `client-limited` when the client could not tell above the highest rate that held, `bounds` when the
 * next rate would be out of range, or after too many probes.
 */
export type SearchEnd = 'found' | 'client-limited' | 'bounds'

/** A search ends when the highest rate that held and the lowest that did not differ by this share of the former. */
const resolution = 0.05
const growth = 2
const rateMin = 1
const rateMax = 100_000_000
const probesMax = 32
/** A client that could not tell at so many rates, and at none below, is on a machine that is too busy for any. */
const untoldMax = 4

/**
 * The rate of the next probe, in requests per second: twice the last while rates hold, half of it while none does, then the
 * middle between the highest that held and the lowest above it that did not; never below `least`. Or how the search ended.
 */
export function nextRate(tried: readonly Tried[], start: number, least: number = rateMin): number | SearchEnd {
  if (tried.length === 0) return start
  const { held, failed, untold } = bracketOf(tried)
  const above = lowerOf(failed, untold)
  const isLimited = untold !== undefined && (failed === undefined || untold < failed)
  if (held === undefined && tried.filter(({ outcome }) => outcome === 'client-limited').length >= untoldMax) {
    return 'client-limited'
  }
  const rate = held === undefined ? above! / growth : above === undefined ? held * growth : (held + above) / 2
  const end = isLimited ? 'client-limited' : 'found'
  if (held !== undefined && above !== undefined && above - held <= resolution * held) return end
  const rounded = Number(rate.toPrecision(4))
  if (rounded >= least && rounded <= rateMax && tried.length < probesMax) return rounded
  return isLimited ? 'client-limited' : 'bounds'
}

/**
 * The least and the most probes to come, the next one included, where the interval is halved and each rate that fails is
 * probed twice; undefined while the rate still doubles or halves.
 */
export function probesLeft(tried: readonly Tried[]): { least: number; most: number } | undefined {
  const { held, failed, untold } = bracketOf(tried)
  const above = lowerOf(failed, untold)
  if (held === undefined || above === undefined) return undefined
  const halvings = Math.max(1, Math.ceil(Math.log2((above - held) / (resolution * held))))
  return { least: halvings, most: 2 * halvings }
}

/** The highest rate that held, and the lowest above it that failed, and at which the client could not tell. */
export function bracketOf(tried: readonly Tried[]): Bracket {
  const rates = (outcome: ProbeOutcome) => tried.filter(probe => probe.outcome === outcome).map(({ rate }) => rate)
  const held = rates('held').reduce<number | undefined>((most, rate) => Math.max(most ?? 0, rate), undefined)
  const lowest = (outcome: ProbeOutcome) => {
    const above = rates(outcome).filter(rate => held === undefined || rate > held)
    return above.length === 0 ? undefined : Math.min(...above)
  }
  return { held, failed: lowest('failed'), untold: lowest('client-limited') }
}

export interface Bracket {
  readonly held: number | undefined
  readonly failed: number | undefined
  readonly untold: number | undefined
}

function lowerOf(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b)
}
