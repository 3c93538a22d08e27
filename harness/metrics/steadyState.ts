import { mser5 } from './statistics/warmup.ts'
import type { Window } from './timeSeries.ts'

/**
 * A change of the throughput or the mean response time over a run that matters, as a share (docs/measurement.md,
 * checks 9 and 10).
 */
export const driftMax = 0.05
/** In shorter runs MSER-5 finds a warm-up in noise too often. */
const spanMsMin = 3500

/** When a run reached its steady state, and how it differed before. */
export interface SteadyState {
  /** When it began, on the clock of the windows, or their middle if it did not; undefined if there was no warm-up. */
  readonly reachedAt?: number
  /** There is no steady state: the run still changed in its second half, by more than `driftMax`. */
  readonly isUnsteady: boolean
  /** The figure that reached the steady state last. */
  readonly what: 'throughput' | 'mean response time'
  /** Its difference before the steady state, as a share of its value in it: 0.5 is 50 % more. */
  readonly change: number
}

/**
 * The later cut of MSER-5 on the windows' throughput and on their mean response time (docs/measurement.md, check 9).
 */
export function findSteadyState(windows: readonly Window[]): SteadyState {
  const steady: SteadyState = { isUnsteady: false, what: 'mean response time', change: 0 }
  const [first, last] = [windows[0], windows.at(-1)]
  if (first === undefined || last === undefined || last.from - first.from < spanMsMin) return steady
  const cuts = [
    { what: 'mean response time', ...mser5(windows.map(({ meanMs }) => meanMs)) },
    { what: 'throughput', ...mser5(windows.map(({ throughput }) => throughput)) },
  ] as const
  const unsteady = cuts.find(({ atLimit, change }) => atLimit && Math.abs(change) > driftMax)
  const latest = cuts[1].cut > cuts[0].cut ? cuts[1] : cuts[0]
  if (latest.cut === 0) return steady
  const { what, change } = unsteady ?? latest
  return { reachedAt: windows[latest.cut]!.from, isUnsteady: unsteady !== undefined, what, change }
}
