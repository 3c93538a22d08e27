/** One fault in what a user wrote: its place, and what was expected and found there. */
export interface Fault {
  /** `file:line:column`, a flag such as `--rate`, or empty where there is no place. */
  readonly place: string
  readonly message: string
}

/** Exit codes of every command. */
export const exitCode = {
  pass: 0,
  failed: 1,
  couldNotRun: 2,
  inconclusive: 3,
  invalid: 4,
  interrupted: 130,
} as const

export type ExitCode = (typeof exitCode)[keyof typeof exitCode]

/** An error of the user: printed without a stack, each fault on its own line, exit 2. */
export class UserError extends Error {
  override readonly name = 'UserError'
  readonly faults: readonly Fault[]
  readonly hint: string | undefined

  constructor(faults: string | readonly Fault[], hint?: string) {
    const list = typeof faults === 'string' ? [{ place: '', message: faults }] : faults
    super(list.map(fault => (fault.place ? `${fault.place} ${fault.message}` : fault.message)).join('\n'))
    this.faults = list
    this.hint = hint
  }
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Throws when an invariant does not hold: an error of the program, not of its user. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`)
}

const reasons: Record<string, string> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EEXIST: 'there is a file of this name',
  EISDIR: 'this is a folder',
  ENAMETOOLONG: 'the name is too long',
  EMFILE: 'this process may open no more files ("ulimit -n" raises that)',
  ENFILE: 'this machine has no more files to open',
  EAGAIN: 'this machine has no more processes or memory to give',
  ENOMEM: 'there is no memory left',
  EIO: 'the device or the terminal is gone',
}

/** Why a file or a folder could not be read or written. */
export function reasonOf(error: unknown): string {
  return reasons[(error as NodeJS.ErrnoException).code ?? ''] ?? messageOf(error)
}

/** The lines that say what was thrown, where it is no UserError; with `stack`, where too. */
export function unexpectedText(error: unknown, { stack = false } = {}): string {
  const where = stack && error instanceof Error && error.stack !== undefined ? `\n${error.stack}` : ''
  const { code, syscall, path } = error instanceof Error ? (error as NodeJS.ErrnoException) : {}
  if (syscall === 'uv_cwd') return `volley: the current folder does not exist any more${where}\n`
  // What the system refuses is no bug, wherever it was asked for.
  if (code !== undefined && syscall !== undefined) {
    return `volley: ${reasonOf(error)} (${syscall}${path === undefined ? '' : ` ${path}`})${where}\n`
  }
  if (code === 'ERR_MODULE_NOT_FOUND') {
    return `volley: cannot load its own files: ${messageOf(error)}; install it again, or set "ulimit -n" to 256 or more${where}\n`
  }
  const how = stack ? '' : ': VOLLEY_DEBUG=1 shows where it happened'
  return `volley: ${messageOf(error)}; this is a bug of volley${how}${where}\n`
}
