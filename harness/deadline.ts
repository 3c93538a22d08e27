import { formatSetting } from './units.ts'

/** A signal that fires after a time, or with another signal, whichever is first. */
export interface Deadline {
  readonly signal: AbortSignal
  /** Takes its timer and its listener away. */
  end(): void
}

/** Why a deadline that has passed fired. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'

  constructor(milliseconds: number) {
    super(`no answer within ${formatSetting(milliseconds)}`)
  }
}

/**
 * Begins a deadline, whose signal fires with a NoAnswer. `AbortSignal.any` holds a signal of `AbortSignal.timeout` weakly,
 * so that a collection of garbage takes the timeout away and the wait never ends. Here the event loop holds the timer.
 */
export function startDeadline(milliseconds: number, outer?: AbortSignal): Deadline {
  const controller = new AbortController()
  const fire = () => controller.abort(outer!.reason)
  const timer = setTimeout(() => controller.abort(new NoAnswer(milliseconds)), milliseconds)
  outer?.addEventListener('abort', fire)
  if (outer?.aborted) fire()
  return {
    signal: controller.signal,
    end() {
      clearTimeout(timer)
      outer?.removeEventListener('abort', fire)
    },
  }
}
