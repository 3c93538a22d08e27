import type { AddressInfo, Server } from 'node:net'
import { UserError } from '../../harness/errors.ts'
import { formatListen, type ListenAddress } from '../../harness/listenAddress.ts'

const backlog = 4096

/**
 * Makes a server listen; resolves with its real address, or rejects with a UserError. `refused` is called for each
 * connection that later cannot be accepted, for example for lack of file descriptors.
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
  // A unix path in a folder that does not exist gives EACCES too.
  EACCES: 'permission denied, or no such folder',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'the host is not known',
  EAI_AGAIN: 'the host is not known',
}

/** The message for a user when listening failed. */
export function listenError(
  address: ListenAddress,
  error: NodeJS.ErrnoException,
  scheme: 'tcp' | 'udp' = 'tcp',
): UserError {
  const inUse = 'path' in address ? 'the path exists already; if no server uses it, remove it' : 'the port is in use'
  const cause = error.code === 'EADDRINUSE' ? inUse : (causes[error.code ?? ''] ?? error.message)
  return new UserError(`cannot listen on ${formatListen(address, scheme)}: ${cause}`)
}
