import { UserError } from '../errors.ts'
import { hasBuffers, type SocketSettings } from '../socketOptions.ts'
import { createEpollTransport } from './epoll.ts'
import { loadLibc } from './libc.ts'
import { createNodeTransport } from './node.ts'
import type { Address, Transport, TransportOptions } from './transport.ts'
import { createUdpTransport } from './udp.ts'

/** Makes the transport of one worker. */
type CreateTransport = (options: TransportOptions) => Transport

const rows = {
  node: options => createNodeTransport(options),
  udp: options => createUdpTransport(options),
  epoll(options) {
    const libc = loadLibc()
    if (typeof libc === 'string') throw new Error(libc)
    return createEpollTransport(libc, options)
  },
} satisfies Record<string, CreateTransport>

export type TransportName = keyof typeof rows

/** The transport of a run, and the reason why it is not a faster one. */
export interface TransportChoice {
  readonly name: TransportName
  readonly reason?: string
}

/**
 * The transport for a scenario's setting: `auto` is the fastest on this machine for the address, `node` the one that
 * Node itself has for it. Throws a UserError when the epoll transport is wanted and cannot run, or when the sockets are to
 * have buffers that only it can set.
 */
export function chooseTransport(
  wanted: 'auto' | 'node' | 'epoll',
  { scheme }: Address,
  socket: SocketSettings = {},
): TransportChoice {
  const ofNode = scheme === 'udp' ? 'udp' : 'node'
  const libc = wanted === 'node' ? 'transport is node' : scheme === 'tls' ? 'TLS runs over node' : loadLibc()
  if (typeof libc !== 'string') return { name: 'epoll' }
  if (wanted === 'epoll') throw new UserError(`the epoll transport is not available: ${libc}`)
  if (ofNode === 'node' && hasBuffers(socket)) {
    throw new UserError(`socket.receiveBuffer and socket.sendBuffer need the epoll transport over TCP: ${libc}`)
  }
  return wanted === 'node' ? { name: ofNode } : { name: ofNode, reason: libc }
}

/** A transport by its name. */
export function createTransport(name: TransportName, options: TransportOptions): Transport {
  return rows[name](options)
}
