import type { Readable } from 'node:stream'

/** A stream that a command writes to: a terminal, a pipe, or a test's. */
export interface OutputStream {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
}

/** All that a command touches of its process, so that a test can run it without one. */
export interface CommandIo {
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly env: Readonly<Record<string, string | undefined>>
  /** Fires when the command is to end early. A command that asks for it takes over what Ctrl-C does. */
  readonly signal: AbortSignal
  /** For tests: a run whose client was busy is not followed by a measurement of what the client can do at most. */
  readonly ceiling?: 'never'
}
