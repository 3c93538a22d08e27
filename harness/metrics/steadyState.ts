import { mser5 } from './statistics/warmup.ts'
import { mergeWindows, windowEdges, windowsWithEnough } from './statistics/windows.ts'
import type { Window } from './timeSeries.ts'

/**
 * A change of the throughput or the mean response time over a run that matters, as a share (docs/measurement.md,
 * checks 9 and 10).
 */
export const driftMax = 0.05
/** In shorter runs MSER-5 finds a warm-up in noise too often. */
const spanMsMin = 3500
const windowsMin = 35

/** When a run reached its steady state, and how it differed before. */
export interface SteadyState {
  /** When it began, on the clock of the windows, or their middle if it did not; undefined if there was no warm-up. */
  readonly reachedAt?: number
  /** There is no steady state: the run still changed in its second half, by more than `driftMax`. */
  readonly isUnsteady: boolean
  /** The figure that reached the steady state last. */
  readonly what: 'throughput' | 'mean response time'
  /** From its value in the steady state to that before it, as a share of the larger: from -1 to 1. */
  readonly change: number
}

/**
 * The later cut of MSER-5 on the windows' throughput and on their mean response time (docs/measurement.md, check 9).
 * Windows are merged until each has enough requests to be compared: of a few requests a minute nothing is left out.
 */
export function findSteadyState(windows: readonly Window[]): SteadyState {
  const steady: SteadyState = { isUnsteady: false, what: 'mean response time', change: 0 }
  const [first, last] = [windows[0], windows.at(-1)]
  if (first === undefined || last === undefined || last.from - first.from < spanMsMin) return steady
  const spanMs = (last.from - first.from) * (windows.length / (windows.length - 1))
  const series = {
    throughputs: windows.map(({ throughput }) => throughput),
    meansMs: windows.map(({ meanMs }) => meanMs),
    inFlights: windows.map(({ inFlight }) => inFlight),
  }
  const perSecond = series.throughputs.reduce((sum, throughput) => sum + throughput, 0) / windows.length
  const count = windowsWithEnough(windows.length, (perSecond * spanMs) / 1000)
  if (count < windowsMin) return steady
  const { meansMs, throughputs } = mergeWindows(series, count)
  const cuts = [
    { what: 'mean response time', ...mser5(meansMs) },
    { what: 'throughput', ...mser5(throughputs) },
  ] as const
  const unsteady = cuts.find(({ atLimit, change }) => atLimit && Math.abs(change) > driftMax)
  const latest = cuts[1].cut > cuts[0].cut ? cuts[1] : cuts[0]
  if (latest.cut === 0) return steady
  const { what, change } = unsteady ?? latest
  const reached = windows[windowEdges(windows.length, count)[latest.cut]!]!
  return { reachedAt: reached.from, isUnsteady: unsteady !== undefined, what, change }
}
