import type { AddressInfo, Server } from 'node:net'
import { formatEndpoint, parseHostPort, unixPath } from '../../harness/address.ts'
import { UserError } from '../../harness/errors.ts'

/** Where a server listens; port 0 is a free one. */
export type ListenAddress = { readonly host: string; readonly port: number } | { readonly path: string }

const loopback = '127.0.0.1'

/** The address in `127.0.0.1:8080`, `[::1]:8080`, `:8080`, `8080` or `unix:/path`; undefined when the text is none. */
export function parseListen(text: string): ListenAddress | undefined {
  const path = unixPath(text)
  if (path !== undefined) return path === '' ? undefined : { path }
  const address = parseHostPort(text.replace(/^tcp:\/\//, ''))
  return address && { host: loopback, ...address }
}

/** The address in `udp://127.0.0.1:8080` and the like, as `parseListen` takes it; undefined for other texts. */
export function parseUdpListen(text: string): Extract<ListenAddress, { host: string }> | undefined {
  const rest = text.startsWith('udp://') ? text.slice('udp://'.length) : ''
  const address = rest.includes('://') ? undefined : parseListen(rest)
  return address === undefined || 'path' in address ? undefined : address
}

/** An address as a URL: `tcp://127.0.0.1:8080` or `unix:/path`. */
export function formatListen(address: ListenAddress, scheme: 'tcp' | 'udp' = 'tcp'): string {
  return formatEndpoint('path' in address ? { scheme: 'unix', ...address } : { scheme, ...address })
}

const backlog = 4096

/**
 * Has a server listen; resolves with the address that it really has, or rejects with a UserError. `refused` is called
 * for each connection that could not be accepted later on, as for want of file descriptors.
 */
export function listenAt(server: Server, address: ListenAddress, refused: () => void): Promise<ListenAddress> {
  return new Promise((resolve, reject) => {
    server.once('error', error => reject(listenError(address, error)))
    server.listen({ ...address, backlog }, () => {
      server.removeAllListeners('error')
      server.on('error', refused)
      resolve(boundAddress(server))
    })
  })
}

function boundAddress(server: Server): ListenAddress {
  const address = server.address() as AddressInfo | string
  return typeof address === 'string' ? { path: address } : { host: address.address, port: address.port }
}

const causes: Readonly<Record<string, string>> = {
  // A unix path in a folder that is not there comes as EACCES too.
  EACCES: 'permission denied, or no such folder',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'the host is not known',
  EAI_AGAIN: 'the host is not known',
}

/** What to tell a user when listening failed. */
export function listenError(
  address: ListenAddress,
  error: NodeJS.ErrnoException,
  scheme: 'tcp' | 'udp' = 'tcp',
): UserError {
  const inUse = 'path' in address ? 'the path is there already; if no server uses it, remove it' : 'the port is in use'
  const cause = error.code === 'EADDRINUSE' ? inUse : (causes[error.code ?? ''] ?? error.message)
  return new UserError(`cannot listen on ${formatListen(address, scheme)}: ${cause}`)
}
