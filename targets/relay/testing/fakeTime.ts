import type { Clock } from '../../../harness/clock.ts'
import type { WakeAfter } from '../timeline.ts'

/** A clock that only the test advances, and timers that fire when it gets there. */
export class FakeTime implements Clock {
  #nowMs = 0
  #timers: { readonly atMs: number; readonly callback: () => void }[] = []

  now(): number {
    return this.#nowMs
  }

  readonly wakeAfter: WakeAfter = (delayMs, callback) => {
    const timer = { atMs: this.#nowMs + delayMs, callback }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter(other => other !== timer)
    }
  }

  /** Advances to `toMs` and fires every timer on the way at its time. */
  advanceTo(toMs: number): void {
    for (;;) {
      const next = this.#timers.toSorted((a, b) => a.atMs - b.atMs)[0]
      if (next === undefined || next.atMs > toMs) break
      this.#timers = this.#timers.filter(timer => timer !== next)
      this.#nowMs = next.atMs
      next.callback()
    }
    this.#nowMs = Math.max(this.#nowMs, toMs)
  }
}
