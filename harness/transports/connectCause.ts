import type { FailureKind } from '../failures.ts'

/**
 * What it means that a connect failed, by the name of the error. The first five are this machine's own limits or routes: no
 * server can be blamed for them. A unix socket that does not exist is one on which nothing listens.
 */
const causes: Readonly<Record<string, FailureKind>> = {
  EADDRNOTAVAIL: 'no-free-port',
  EADDRINUSE: 'no-free-port',
  EAGAIN: 'no-free-port',
  EMFILE: 'no-descriptor',
  ENFILE: 'no-descriptor',
  ENETUNREACH: 'unreachable',
  ENETDOWN: 'unreachable',
  EHOSTUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ECONNREFUSED: 'connect-refused',
  ENOENT: 'connect-refused',
  ETIMEDOUT: 'connect-timeout',
}

/** The kind of a failed connect. A unix socket has no ports: there EAGAIN says that the server's queue is full. */
export function connectCause(error: string | undefined, isUnix: boolean): FailureKind {
  if (isUnix && error === 'EAGAIN') return 'connect-failed'
  return causes[error ?? ''] ?? 'connect-failed'
}
