import type { Readable } from 'node:stream'

/** A stream that a command writes to: a terminal, a pipe, or the buffer of a test. */
export interface OutputStream {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
}

/** Everything of its process that a command uses, so that tests can run commands in their own process. */
export interface CommandIo {
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly env: Readonly<Record<string, string | undefined>>
  /** Fires when the command should end early. A command that reads it handles Ctrl-C itself. */
  readonly signal: AbortSignal
  /** Fires when nobody reads stdout any more: a command whose only purpose is to print ends then. */
  readonly readerGone?: AbortSignal
  /** For tests: a run whose client was busy is not followed by a measurement of what the client can do at most. */
  readonly ceiling?: 'never'
}
