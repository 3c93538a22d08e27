/** Milliseconds on a monotonic clock, as a float with sub-microsecond resolution. */
export interface Clock {
  now(): number
}

/** A clock with timers. Code that waits takes one as an argument, so that a test can let hours pass at once. */
export interface Timers extends Clock {
  /** Calls back once, after this time; the returned function cancels that. */
  after(milliseconds: number, callback: () => void): () => void
  /** Calls back again and again at this interval, until the returned function is called. */
  every(milliseconds: number, callback: () => void): () => void
}

const { hrtime } = process
const originMs = performance.now() - millisecondsOf(hrtime())

/**
 * The thread's monotonic clock; its zero is `epochOffsetMs` milliseconds after the Unix epoch. `hrtime` and
 * `performance.now` read the same clock, but in the loop the latter costs twice as much (300 ns for the two readings of
 * a request, against 160), as it first checks what it is called on.
 */
export const monotonicClock: Clock = { now: () => millisecondsOf(hrtime()) + originMs }

/** The process's clock and timers. */
export const systemTimers: Timers = {
  now: monotonicClock.now,
  after(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds)
    return () => clearTimeout(timer)
  },
  every(milliseconds, callback) {
    const timer = setInterval(callback, milliseconds)
    return () => clearInterval(timer)
  },
}

/**
 * Added to a reading of this thread's `monotonicClock`, it gives a time that all threads of the process share: each
 * thread counts from its own start, but `hrtime` counts from one instant for all of them.
 */
export function sharedOffsetMs(): number {
  return -originMs
}

/** Added to a reading of this thread's `monotonicClock`, it gives milliseconds since the Unix epoch. */
export function epochOffsetMs(): number {
  return performance.timeOrigin
}

function millisecondsOf(time: [number, number]): number {
  return time[0] * 1000 + time[1] / 1e6
}
