import { lookup } from 'node:dns/promises'
import net from 'node:net'
import { networkInterfaces } from 'node:os'
import { parseEndpoint, unixPath } from '../address.ts'
import { messageOf, UserError } from '../errors.ts'
import type { Address, TlsSettings } from './transport.ts'

/** How many addresses of one host are tried. */
const addressesMax = 16

/**
 * Reads `tcp://`, `udp://` or `tls://host:port` or `unix:/path`; throws a UserError for other texts. A path may be
 * relative: servers of ours print the path they listen at as it was given to them.
 */
export function parseAddress(text: string, tlsSettings: TlsSettings = {}): Address {
  const path = unixPath(text)
  if (path !== undefined) return { scheme: 'unix', path }
  try {
    const endpoint = parseEndpoint(text)
    return endpoint.scheme === 'tls' ? { ...endpoint, scheme: 'tls', tls: tlsSettings } : endpoint
  } catch (error) {
    throw new UserError(messageOf(error))
  }
}

/** The family of source addresses: a host is then reached at its addresses of that family. */
export type Family = 4 | 6

/**
 * Looks a host name up once, so that no connect waits for it: all its addresses, in the order of the system's resolver. TLS
 * still names the host itself.
 */
export async function resolveAddresses(
  address: Address,
  family?: Family,
  resolve: typeof lookupAll = lookupAll,
): Promise<Address[]> {
  if (address.scheme === 'unix' || net.isIP(address.host)) return [address]
  const found = await resolve(address.host).catch(error => {
    throw new UserError(`cannot find the host "${address.host}": ${lookupErrorText(error)}`)
  })
  const hosts = [...new Set(found)].filter(host => family === undefined || net.isIP(host) === family)
  if (hosts.length === 0) {
    throw new UserError(`the host "${address.host}" has no IPv${family} address, which sourceAddresses ask for`)
  }
  const named = address.scheme === 'tls' ? { tls: { servername: address.host, ...address.tls } } : {}
  return hosts.slice(0, addressesMax).map(host => ({ ...address, host, ...named }) as Address)
}

async function lookupAll(host: string): Promise<string[]> {
  const found = await lookup(host, { all: true, verbatim: true })
  return found.map(({ address }) => address)
}

const lookupErrors: Readonly<Record<string, string>> = {
  ENOTFOUND: 'there is no host of this name',
  EAI_AGAIN: 'the name server does not answer',
}

function lookupErrorText(error: unknown): string {
  return lookupErrors[(error as NodeJS.ErrnoException).code ?? ''] ?? messageOf(error)
}

/** Whether packets to the address stay on this machine. */
export function isLocal(address: Address): boolean {
  if (address.scheme === 'unix') return true
  const host = address.host.replace(/%.*$/, '')
  const version = net.isIP(host)
  return version !== 0 && localAddresses().check(host, version === 6 ? 'ipv6' : 'ipv4')
}

/** Compares addresses by their bits, so that each way to write one is the same, `::ffff:127.0.0.1` too. */
function localAddresses(): net.BlockList {
  const addresses = new net.BlockList()
  addresses.addSubnet('127.0.0.0', 8, 'ipv4')
  // The unspecified addresses stand for this machine where they are connected to.
  addresses.addAddress('0.0.0.0', 'ipv4')
  addresses.addAddress('::', 'ipv6')
  addresses.addAddress('::1', 'ipv6')
  for (const { address, family } of Object.values(networkInterfaces()).flatMap(found => found ?? [])) {
    addresses.addAddress(address.replace(/%.*$/, ''), family === 'IPv6' ? 'ipv6' : 'ipv4')
  }
  return addresses
}
