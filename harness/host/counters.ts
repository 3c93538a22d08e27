import { readStartSync } from '../wholeFile.ts'
import { allowedCores, cpuTimes } from './cpuTimes.ts'

/** Bytes read of each file: of /proc/stat of a large machine, its total and the lines of its cores, which come first. */
const fileBytesMax = 256 * 1024
/** Levels of control groups that are read, from the process's own upwards. */
const groupLevelsMax = 32
const microsecondsPerMs = 1e3
const nanosecondsPerMs = 1e6

/**
 * Counters of the machine since it was started; undefined where the machine has none. The TCP and UDP counters are
 * those of the network namespace, for all processes in it.
 */
export interface HostCounters {
  readonly outSegments: number | undefined
  readonly retransmits: number | undefined
  readonly lostRetransmits: number | undefined
  readonly synRetransmits: number | undefined
  readonly tcpTimeouts: number | undefined
  /** Connections dropped because the accept queue was full; included in `listenDrops`. */
  readonly listenOverflows: number | undefined
  readonly listenDrops: number | undefined
  /** Received datagrams that were dropped, including those dropped because the receive buffer was full. */
  readonly udpReceiveErrors: number | undefined
  readonly udpReceiveBufferErrors: number | undefined
  readonly udpSendBufferErrors: number | undefined
  /** Clock ticks of the cores that this process may use: all of them, and those that the hypervisor gave to others. */
  readonly cpuTicks: number | undefined
  readonly stealTicks: number | undefined
  /** Periods in which a control group used up its CPU quota, and how long its cores were stopped in total. */
  readonly throttledPeriods: number | undefined
  readonly throttledMs: number | undefined
}

/** Differences between two readings; absent for unknown counters and for counters that restarted. */
export interface HostDifference {
  readonly outSegments?: number
  readonly retransmits?: number
  readonly lostRetransmits?: number
  readonly synRetransmits?: number
  readonly tcpTimeouts?: number
  readonly listenOverflows?: number
  readonly listenDrops?: number
  readonly udpErrors?: number
  readonly udpReceiveBufferErrors?: number
  /** The share of these cores' time that the hypervisor gave to others, 0 to 1. */
  readonly stealShare?: number
  readonly throttledPeriods?: number
  readonly throttledMs?: number
}

type Read = (path: string) => string | undefined

/** Reads the counters of Linux from /proc and /sys; `read` returns the text of a file, or undefined without one. */
export function readHostCounters(read: Read = readStart): HostCounters {
  const snmp = read('/proc/net/snmp') ?? ''
  const tcp = pairedCounters(snmp, 'Tcp')
  const udp = pairedCounters(snmp, 'Udp')
  const tcpMore = pairedCounters(read('/proc/net/netstat') ?? '', 'TcpExt')
  return {
    outSegments: tcp.get('OutSegs'),
    retransmits: tcp.get('RetransSegs'),
    lostRetransmits: tcpMore.get('TCPLostRetransmit'),
    synRetransmits: tcpMore.get('TCPSynRetrans'),
    tcpTimeouts: tcpMore.get('TCPTimeouts'),
    listenOverflows: tcpMore.get('ListenOverflows'),
    listenDrops: tcpMore.get('ListenDrops'),
    udpReceiveErrors: udp.get('InErrors'),
    udpReceiveBufferErrors: udp.get('RcvbufErrors'),
    udpSendBufferErrors: udp.get('SndbufErrors'),
    ...cpuTicks(read),
    ...throttling(read),
  }
}

/** The differences between two readings. */
export function differenceOf(before: HostCounters, after: HostCounters): HostDifference {
  const since = (name: keyof HostCounters) => growth(before[name], after[name])
  const received = since('udpReceiveErrors')
  const sent = since('udpSendBufferErrors')
  const ticks = since('cpuTicks')
  const stolen = since('stealTicks')
  const known = Object.entries({
    outSegments: since('outSegments'),
    retransmits: since('retransmits'),
    lostRetransmits: since('lostRetransmits'),
    synRetransmits: since('synRetransmits'),
    tcpTimeouts: since('tcpTimeouts'),
    listenOverflows: since('listenOverflows'),
    listenDrops: since('listenDrops'),
    udpErrors: received === undefined || sent === undefined ? (received ?? sent) : received + sent,
    udpReceiveBufferErrors: since('udpReceiveBufferErrors'),
    stealShare: ticks === undefined || ticks === 0 || stolen === undefined ? undefined : Math.min(1, stolen / ticks),
    throttledPeriods: since('throttledPeriods'),
    throttledMs: since('throttledMs'),
  } satisfies Record<keyof HostDifference, number | undefined>).filter(([, value]) => value !== undefined)
  return Object.fromEntries(known)
}

