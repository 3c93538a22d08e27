/** Milliseconds on a monotonic clock, as a float with sub-microsecond resolution. */
export interface Clock {
  now(): number
}

/** The process's monotonic clock; its zero is `epochOffsetMs` milliseconds after the Unix epoch. */
export const monotonicClock: Clock = { now: () => performance.now() }

/**
 * What turns a thread's monotonic reading into one that all threads of the process share: each thread counts from its
 * own start, and the clock behind `hrtime` from one that is the same for all.
 */
export function sharedOffsetMs(): number {
  return Number(process.hrtime.bigint()) / 1e6 - performance.now()
}

/** What turns a thread's monotonic reading into milliseconds since the Unix epoch. */
export function epochOffsetMs(): number {
  return performance.timeOrigin
}
