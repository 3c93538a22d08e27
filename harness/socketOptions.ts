import { type CLibrary, loadCLibrary } from './cLibrary.ts'
import { formatSize } from './units.ts'

/** Options of the sockets of a client or of a server; what is absent is left to the kernel. */
export interface SocketSettings {
  /** What the kernel may hold of a connection that was not read yet, in bytes (SO_RCVBUF). */
  readonly receiveBuffer?: number
  /** What the kernel may hold of a connection that was not acknowledged yet, in bytes (SO_SNDBUF). */
  readonly sendBuffer?: number
  /** False: small writes wait for the acknowledgement of those before them, so that they can be sent together. */
  readonly noDelay?: boolean
}

/** The lengths of buffers, in bytes. */
export type BufferSizes = Pick<SocketSettings, 'receiveBuffer' | 'sendBuffer'>

/** Bounds of both buffers. The kernel has its own, and keeps to them. */
export const bufferBytes = { min: 1, max: 1024 * 1024 * 1024 } as const

/** The calls of the C library that set options of sockets. */
export interface SocketCalls {
  readonly socket: (domain: number, type: number, protocol: number) => number
  readonly close: (descriptor: number) => number
  readonly getsockopt: (
    descriptor: number,
    level: number,
    name: number,
    value: Int32Array,
    length: Int32Array,
  ) => number
  readonly setsockopt: (descriptor: number, level: number, name: number, value: Int32Array, length: number) => number
}

/** Numbers of the Linux ABI, the same on x86-64 and arm64. */
const [AF_INET, SOCK_STREAM, SOCK_CLOEXEC, SOL_SOCKET] = [2, 1, 0o2000000, 1]
const optionOf = { receiveBuffer: 8, sendBuffer: 7 } as const
/** The kernel doubles a length that is set, for its own needs (socket(7)), and answers with the doubled one. */
const kernelFactor = 2

const names = ['receiveBuffer', 'sendBuffer'] as const
const limits = { receiveBuffer: 'net.core.rmem_max', sendBuffer: 'net.core.wmem_max' } as const
const labels = { receiveBuffer: 'receive buffer', sendBuffer: 'send buffer' } as const

/** Whether the settings ask for the length of a buffer. */
export function hasBuffers({ receiveBuffer, sendBuffer }: SocketSettings): boolean {
  return receiveBuffer !== undefined || sendBuffer !== undefined
}

/** The calls for buffers of sockets that Node has opened, or the reason why there are none. */
export function loadSocketCalls(): SocketCalls | string {
  const library = loadCLibrary()
  return typeof library === 'string' ? library : bindSocketCalls(library)
}

/** The calls for options of sockets; throws where the library lacks one. */
export function bindSocketCalls({ bind }: CLibrary): SocketCalls {
  return {
    socket: bind('int socket(int, int, int)'),
    close: bind('int close(int)'),
    getsockopt: bind('int getsockopt(int, int, int, void *, void *)'),
    setsockopt: bind('int setsockopt(int, int, int, const void *, uint32_t)'),
  }
}

/** Sets the buffers that the settings ask for: before the connection, so that its window is of that length from the start. */
export function setBuffers(calls: Pick<SocketCalls, 'setsockopt'>, descriptor: number, settings: BufferSizes): void {
  for (const name of names) {
    const bytes = settings[name]
    if (bytes !== undefined) calls.setsockopt(descriptor, SOL_SOCKET, optionOf[name], Int32Array.of(bytes), 4)
  }
}

/** The buffers of a socket, in bytes as they are set: half of what the kernel says. */
export function readBuffers(calls: Pick<SocketCalls, 'getsockopt'>, descriptor: number): Required<BufferSizes> {
  const read = (name: (typeof names)[number]) => {
    const value = new Int32Array(1)
    calls.getsockopt(descriptor, SOL_SOCKET, optionOf[name], value, Int32Array.of(4))
    return value[0]! / kernelFactor
  }
  return { receiveBuffer: read('receiveBuffer'), sendBuffer: read('sendBuffer') }
}

/** What the kernel gives where the settings ask for it, as a socket shows that is opened for that; empty where it cannot be. */
export function grantedBuffers(calls: SocketCalls, asked: BufferSizes): BufferSizes {
  const descriptor = calls.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)
  if (descriptor < 0) return {}
  try {
    setBuffers(calls, descriptor, asked)
    const found = readBuffers(calls, descriptor)
    return Object.fromEntries(names.filter(name => asked[name] !== undefined).map(name => [name, found[name]]))
  } finally {
    calls.close(descriptor)
  }
}

/** The settings for people: `receive buffer 208 KiB (4 MiB asked for, more than net.core.rmem_max)`, `noDelay off`. */
export function describeSocket(asked: SocketSettings, granted: BufferSizes = {}): string[] {
  const buffers = names.flatMap(name => {
    const [wanted, given = wanted] = [asked[name], granted[name]]
    if (wanted === undefined || given === undefined) return []
    const why = given < wanted ? `more than ${limits[name]}` : 'less than the kernel allows'
    const note = given === wanted ? '' : ` (${formatSize(wanted)} asked for, ${why})`
    return [`${labels[name]} ${formatSize(given)}${note}`]
  })
  return asked.noDelay === undefined ? buffers : [...buffers, `noDelay ${asked.noDelay ? 'on' : 'off'}`]
}