function growth(before: number | undefined, after: number | undefined): number | undefined {
  return before === undefined || after === undefined || after < before ? undefined : after - before
}

/** The counters of /proc/net/snmp and netstat with a prefix: a line of names, then a line of values. */
function pairedCounters(text: string, prefix: string): Map<string, number> {
  const lines = text.split('\n').filter(line => line.startsWith(`${prefix}: `))
  const [names = [], values = []] = lines.map(line => line.trim().split(/\s+/).slice(1))
  return new Map(names.flatMap((name, at) => entryOf(name, values[at])))
}

/** The counters of a cgroup's cpu.stat: a name and a value per line. */
function plainCounters(text: string): Map<string, number> {
  return new Map(
    text.split('\n').flatMap(line => {
      const [name = '', value] = line.split(' ')
      return entryOf(name, value)
    }),
  )
}

function entryOf(name: string, value: string | undefined): [string, number][] {
  return value !== undefined && /^-?\d+$/.test(value) ? [[name, Number(value)]] : []
}

function cpuTicks(read: Read): Pick<HostCounters, 'cpuTicks' | 'stealTicks'> {
  const ticks = cpuTimes(read('/proc/stat') ?? '', allowedCores(read('/proc/self/status')))?.ticks
  return { cpuTicks: ticks?.reduce((sum, each) => sum + each, 0), stealTicks: ticks?.[7] }
}

/**
 * The throttling of the control group and of those above it, any of which may have the quota: of version 2, otherwise
 * of version 1. In a container the path may be that of the host; then only the root exists, and is the container's
 * own.
 */
function throttling(read: Read): Pick<HostCounters, 'throttledPeriods' | 'throttledMs'> {
  const groups = (read('/proc/self/cgroup') ?? '').split('\n').map(line => line.split(':'))
  const hierarchies = [
    { folder: '/sys/fs/cgroup', path: groups.find(([id, names]) => id === '0' && names === '')?.[2] },
    ...['cpu', 'cpu,cpuacct'].map(folder => ({
      folder: `/sys/fs/cgroup/${folder}`,
      path: groups.find(([, names]) => names?.split(',').includes('cpu'))?.[2],
    })),
  ]
  for (const { folder, path = '/' } of hierarchies) {
    const texts = levelsOf(path).map(level => read(`${folder}${level}/cpu.stat`) ?? '')
    const levels = texts.map(plainCounters).filter(counters => counters.has('nr_throttled'))
    if (levels.length === 0) continue
    return {
      throttledPeriods: levels.reduce((sum, counters) => sum + counters.get('nr_throttled')!, 0),
      throttledMs: levels.reduce((sum, counters) => sum + throttledMs(counters), 0),
    }
  }
  return { throttledPeriods: undefined, throttledMs: undefined }
}

function throttledMs(counters: Map<string, number>): number {
  const microseconds = counters.get('throttled_usec')
  return microseconds !== undefined
    ? microseconds / microsecondsPerMs
    : (counters.get('throttled_time') ?? 0) / nanosecondsPerMs
}

/** `/a/b` has the levels `/a/b`, `/a` and the root, an empty string; a path outside the namespace has the root only. */
function levelsOf(path: string): string[] {
  const names = path.split('/').filter(name => name !== '')
  if (names.includes('..')) return ['']
  const count = Math.min(names.length, groupLevelsMax) + 1
  return Array.from({ length: count }, (_, up) =>
    names
      .slice(0, names.length - up)
      .map(name => `/${name}`)
      .join(''),
  )
}

/** The first bytes of a file; undefined if it cannot be read. */
function readStart(path: string): string | undefined {
  try {
    return readStartSync(path, fileBytesMax).toString('latin1')
  } catch {
    return undefined
  }
}
