import type { Clock } from '../clock.ts'
import { finished, type Loop } from './transport.ts'

/**
 * Mode rate: closer than this to a wake the event loop spins. Its timers count whole milliseconds and are often late by
 * one: with timers alone every second request would leave half a millisecond late, with spinning 6 to 30 us.
 */
const spinMs = 1.5
/** A turn of the event loop that took longer did some work, such as a TLS handshake. */
const emptyTurnMsMax = 0.1

/** Drives a loop from Node's own event loop: wakes it when it asked for it, until it is finished. */
export class Wakes {
  /** Something has come in; set by the transport. */
  hadWork = false
  readonly #clock: Clock
  readonly #isPaced: boolean
  readonly #closeAll: () => void
  #loop: Loop | undefined
  #timer: NodeJS.Timeout | undefined
  #immediate: NodeJS.Immediate | undefined
  #wakeTime = Number.NEGATIVE_INFINITY
  /**
   * Mode rate: when the current turn of the spinning event loop began; `hadWork` says whether it has had work since.
   */
  #spunAt = Number.NaN
  #spinningMs = 0
  #finish: (() => void) | undefined
  #fail: (error: unknown) => void = () => {}

  /** `closeAll` is called when the loop has finished or thrown. */
  constructor(clock: Clock, isPaced: boolean, closeAll: () => void) {
    this.#clock = clock
    this.#isPaced = isPaced
    this.#closeAll = closeAll
  }

  /** The time asleep in the kernel, and in turns of the spinning event loop that had no work. */
  get idleMs(): number {
    return performance.eventLoopUtilization().idle + this.#spinningMs
  }

  /** Wakes the loop no later than `time`. */
  wakeAt(time: number): void {
    if (time >= this.#wakeTime || this.#finish === undefined) return
    this.#unschedule()
    this.#schedule(time)
  }

  /** Resolves when the loop is finished, and rejects with what it throws. */
  run(loop: Loop): Promise<void> {
    this.#loop = loop
    return new Promise((resolve, reject) => {
      this.#finish = resolve
      this.#fail = reject
      this.#wake()
    })
  }

  #wake = (): void => {
    const now = this.#clock.now()
    // Timers count from the last time that the event loop read its clock, and so may fire early.
    if (now < this.#wakeTime) {
      const turnMs = now - this.#spunAt
      if (!this.hadWork && turnMs < emptyTurnMsMax) this.#spinningMs += turnMs
      this.#schedule(this.#wakeTime)
      return
    }
    this.#wakeTime = Number.NEGATIVE_INFINITY
    let next: number
    try {
      next = this.#loop!.wake(now)
    } catch (error) {
      this.#stop()
      this.#fail(error)
      return
    }
    if (next === finished) {
      const finish = this.#finish!
      this.#stop()
      finish()
    } else this.#schedule(next)
  }

  #schedule(time: number): void {
    this.#wakeTime = time
    const now = this.#clock.now()
    const wait = time - now
    this.hadWork = false
    // Only a turn that an immediate began is spinning: the wait for a timer is sleep.
    this.#spunAt = Number.NaN
    // What is due at once comes in the next turn of the event loop, after what it has read: a timer would wait 1 ms.
    if (wait <= 0) this.#immediate = setImmediate(this.#wake)
    else if (!this.#isPaced) this.#timer = setTimeout(this.#wake, Math.ceil(Math.max(1, wait)))
    else if (wait > spinMs + 1) this.#timer = setTimeout(this.#wake, Math.floor(wait - spinMs))
    else {
      this.#spunAt = now
      this.#immediate = setImmediate(this.#wake)
    }
  }

  #unschedule(): void {
    clearTimeout(this.#timer)
    clearImmediate(this.#immediate)
  }

  #stop(): void {
    this.#unschedule()
    this.#finish = undefined
    this.#closeAll()
  }
}
