import { exitCode } from '../errors.ts'

/** Fires with the first SIGINT or SIGTERM, from when on what goes on is to end in order; a second one means now. */
export function interruption(): AbortSignal {
  const stop = new AbortController()
  const onSignal = () => {
    if (stop.signal.aborted) process.exit(exitCode.interrupted)
    stop.abort()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return stop.signal
}
