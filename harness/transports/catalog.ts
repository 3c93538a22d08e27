import { createNodeTransport } from './node.ts'
import type { Address, Transport } from './transport.ts'

/** Makes the transport of one worker, which has `links` connections to an address. */
type CreateTransport = (address: Address, links: number) => Transport

const rows = { node: createNodeTransport } satisfies Record<string, CreateTransport>

export type TransportName = keyof typeof rows

/** The transport that a scenario's setting stands for; `auto` is the fastest that this machine has for the address. */
export function chooseTransport(wanted: 'auto' | TransportName): TransportName {
  return wanted === 'auto' ? 'node' : wanted
}

/** A transport by its name. */
export function createTransport(name: TransportName, address: Address, links: number): Transport {
  return rows[name](address, links)
}
