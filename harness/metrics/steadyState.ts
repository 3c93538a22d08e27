import { mser5 } from './statistics/warmup.ts'
import type { Window } from './timeSeries.ts'

/** The change of the throughput or of the mean response over a run from which on it matters, as a share (measurement, checks 9 and 10). */
export const driftMax = 0.05
/** In a run that was cut this short MSER-5 finds a warm-up in noise too often. */
const spanMsMin = 3500

/** Where a run came to behave as it went on to do. */
export interface SteadyState {
  /** When it had settled, on the clock of the windows, or half of them were over; undefined when it had from the first on. */
  readonly reachedAt?: number
  /** It was still changing in the second half, and by so much that it matters. */
  readonly isUnsteady: boolean
  /** What was unlike the rest, and by which part: 0.5 is half as much again. */
  readonly what: 'throughput' | 'mean response'
  readonly change: number
}

/** MSER-5 on the windows' throughput and on their mean response time, the later cut of the two (measurement, check 9). */
export function findSteadyState(windows: readonly Window[]): SteadyState {
  const settled: SteadyState = { isUnsteady: false, what: 'mean response', change: 0 }
  const [first, last] = [windows[0], windows.at(-1)]
  if (first === undefined || last === undefined || last.from - first.from < spanMsMin) return settled
  const cuts = [
    { what: 'mean response', ...mser5(windows.map(({ meanMs }) => meanMs)) },
    { what: 'throughput', ...mser5(windows.map(({ throughput }) => throughput)) },
  ] as const
  const unsettled = cuts.find(({ atLimit, change }) => atLimit && Math.abs(change) > driftMax)
  const latest = cuts[1].cut > cuts[0].cut ? cuts[1] : cuts[0]
  if (latest.cut === 0) return settled
  const { what, change } = unsettled ?? latest
  return { reachedAt: windows[latest.cut]!.from, isUnsteady: unsettled !== undefined, what, change }
}
