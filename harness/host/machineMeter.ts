import { type Clock, monotonicClock } from '../clock.ts'
import { allowedCores, cpuTimes } from './cpuTimes.ts'
import {
  readProgram,
  type Scan,
  scanPrograms,
  seesEveryProgram,
  ticksPerSecond,
  treeOf,
  usedBetween,
} from './programs.ts'
import type { KnownServer } from './serverProcesses.ts'
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
/** Cores that a process uses which serves, at the least: one that only waits for a server elsewhere uses less. */
const servingCoresMin = 0.005
/** The lines of the cores in /proc/stat come first, and are shorter than 128 bytes each. */
const statBytes = 512 * 1024

/** What happened on the machine besides the run, in one part of it. */
export interface MachineUse {
  readonly seconds: number
  /** The cores that this process may use. */
  readonly cores: number
  /** The machine has more of them: `otherCores` are those that others used of these, and `programs` used any. */
  readonly isPart?: true
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
  /** Where the system does not say how many there are. */
  readonly cores: number
  readonly workers: number
  readonly server: KnownServer
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
  /** Processes of the server that never use our cores. */
  readonly elsewhere: ReadonlySet<number>
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
  /** The cores that this process may use, where the system says so. */
  readonly #allowed: ReadonlySet<number> | undefined
  readonly #cores: number
  /** The machine has other cores too. */
  readonly #isPart: boolean
  #scans: Reading[] = []
  #spacingMs = scanMsMin
  #second: Second | undefined

