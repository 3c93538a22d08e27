import type { Timers } from '../clock.ts'
import { assert } from '../errors.ts'

const stepsMax = 100_000

interface Timer {
  at: number
  readonly everyMs?: number
  readonly callback: () => void
}

/** A clock with timers that waits for nothing: it moves from one timer to the next, and lets promises settle in between. */
export class FakeTimers implements Timers {
  #now = 0
  readonly #timers = new Set<Timer>()

  now(): number {
    return this.#now
  }

  after(milliseconds: number, callback: () => void): () => void {
    return this.#add({ at: this.#now + milliseconds, callback })
  }

  every(milliseconds: number, callback: () => void): () => void {
    return this.#add({ at: this.#now + milliseconds, everyMs: milliseconds, callback })
  }

  /** Lets time pass without calling back, as work that blocks the thread does. */
  block(milliseconds: number): void {
    this.#now += milliseconds
  }

  /** Moves from timer to timer until the promise settles; returns its value. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false
    const settle = () => {
      isSettled = true
    }
    promise.then(settle, settle)
    for (let step = 0; step < stepsMax; step++) {
      await new Promise(resolve => setImmediate(resolve))
      if (isSettled) return promise
      this.#callNext()
    }
    throw new Error(`not settled after ${stepsMax} timers`)
  }

  /** Timers that have not been called back or cancelled. */
  get pending(): number {
    return this.#timers.size
  }

  #add(timer: Timer): () => void {
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  #callNext(): void {
    const [next] = [...this.#timers].sort((a, b) => a.at - b.at)
    assert(next, 'a promise is waited for that no timer can settle')
    this.#now = Math.max(this.#now, next.at)
    if (next.everyMs === undefined) this.#timers.delete(next)
    else next.at = this.#now + next.everyMs
    next.callback()
  }
}
