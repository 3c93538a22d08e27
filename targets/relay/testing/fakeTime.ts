import type { Clock } from '../../../harness/clock.ts'
import type { CreateWakeTimer } from '../wakeTimer.ts'

/** The shortest time that the kernel takes for one; without it rounding could let a fake clock stand still. */
const nanosecondMs = 1e-6

/** A clock that only the test advances, and timers that fire when it gets there. */
export class FakeTime implements Clock {
  #nowMs = 0
  readonly #timers: { atMs: number; readonly wake: () => void }[] = []

  now(): number {
    return this.#nowMs
  }

  /** Timers that count nanoseconds, as those of the kernel. */
  readonly exactTimer: CreateWakeTimer = wake => this.#timer(wake, delayMs => Math.max(delayMs, nanosecondMs))

  /** Timers that count milliseconds, as those of Node. */
  readonly millisecondTimer: CreateWakeTimer = wake => this.#timer(wake, delayMs => Math.max(Math.ceil(delayMs), 1))

  /** Advances to `toMs` and fires every timer on the way at its time. */
  advanceTo(toMs: number): void {
    for (;;) {
      const next = this.#timers.toSorted((a, b) => a.atMs - b.atMs)[0]
      if (next === undefined || next.atMs > toMs) break
      this.#nowMs = next.atMs
      next.atMs = Number.POSITIVE_INFINITY
      next.wake()
    }
    this.#nowMs = Math.max(this.#nowMs, toMs)
  }

  #timer(wake: () => void, rounded: (delayMs: number) => number): ReturnType<CreateWakeTimer> {
    const timer = { atMs: Number.POSITIVE_INFINITY, wake }
    this.#timers.push(timer)
    return {
      set: delayMs => {
        timer.atMs = this.#nowMs + rounded(delayMs)
      },
      close: () => {
        timer.atMs = Number.POSITIVE_INFINITY
      },
    }
  }
}
