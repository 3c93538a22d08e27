import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { loadSocketCalls, readBuffers, type SocketCalls } from '../socketOptions.ts'

const [SOL_TCP, TCP_NODELAY] = [6, 1]
const established = '01'

/** Options of an open socket of this process, as the kernel has them. */
export interface OpenSocket {
  readonly receiveBuffer: number
  readonly sendBuffer: number
  readonly noDelay: boolean
}

/** Why the kernel cannot be asked on this machine. */
export const whyNoSockets = typeof loadSocketCalls() === 'string' ? String(loadSocketCalls()) : undefined

/** The sockets of this process, over IPv4 and connected, whose local or remote port is this one. */
export function openSockets(side: 'local' | 'remote', port: number, protocol: 'tcp' | 'udp' = 'tcp'): OpenSocket[] {
  const calls = loadSocketCalls() as SocketCalls
  const inodes = new Set(
    readFileSync(`/proc/net/${protocol}`, 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map(line => line.trim().split(/\s+/))
      .filter(fields => fields[3] === established && portOf(fields[side === 'local' ? 1 : 2]!) === port)
      .map(fields => `socket:[${fields[9]}]`),
  )
  return readdirSync('/proc/self/fd')
    .map(Number)
    .filter(descriptor => inodes.has(linkOf(descriptor)))
    .map(descriptor => {
      const value = new Int32Array(1)
      calls.getsockopt(descriptor, SOL_TCP, TCP_NODELAY, value, Int32Array.of(4))
      return { ...readBuffers(calls, descriptor), noDelay: value[0] !== 0 }
    })
}

function portOf(address: string): number {
  return Number.parseInt(address.split(':')[1]!, 16)
}

/** What a descriptor stands for; nothing where it was closed meanwhile. */
function linkOf(descriptor: number): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`)
  } catch {
    return ''
  }
}
