/** Milliseconds on a monotonic clock, as a float with sub-microsecond resolution. */
export interface Clock {
  now(): number
}

/** A clock with timers. Whatever waits is given one, so that a test can let hours pass at once. */
export interface Timers extends Clock {
  /** Calls back once, after so many milliseconds; the answer cancels it. */
  after(milliseconds: number, callback: () => void): () => void
  /** Calls back every so many milliseconds; the answer ends it. */
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
 * What turns a thread's monotonic reading into one that all threads of the process share: each thread counts from its
 * own start, and the clock behind `hrtime` from one that is the same for all.
 */
export function sharedOffsetMs(): number {
  return -originMs
}

/** What turns a thread's monotonic reading into milliseconds since the Unix epoch. */
export function epochOffsetMs(): number {
  return performance.timeOrigin
}

function millisecondsOf(time: [number, number]): number {
  return time[0] * 1000 + time[1] / 1e6
}
