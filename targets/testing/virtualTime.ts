import { vi } from 'vitest'

const stepMs = 20

/** Puts timers and `performance.now` under the test's control; sockets and setImmediate stay real. */
export function useVirtualTime(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] })
}

/** Advances the clock in small steps, so that sockets are served between timers, until the promise has settled. */
export async function advanceUntil<Value>(promise: Promise<Value>): Promise<Value> {
  let isSettled = false
  const settled = () => {
    isSettled = true
  }
  promise.then(settled, settled)
  while (!isSettled) {
    await vi.advanceTimersByTimeAsync(stepMs)
    await new Promise(setImmediate)
  }
  return promise
}

/** Gives timers and the clock back: for afterEach. */
export function useRealTime(): void {
  vi.useRealTimers()
}