  constructor(options: MachineMeterOptions) {
    this.#options = options
    this.#files = options.files ?? systemFiles
    this.#clock = options.clock ?? monotonicClock
    this.#self = options.self ?? process.pid
    this.#allowed = allowedCores(this.#files.text('/proc/self/status'))
    const times = this.#cpuTimes()
    this.#cores = times?.cores ?? options.cores
    this.#isPart = times?.isPart === true
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
    if (before === undefined || after === undefined || after.atMs - before.atMs < lengthMsMin) return undefined
    const seconds = (after.atMs - before.atMs) / 1000
    const ours = [...after.used].reduce(
      (sum, [pid, used]) => sum + Math.max(0, used - (before.used.get(pid) ?? used)),
      0,
    )
    return clamp((after.busySeconds - before.busySeconds - ours) / seconds, this.#cores)
  }

  /** What happened from a time on this meter's clock until now; undefined where the machine does not say, and over too short a time. */
  useSince(fromMs: number): MachineUse | undefined {
    this.scan()
    const at = this.#scans.findLastIndex(({ atMs }) => atMs <= fromMs + toleranceMs)
    const readings = this.#scans.slice(Math.max(0, at))
    const [before, after] = [readings[0]!, readings.at(-1)!]
    if (after.atMs - Math.max(fromMs, before.atMs) < lengthMsMin || after.programs.size === 0) return undefined
    return { ...this.#othersBetween(before, after, readings), ...this.#waits(readings) }
  }

  #othersBetween(before: Reading, after: Reading, readings: readonly Reading[]): Omit<MachineUse, 'waitShare'> {
    const seconds = (after.atMs - before.atMs) / 1000
    const used = this.#usedByName(before, after, readings)
    const ranked = [...used.others].sort(([, a], [, b]) => b - a).map(([name, cpu]) => ({ name, cores: cpu / seconds }))
    const taken = this.#takesOneFor(used.server / seconds) ? ranked.shift() : undefined
    const seen = ranked.reduce((sum, program) => sum + program.cores, 0)
    const ours = (used.own + used.server) / seconds
    // Where programs may use cores that are not ours, only the kernel's count by core tells what they used of these.
    const beside = this.#isPart ? ours - used.elsewhere / seconds + (taken?.cores ?? 0) : ours + seen
    const mayBeUnseen = this.#mayBeUnseen(before, after)
    const beyond = this.#isPart || mayBeUnseen ? this.#beyond(before, after, beside) : 0
    const unseen = this.#isPart ? beyond - seen : beyond
    return {
      seconds,
      cores: this.#cores,
      ...(this.#isPart && { isPart: true as const }),
      otherCores: clamp(this.#isPart ? beyond : seen + beyond, this.#cores),
      programs: ranked.slice(0, programsShown).filter(program => program.cores > 0),
      ...(mayBeUnseen && unseen > seen && { areUnseen: true as const }),
      ...(taken !== undefined && { takenForServer: taken }),
    }
  }

  /** Whether the busiest other program is taken for the server, whose known processes used so many cores. */
  #takesOneFor(serverCores: number): boolean {
    const { isHidden, areForwarders } = this.#options.server
    // A command that has started the server elsewhere, as that of a container does, waits and does nothing.
    return isHidden && (areForwarders || serverCores < servingCoresMin)
  }

  /** CPU seconds of the run itself, of the server, and of each other program by its name. */
  #usedByName(before: Reading, after: Reading, readings: readonly Reading[]) {
    const others = new Map<string, number>()
    const servers = new Set(readings.flatMap(({ server }) => [...server]))
    const sum = { own: 0, server: 0, elsewhere: 0 }
    for (const [pid, used] of usedBetween(before, after, servers)) {
      // A server that the run started is in our own tree too.
      if (servers.has(pid)) {
        sum.server += used
        if (readings.some(({ elsewhere }) => elsewhere.has(pid))) sum.elsewhere += used
      } else if (before.own.has(pid) || after.own.has(pid)) sum.own += used
      else if (used > 0 && this.#hasUsedOurs(pid, readings)) {
        const { name } = after.programs.get(pid)!
        others.set(name, (others.get(name) ?? 0) + used)
      }
    }
    return { ...sum, others }
  }

  /** Whether a program may have used a core of ours: on some reading it was on one. */
  #hasUsedOurs(pid: number, readings: readonly Reading[]): boolean {
    if (!this.#isPart) return true
    return readings.some(({ programs }) => {
      const core = programs.get(pid)?.core
      return core !== undefined && (Number.isNaN(core) || this.#allowed!.has(core))
    })
  }

  #mayBeUnseen(before: Reading, after: Reading): boolean {
    const isComplete = !before.isPartial && !after.isPartial && seesEveryProgram(this.#files)
    return !isComplete && !this.#options.server.isHidden
  }

  /**
   * Cores that were busy beside those whose users are known. The kernel counts busy cores by what runs at its ticks, and the time of a
   * process exactly, so that only what exceeds three standard deviations of the former (at 100 ticks a second) is taken to be there.
   */
  #beyond(before: Reading, after: Reading, knownCores: number): number {
    if (before.busySeconds === undefined || after.busySeconds === undefined) return 0
    const seconds = (after.atMs - before.atMs) / 1000
    const beyond = (after.busySeconds - before.busySeconds) / seconds - knownCores
    return beyond > 3 * Math.sqrt((0.25 * this.#cores) / (ticksPerSecond * seconds)) ? beyond : 0
  }

  #waits(readings: readonly Reading[]): Pick<MachineUse, 'waitShare' | 'serverWaitShare' | 'pressureShare'> {
    const { workers } = this.#options
    const own = longestWait(
      readings.map(({ atMs, ownThreads: threads }) => ({ atMs, threads })),
      workers,
    )
    const served = longestWait(
      readings.map(({ atMs, serverThreads: threads }) => ({ atMs, threads })),
      this.#cores,
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
    this.#options.server.check()
    const scan = scanPrograms(this.#files)
    const groups = this.#options.server.processes.map(({ pid, group }) =>
      group ? treeOf([pid], scan) : new Set([pid]),
    )
    const own = treeOf([this.#self], scan)
    const server = new Set(groups.flatMap(group => [...group]).filter(pid => !isOwnTree(pid, this.#self, groups, own)))
    return {
      ...scan,
      atMs,
      busySeconds: this.#busySeconds(),
      pressureMs: this.#pressureMs(),
      own,
      server,
      elsewhere: this.#isPart
        ? new Set([...server].slice(0, ownProcessesMax).filter(pid => this.#isElsewhere(pid)))
        : none,
      ownThreads: readThreads(this.#files, [this.#self]),
      serverThreads: readThreads(this.#files, server),
    }
  }

  #readSecond(): Second | undefined {
    const busySeconds = this.#busySeconds()
    const last = this.#scans.at(-1)
    const ours = [this.#self, ...(last?.own ?? []), ...(last?.server ?? [])]
    const pids = new Set(ours.filter(pid => last?.elsewhere.has(pid) !== true))
    if (busySeconds === undefined || pids.size > ownProcessesMax || this.#options.server.isHidden) return undefined
    const used = new Map<number, number>()
    for (const pid of pids) {
      const program = readProgram(this.#files, pid)
      if (program !== undefined) used.set(pid, program.cpuSeconds + program.waitedSeconds)
    }
    return used.has(this.#self) ? { atMs: this.#clock.now(), busySeconds, used } : undefined
  }

  /** Time of all cores in programs and for them: what interrupts and the hypervisor took cannot be put on anybody. */
  #busySeconds(): number | undefined {
    const [user, nice, system] = this.#cpuTimes()?.ticks ?? []
    return user === undefined ? undefined : (user + nice! + system!) / ticksPerSecond
  }

  #cpuTimes() {
    return cpuTimes(this.#files.text('/proc/stat', statBytes) ?? '', this.#allowed)
  }

  /** Whether a process is bound to cores of which none is ours. */
  #isElsewhere(pid: number): boolean {
    const cores = allowedCores(this.#files.text(`/proc/${pid}/status`))
    return cores !== undefined && ![...cores].some(core => this.#allowed?.has(core))
  }

  #pressureMs(): number | undefined {
    const total = /^some .*total=(\d+)/m.exec(this.#files.text('/proc/pressure/cpu') ?? '')?.[1]
    return total === undefined ? undefined : Number(total) / 1000
  }
}

const none: ReadonlySet<number> = new Set()

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
