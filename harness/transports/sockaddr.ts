import { isIPv6, SocketAddress as NodeAddress } from 'node:net'
import { formatHost } from '../address.ts'
import { abi } from './libc.ts'

/** A socket address for the Linux kernel: its family, and the bytes of the sockaddr. */
export interface SocketAddress {
  readonly family: number
  readonly bytes: Uint8Array
}

/** `sockaddr_in` or `sockaddr_in6` of a numeric address, which may have a scope as in `fe80::1%2`. */
export function internetAddress(host: string, port: number): SocketAddress {
  return isIPv6(host) ? sixAddress(host, port) : fourAddress(host, port)
}

/** Room for the longest internet address. */
export const internetAddressBytes = 28

/** `ip:port` of a `sockaddr_in` or `sockaddr_in6`, an IPv6 address in brackets; undefined for any other. */
export function internetAddressText(bytes: Uint8Array): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const family = view.getUint16(0, true)
  if (family !== abi.AF_INET && family !== abi.AF_INET6) return undefined
  const port = view.getUint16(2)
  if (family === abi.AF_INET) return `${bytes.subarray(4, 8).join('.')}:${port}`
  const groups = Array.from({ length: 8 }, (_, index) => view.getUint16(8 + 2 * index).toString(16))
  // Node shortens it, as it does in the addresses of its own sockets.
  const { address } = new NodeAddress({ address: groups.join(':'), family: 'ipv6', port })
  return `${formatHost(address)}:${port}`
}

/** `sockaddr_un` of a path. */
export function unixAddress(path: string): SocketAddress {
  const name = new TextEncoder().encode(path)
  const bytes = new Uint8Array(2 + name.length + 1)
  new DataView(bytes.buffer).setUint16(0, abi.AF_UNIX, true)
  bytes.set(name, 2)
  return { family: abi.AF_UNIX, bytes }
}

function fourAddress(host: string, port: number): SocketAddress {
  const bytes = new Uint8Array(16)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, abi.AF_INET, true)
  view.setUint16(2, port)
  bytes.set(host.split('.').map(Number), 4)
  return { family: abi.AF_INET, bytes }
}

function sixAddress(host: string, port: number): SocketAddress {
  const bytes = new Uint8Array(28)
  const view = new DataView(bytes.buffer)
  const [address, scope = '0'] = host.split('%')
  view.setUint16(0, abi.AF_INET6, true)
  view.setUint16(2, port)
  sixGroups(address!).forEach((group, index) => {
    view.setUint16(8 + 2 * index, group)
  })
  view.setUint32(24, Number(scope), true)
  return { family: abi.AF_INET6, bytes }
}

/** The eight groups of an IPv6 address: `::` expanded, and a dotted end as two groups. */
function sixGroups(address: string): number[] {
  const [front = '', back] = address.split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':').flatMap(group))
  const head = groups(front)
  const tail = back === undefined ? [] : groups(back)
  return [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail]
}

function group(text: string): number[] {
  if (!text.includes('.')) return [Number.parseInt(text, 16)]
  const [a, b, c, d] = text.split('.').map(Number)
  return [a! * 256 + b!, c! * 256 + d!]
}
