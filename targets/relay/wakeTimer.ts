/** The one timer of a relay. */
export interface WakeTimer {
  /** Wakes once after this time, or somewhat later, in place of the time that was set before. It may also wake early. */
  set(delayMs: number): void
  close(): void
}

export type CreateWakeTimer = (wake: () => void) => WakeTimer

/** Timers of Node count whole milliseconds and accept at most 31 bits of them. */
const delayMsMin = 1
const delayMsMax = 3_600_000

/** A timer of Node, on every platform: up to a millisecond late, and later in a busy process. */
export function createMillisecondTimer(wake: () => void): WakeTimer {
  let timer: NodeJS.Timeout | undefined
  return {
    set(delayMs) {
      clearTimeout(timer)
      timer = setTimeout(wake, Math.min(Math.max(Math.ceil(delayMs), delayMsMin), delayMsMax))
    },
    close() {
      clearTimeout(timer)
    },
  }
}
