import { type Clock, monotonicClock } from '../clock.ts'
import type { ProcessRef } from './processes.ts'
import {
  readProgram,
  type Scan,
  scanPrograms,
  seesEveryProgram,
  ticksPerSecond,
  treeOf,
  usedBetween,
} from './programs.ts'
import { type SystemFiles, systemFiles } from './systemFiles.ts'
import { longestWait, readThreads, type ThreadTimes } from './threadWaits.ts'

/**
 * A scan reads every process, for about 25 us each. It is repeated so seldom that scans take a thousandth of the main thread's time; on
 * a busy machine how long one took would not tell.
 */
const scanMsMin = 1000
const scanMsPerProgram = 25
/** More scans than these are thinned out: half of them are dropped, and they are taken half as often. */
const scansMax = 24
/** How much later than the start of the measured part the scan at it may be. */
const toleranceMs = 150
const programsShown = 3
/** Processes of ours and of the server that are read every second. */
const ownProcessesMax = 64
/** Over a shorter time the ticks of the kernel, of 10 ms, say nothing. */
const lengthMsMin = 900

/** What happened on the machine besides the run, in one part of it. */
export interface MachineUse {
  readonly seconds: number
  readonly cores: number
  /** Cores that programs used which are neither ours nor the server's. */
  readonly otherCores: number
  /** The busiest of them by name, the busiest first. */
  readonly programs: readonly { readonly name: string; readonly cores: number }[]
  /** Most of it was used by programs that cannot be seen, such as those outside of a container. */
  readonly areUnseen?: true
  /** The share of the time for which a busy thread of ours, and of a local server, waited for a core. */
  readonly waitShare?: number
  readonly serverWaitShare?: number
  /** The share of the time in which any thread of this machine waited, where the kernel does not say which. */
  readonly pressureShare?: number
  /** The program that was taken for the server, because the process that listens at the target was not found. */
  readonly takenForServer?: { readonly name: string; readonly cores: number }
}

export interface MachineMeterOptions {
  readonly cores: number
  readonly workers: number
  /** The processes of the server on this machine, as far as they are known. */
  readonly server: readonly ProcessRef[]
  /** The server is on this machine, but its process is not known. */
  readonly isServerHidden: boolean
  /** This process. */
  readonly self?: number
  readonly files?: SystemFiles
  readonly clock?: Clock
}

/** Everything that one scan has read. */
interface Reading extends Scan {
  readonly atMs: number
  readonly busySeconds: number | undefined
  readonly pressureMs: number | undefined
  readonly own: ReadonlySet<number>
  readonly server: ReadonlySet<number>
  readonly ownThreads: ReadonlyMap<number, ThreadTimes>
  readonly serverThreads: ReadonlyMap<number, ThreadTimes>
}

interface Second {
  readonly atMs: number
  readonly busySeconds: number
  /** CPU seconds of the processes of the run, by id. */
  readonly used: ReadonlyMap<number, number>
}

/** Measures what other programs use of this machine while a run lasts, and for how long our threads wait for a core. */
export class MachineMeter {
  readonly #options: MachineMeterOptions
  readonly #files: SystemFiles
  readonly #clock: Clock
  readonly #self: number
  #scans: Reading[] = []
  #spacingMs = scanMsMin
  #second: Second | undefined

  constructor(options: MachineMeterOptions) {
    this.#options = options
    this.#files = options.files ?? systemFiles
    this.#clock = options.clock ?? monotonicClock
    this.#self = options.self ?? process.pid
  }

