import { isIPv4 } from 'node:net'
import type { ProcessRef } from './processes.ts'
import { readProgram } from './programs.ts'
import type { SystemFiles } from './systemFiles.ts'

/** Bounds of a search: processes, and descriptors of all of them together. */
const processesMax = 2048
const descriptorsMax = 100_000
const tableBytesMax = 1024 * 1024
const processRefsMax = 32

/** Where a server is reached. */
export type ListenAddress =
  | { readonly scheme: 'tcp' | 'tls' | 'udp'; readonly host: string; readonly port: number }
  | { readonly scheme: 'unix'; readonly path: string }

/** States of a socket in /proc/net: one that accepts connections, and one that takes datagrams from anybody. */
const listening = { tcp: '0A', udp: '07' } as const
/** The flag of a unix socket that accepts connections (__SO_ACCEPTCON). */
const acceptsFlag = 0x10000

/** Programs that only pass connections on: the server itself is another process. */
const forwarders = new Set(['docker-proxy', 'rootlessport', 'slirp4netns', 'pasta', 'ssh', 'sshd', 'kubectl', 'socat'])

/** The processes that listen at an address of this machine. */
export interface Listeners {
  /** Each with what it started. */
  readonly processes: readonly ProcessRef[]
  /** They only pass connections on to a server elsewhere. */
  readonly areForwarders: boolean
  /** This process itself listens there, as in a program that tests its own server. */
  readonly isSelf: boolean
}

/** Finds the processes that listen at an address, as far as this process may look; `self` is its own id. */
export function findListeners(address: ListenAddress, files: SystemFiles, self: number): Listeners {
  const inodes = address.scheme === 'unix' ? unixInodes(address.path, files) : internetInodes(address, files)
  const holders = inodes.size === 0 ? new Set<number>() : holdersOf(inodes, files)
  if (holders.has(self)) return { processes: [], areForwarders: false, isSelf: true }
  const above = ancestorsOf(self, files)
  const names = [...holders].map(pid => readProgram(files, pid)?.name ?? '')
  // Workers hold the socket of the process that started them.
  const roots = [...holders].filter(pid => !holders.has(readProgram(files, pid)?.parent ?? 0))
  return {
    // A process that has started us has started more than its server.
    processes: roots.slice(0, processRefsMax).map(pid => ({ pid, group: !above.has(pid) })),
    areForwarders: names.length > 0 && names.every(name => forwarders.has(name)),
    isSelf: false,
  }
}

function internetInodes({ scheme, host, port }: Extract<ListenAddress, { port: number }>, files: SystemFiles) {
  const kind = scheme === 'udp' ? 'udp' : 'tcp'
  const rows = [kind, `${kind}6`].flatMap(table => {
    const lines = (files.text(`/proc/net/${table}`, tableBytesMax) ?? '').split('\n').slice(1)
    return lines.map(line => line.trim().split(/\s+/))
  })
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const sockets = rows.flatMap(([, local = '', , state, , , , , , inode]) =>
    local.endsWith(suffix) && state === listening[kind] && inode !== undefined
      ? [{ at: local.slice(0, -suffix.length), inode }]
      : [],
  )
  const wanted = hexAddresses(host)
  // A socket at this very address gets the connection before one at all addresses.
  const exact = sockets.filter(({ at }) => wanted.includes(at))
  const chosen = exact.length > 0 ? exact : sockets.filter(({ at }) => /^0+$/.test(at))
  return new Set(chosen.map(({ inode }) => inode))
}

/** An address as /proc/net writes it: 32-bit words in the order of the machine, which is little-endian wherever this runs. */
function hexAddresses(host: string): string[] {
  if (!isIPv4(host)) return host === '::1' ? ['00000000000000000000000001000000'] : []
  const bytes = host.split('.').map(part => Number(part).toString(16).toUpperCase().padStart(2, '0'))
  const four = bytes.reverse().join('')
  return [four, `0000000000000000FFFF0000${four}`]
}

function unixInodes(path: string, files: SystemFiles): Set<string> {
  const lines = (files.text('/proc/net/unix', tableBytesMax) ?? '').split('\n').slice(1)
  const rows = lines.map(line => line.trim().split(/\s+/))
  return new Set(
    rows.flatMap(([, , , flags = '0', , , inode, name]) =>
      name === path && inode !== undefined && (Number.parseInt(flags, 16) & acceptsFlag) !== 0 ? [inode] : [],
    ),
  )
}

function holdersOf(inodes: ReadonlySet<string>, files: SystemFiles): Set<number> {
  const holders = new Set<number>()
  const links = new Set([...inodes].map(inode => `socket:[${inode}]`))
  let descriptors = 0
  const pids = files.names('/proc').filter(name => /^\d+$/.test(name))
  for (const pid of pids.slice(0, processesMax)) {
    for (const name of files.names(`/proc/${pid}/fd`)) {
      if (++descriptors > descriptorsMax) return holders
      if (!links.has(files.link(`/proc/${pid}/fd/${name}`) ?? '')) continue
      holders.add(Number(pid))
      break
    }
  }
  return holders
}

function ancestorsOf(pid: number, files: SystemFiles): Set<number> {
  const above = new Set<number>()
  for (let at = readProgram(files, pid)?.parent; at !== undefined && at > 0 && !above.has(at); ) {
    above.add(at)
    at = readProgram(files, at)?.parent
  }
  return above
}
