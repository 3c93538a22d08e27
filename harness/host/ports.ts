import type { SystemFiles } from './systemFiles.ts'

/** How long the kernel keeps the port of a connection that this side closed first (TCP_TIMEWAIT_LEN). */
const timeWaitSeconds = 60
const reuseDelayMs = 1000

/** What the kernel says about the ports of connections that this machine opens. */
export interface Ports {
  /** For each source address and target. */
  readonly count: number
  /** After how many seconds the port of a connection that the client has closed can be taken again. */
  readonly waitSeconds: number
}

export interface PortOptions {
  readonly isLoopback: boolean
  /** A port is chosen before it is known where the connection leads: then none in TIME_WAIT is taken. */
  readonly isBoundFirst: boolean
}

/** The ports for connections to a target; undefined where the kernel does not say. */
export function readPorts(files: SystemFiles, { isLoopback, isBoundFirst }: PortOptions): Ports | undefined {
  const number = (name: string) => {
    const text = files.text(`/proc/sys/net/ipv4/${name}`)?.trim()
    return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined
  }
  const [low, high] = (files.text('/proc/sys/net/ipv4/ip_local_port_range') ?? '').trim().split(/\s+/).map(Number)
  if (low === undefined || high === undefined || !(high >= low)) return undefined
  const reuse = number('tcp_tw_reuse') ?? 0
  // Reuse is told from a connection that is still closing by the timestamps of TCP.
  const isReused = !isBoundFirst && (reuse === 1 || (reuse === 2 && isLoopback)) && number('tcp_timestamps') !== 0
  return {
    count: high - low + 1,
    waitSeconds: isReused ? (number('tcp_tw_reuse_delay') ?? reuseDelayMs) / 1000 : timeWaitSeconds,
  }
}

/** TCP connections of this network namespace in TIME_WAIT; undefined where the kernel does not say. */
export function readTimeWait(files: SystemFiles): number | undefined {
  const count = /^TCP:.* tw (\d+)/m.exec(files.text('/proc/net/sockstat') ?? '')?.[1]
  return count === undefined ? undefined : Number(count)
}