  /** To be called often while the run lasts: scans when the last scan is long enough ago. */
  progressed(): void {
    const last = this.#scans.at(-1)
    const spacingMs = Math.max(this.#spacingMs, (last?.programs.size ?? 0) * scanMsPerProgram)
    if (last === undefined || this.#clock.now() - last.atMs >= spacingMs) this.scan()
  }

  /** Scans now, as where a part of the run begins. */
  scan(): void {
    this.#scans.push(this.#read())
    if (this.#scans.length <= scansMax) return
    this.#scans = this.#scans.filter((_, index) => index % 2 === 0 || index === this.#scans.length - 1)
    this.#spacingMs *= 2
  }

  /** Cores that others have used since the last call, much more cheaply than by a scan; undefined where the machine does not say. */
  otherCoresSince(): number | undefined {
    const before = this.#second
    const after = this.#readSecond()
    this.#second = after
    if (before === undefined || after === undefined || after.atMs <= before.atMs) return undefined
    const seconds = (after.atMs - before.atMs) / 1000
    const ours = [...after.used].reduce(
      (sum, [pid, used]) => sum + Math.max(0, used - (before.used.get(pid) ?? used)),
      0,
    )
    return clamp((after.busySeconds - before.busySeconds - ours) / seconds, this.#options.cores)
  }

  /** What happened from a time on this meter's clock until now; undefined where the machine does not say, and over too short a time. */
  useSince(fromMs: number): MachineUse | undefined {
    this.scan()
    const at = this.#scans.findLastIndex(({ atMs }) => atMs <= fromMs + toleranceMs)
    const readings = this.#scans.slice(Math.max(0, at))
    const [before, after] = [readings[0]!, readings.at(-1)!]
    if (after.atMs - Math.max(fromMs, before.atMs) < lengthMsMin || after.programs.size === 0) return undefined
    return { ...this.#othersBetween(before, after), ...this.#waits(readings) }
  }

  #othersBetween(before: Reading, after: Reading): Omit<MachineUse, 'waitShare'> {
    const { cores, isServerHidden } = this.#options
    const seconds = (after.atMs - before.atMs) / 1000
    const [ours, byName] = this.#usedByName(before, after)
    const ranked = [...byName].sort(([, a], [, b]) => b - a).map(([name, used]) => ({ name, cores: used / seconds }))
    const taken = isServerHidden && ranked.length > 0 ? ranked.shift() : undefined
    const seen = ranked.reduce((sum, program) => sum + program.cores, 0)
    const unseen = this.#unseen(before, after, ours / seconds + seen)
    return {
      seconds,
      cores,
      otherCores: clamp(seen + unseen, cores),
      programs: ranked.slice(0, programsShown).filter(program => program.cores > 0),
      ...(unseen > seen && { areUnseen: true as const }),
      ...(taken !== undefined && { takenForServer: taken }),
    }
  }

  /** CPU seconds of the run itself, and of each other program by its name. */
  #usedByName(before: Reading, after: Reading): [number, Map<string, number>] {
    const byName = new Map<string, number>()
    let ours = 0
    for (const [pid, used] of usedBetween(before, after)) {
      const isOurs = [before, after].some(({ own, server }) => own.has(pid) || server.has(pid))
      const { name } = after.programs.get(pid)!
      if (isOurs) ours += used
      else if (used > 0) byName.set(name, (byName.get(name) ?? 0) + used)
    }
    return [ours, byName]
  }

  /**
   * Cores that were busy with programs which no scan has seen. The kernel counts busy cores by what runs at its ticks, and the time of a
   * process exactly, so that only what exceeds three standard deviations of the former (at 100 ticks a second) is taken to be there.
   */
  #unseen(before: Reading, after: Reading, seenCores: number): number {
    const { cores, isServerHidden } = this.#options
    const isComplete = !before.isPartial && !after.isPartial && seesEveryProgram(this.#files)
    if (isComplete || isServerHidden || before.busySeconds === undefined || after.busySeconds === undefined) return 0
    const seconds = (after.atMs - before.atMs) / 1000
    const unseen = (after.busySeconds - before.busySeconds) / seconds - seenCores
    return unseen > 3 * Math.sqrt((0.25 * cores) / (ticksPerSecond * seconds)) ? unseen : 0
  }

  #waits(readings: readonly Reading[]): Pick<MachineUse, 'waitShare' | 'serverWaitShare' | 'pressureShare'> {
    const { workers, cores } = this.#options
    const own = longestWait(
      readings.map(({ atMs, ownThreads: threads }) => ({ atMs, threads })),
      workers,
    )
    const served = longestWait(
      readings.map(({ atMs, serverThreads: threads }) => ({ atMs, threads })),
      cores,
    )
    const [before, after] = [readings[0]!, readings.at(-1)!]
    const isPressed = own === undefined && before.pressureMs !== undefined && after.pressureMs !== undefined
    return {
      ...(own !== undefined && { waitShare: own }),
      ...(served !== undefined && { serverWaitShare: served }),
      ...(isPressed && {
        pressureShare: clamp((after.pressureMs! - before.pressureMs!) / (after.atMs - before.atMs), 1),
      }),
    }
  }

  #read(): Reading {
    const atMs = this.#clock.now()
    const scan = scanPrograms(this.#files)
    const groups = this.#options.server.map(({ pid, group }) => (group ? treeOf([pid], scan) : new Set([pid])))
    const own = treeOf([this.#self], scan)
    const server = new Set(groups.flatMap(group => [...group]).filter(pid => !isOwnTree(pid, this.#self, groups, own)))
    return {
      ...scan,
      atMs,
      busySeconds: this.#busySeconds(),
      pressureMs: this.#pressureMs(),
      own,
      server,
      ownThreads: readThreads(this.#files, [this.#self]),
      serverThreads: readThreads(this.#files, server),
    }
  }

  #readSecond(): Second | undefined {
    const busySeconds = this.#busySeconds()
    const last = this.#scans.at(-1)
    const pids = new Set([this.#self, ...(last?.own ?? []), ...(last?.server ?? [])])
    if (busySeconds === undefined || pids.size > ownProcessesMax || this.#options.isServerHidden) return undefined
    const used = new Map<number, number>()
    for (const pid of pids) {
      const program = readProgram(this.#files, pid)
      if (program !== undefined) used.set(pid, program.cpuSeconds + program.waitedSeconds)
    }
    return used.has(this.#self) ? { atMs: this.#clock.now(), busySeconds, used } : undefined
  }

  /** Time of all cores in programs and for them: what interrupts and the hypervisor took cannot be put on anybody. */
  #busySeconds(): number | undefined {
    const ticks = /^cpu +(\d+) (\d+) (\d+) /.exec(this.#files.text('/proc/stat', statBytes) ?? '')
    return ticks === null ? undefined : (Number(ticks[1]) + Number(ticks[2]) + Number(ticks[3])) / ticksPerSecond
  }

  #pressureMs(): number | undefined {
    const total = /^some .*total=(\d+)/m.exec(this.#files.text('/proc/pressure/cpu') ?? '')?.[1]
    return total === undefined ? undefined : Number(total) / 1000
  }
}

const statBytes = 512

/** A server that has started us is no server of ours as far as we are concerned. */
function isOwnTree(
  pid: number,
  self: number,
  groups: readonly ReadonlySet<number>[],
  own: ReadonlySet<number>,
): boolean {
  return own.has(pid) && groups.some(group => group.has(pid) && group.has(self))
}

function clamp(value: number, most: number): number {
  return Math.min(most, Math.max(0, value))
}
