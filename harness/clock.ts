/** Milliseconds on a monotonic clock, as a float with sub-microsecond resolution. */
export interface Clock {
  now(): number
}

/** The process's monotonic clock; its zero is `epochOffsetMs` milliseconds after the Unix epoch. */
export const monotonicClock: Clock = { now: () => performance.now() }

/**
 * What turns a thread's monotonic reading into one that all threads of the process share.
 * Each worker thread counts from its own start, so that instants cross threads only as `now() + epochOffsetMs()`.
 */
export function epochOffsetMs(): number {
  return performance.timeOrigin
}
