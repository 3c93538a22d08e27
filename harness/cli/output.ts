import { reasonOf } from '../errors.ts'

/** What becomes of an output stream while a command writes to it. */
export interface WatchedOutput {
  /** Fires when its reader is gone. */
  readonly gone: AbortSignal
  /** Why not all could be written, except that nobody reads it any more. */
  failure(): string | undefined
  /** Resolves when all is written, or nothing more can be. */
  flushed(): Promise<void>
}

const reasons: Readonly<Record<string, string>> = { ENOSPC: 'no space left' }

/**
 * Takes note of errors of a stream, which would end the process otherwise. What is written after one is lost and the command
 * goes on: a reader that closes its pipe, as in "volley ... | head", changes neither what is done nor the exit code.
 */
export function watchOutput(stream: NodeJS.WriteStream): WatchedOutput {
  const gone = new AbortController()
  let failure: string | undefined
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') gone.abort()
    else if (error.code !== 'ERR_STREAM_DESTROYED') failure ??= reasons[error.code ?? ''] ?? reasonOf(error)
  })
  return {
    gone: gone.signal,
    failure: () => failure,
    // Exiting before this would lose output that a pipe has not taken yet, or the error of what was written last.
    flushed: () =>
      new Promise(resolve => {
        if (stream.writableLength === 0) setImmediate(resolve)
        else stream.write('', () => resolve())
      }),
  }
}
