import dgram from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { isIP, isIPv6 } from 'node:net'
import type { ListenAddress } from '../../harness/listenAddress.ts'
import { listenError } from './listen.ts'

/** An address for datagrams: host and port. */
export type DatagramAddress = Extract<ListenAddress, { host: string }>

/** The kernel's buffers, as Node names them. */
interface BufferOptions {
  readonly recvBufferSize?: number
  readonly sendBufferSize?: number
}

/** Receives each datagram; `bytes` do not change after the call. */
export type DatagramReceiver = (bytes: Buffer, from: dgram.RemoteInfo) => void

/** A socket of the host's address family that never looks up an address: all addresses given to it are numeric. */
export function createDatagramSocket(host: string, options: BufferOptions = {}): dgram.Socket {
  return dgram.createSocket({
    ...options,
    type: isIPv6(host) ? 'udp6' : 'udp4',
    lookup: (address, _options, callback) => callback(null, address, isIPv6(address) ? 6 : 4),
  })
}

/** Binds a socket to `address`; resolves with it and its real address, or rejects with a UserError. */
export async function bindDatagramSocket(
  address: DatagramAddress,
  receive: DatagramReceiver,
  options: BufferOptions = {},
): Promise<{ readonly socket: dgram.Socket; readonly address: DatagramAddress }> {
  const { host, port } = address
  try {
    const numeric = isIP(host) === 0 ? (await lookup(host)).address : host
    const socket = createDatagramSocket(numeric, options)
    socket.on('message', receive)
    await bound(socket, numeric, port)
    const { address: boundHost, port: boundPort } = socket.address()
    return { socket, address: { host: boundHost, port: boundPort } }
  } catch (error) {
    throw listenError(address, error as NodeJS.ErrnoException, 'udp')
  }
}

function bound(socket: dgram.Socket, address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.bind({ port, address, exclusive: true }, () => {
      socket.removeAllListeners('error')
      // An error of a single datagram means that it is lost, which UDP allows.
      socket.on('error', () => {})
      resolve()
    })
  })
}
