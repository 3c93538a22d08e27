import { UserError } from '../errors.ts'
import { createEpollTransport } from './epoll.ts'
import { loadLibc } from './libc.ts'
import { createNodeTransport } from './node.ts'
import type { Address, Transport } from './transport.ts'

/** Makes the transport of one worker, which has `links` connections to an address. */
type CreateTransport = (address: Address, links: number) => Transport

const rows = {
  node: createNodeTransport,
  epoll(address, links) {
    const libc = loadLibc()
    if (typeof libc === 'string') throw new Error(libc)
    return createEpollTransport(libc, address, links)
  },
} satisfies Record<string, CreateTransport>

export type TransportName = keyof typeof rows

/** Which transport a run has, and why not a faster one. */
export interface TransportChoice {
  readonly name: TransportName
  readonly reason?: string
}

/** The transport that a scenario's setting stands for; `auto` is the fastest that this machine has for the address. */
export function chooseTransport(wanted: 'auto' | TransportName, { scheme }: Address): TransportChoice {
  if (wanted === 'node') return { name: 'node' }
  const libc = scheme === 'tls' ? 'TLS is spoken over the node transport' : loadLibc()
  if (typeof libc !== 'string') return { name: 'epoll' }
  if (wanted === 'epoll') throw new UserError(`the epoll transport is not to be had: ${libc}`)
  return { name: 'node', reason: libc }
}

/** A transport by its name. */
export function createTransport(name: TransportName, address: Address, links: number): Transport {
  return rows[name](address, links)
}
