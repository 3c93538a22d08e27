import { readdirSync, readFileSync } from 'node:fs'
import os from 'node:os'
import { type Clock, monotonicClock } from '../clock.ts'

/** Clock ticks of /proc/<pid>/stat a second: fixed at 100 by Linux for what user programs see. */
const ticksPerSecond = 100

/** What the machine is and how busy it was when the run began. */
export interface Environment {
  readonly cpu: string
  readonly cores: number
  readonly memoryBytes: number
  readonly platform: string
  readonly kernel: string
  readonly node: string
  readonly loadAverage: readonly number[]
}

/** Reads it off the machine. */
export function describeEnvironment(): Environment {
  return {
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    platform: `${process.platform}-${process.arch}`,
    kernel: os.release(),
    node: process.version,
    loadAverage: os.loadavg().map(value => Math.round(value * 100) / 100),
  }
}

/** A process, or with `group` all processes of the group that it leads, and its children. */
export interface ProcessRef {
  readonly pid: number
  readonly group: boolean
}

/** How long the list of a group's members is taken to hold: making it reads all of /proc. */
const membersMs = 2000

/** Reads the user and system time of a process in seconds; undefined where there is no /proc, or no such process. */
export function createCpuMeter(process: ProcessRef, clock: Clock = monotonicClock): () => number | undefined {
  const members = createMembership(process, clock)
  return () => {
    const stats = members().flatMap(pid => readStat(pid) ?? [])
    return stats.length === 0 ? undefined : stats.reduce((sum, stat) => sum + stat.cpuSeconds, 0)
  }
}

/** What a process has of memory, in bytes. */
export interface ProcessMemory {
  /** Resident: touched, and not given back. */
  readonly residentBytes: number
  /** Set aside for data that only this process has, touched or not. */
  readonly dataBytes: number
}

/** Reads the memory of a process, or of all processes of a group; undefined where there is no /proc, or no such process. */
export function createMemoryMeter(process: ProcessRef, clock: Clock = monotonicClock): () => ProcessMemory | undefined {
  const members = createMembership(process, clock)
  return () => {
    const all = members().flatMap(pid => readMemory(pid) ?? [])
    if (all.length === 0) return undefined
    return all.reduce((sum, one) => ({
      residentBytes: sum.residentBytes + one.residentBytes,
      dataBytes: sum.dataBytes + one.dataBytes,
    }))
  }
}

/** Whether the process is there to be watched: not where there is no /proc. */
export function isProcess(pid: number): boolean {
  return readMemory(pid) !== undefined
}

function createMembership({ pid, group }: ProcessRef, clock: Clock): () => readonly number[] {
  if (!group) return () => [pid]
  let members: number[] = []
  let listedAt = Number.NEGATIVE_INFINITY
  return () => {
    if (clock.now() - listedAt > membersMs) {
      members = listGroup(pid)
      listedAt = clock.now()
    }
    return members
  }
}

/** VmRSS and VmData of proc(5); a process that has ended and is not yet waited for has neither. */
function readMemory(pid: number): ProcessMemory | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'latin1')
    const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) * 1024
    const memory = { residentBytes: bytes('VmRSS'), dataBytes: bytes('VmData') }
    return Number.isNaN(memory.residentBytes + memory.dataBytes) ? undefined : memory
  } catch {
    return undefined
  }
}

function listGroup(group: number): number[] {
  try {
    const pids = readdirSync('/proc').filter(name => /^\d+$/.test(name))
    return pids.map(Number).filter(pid => {
      const stat = readStat(pid)
      // A server that was started by a script is in the script's group, and its workers with it.
      return stat !== undefined && (pid === group || stat.group === group || stat.parent === group)
    })
  } catch {
    return []
  }
}

function readStat(pid: number): { cpuSeconds: number; group: number; parent: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name in parentheses may hold anything; the fields after it are numbered from 3 (proc(5)).
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const [parent, group, user, system] = [fields[1], fields[2], fields[11], fields[12]].map(Number)
    return { cpuSeconds: (user! + system!) / ticksPerSecond, group: group!, parent: parent! }
  } catch {
    return undefined
  }
}

/** Descriptors that this process may have open at once; Infinity where it cannot be known. */
export function fileDescriptorsMax(): number {
  try {
    const line = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))
    return line ? Number(line[1]) : Number.POSITIVE_INFINITY
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
