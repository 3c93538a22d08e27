import { readdirSync, readFileSync } from 'node:fs'
import os from 'node:os'
import { type Clock, monotonicClock } from '../clock.ts'
import { GroupCpu, type ProcessStat } from './groupCpu.ts'

/** Clock ticks per second in /proc/<pid>/stat; Linux fixes it at 100 for user programs. */
const ticksPerSecond = 100

/** The machine, and its load when the run began. */
export interface Environment {
  readonly cpu: string
  readonly cores: number
  readonly memoryBytes: number
  readonly platform: string
  readonly kernel: string
  readonly node: string
  readonly loadAverage: readonly number[]
}

/** Describes this machine as it is now. */
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

/** A process, or with `group` all processes of the process group that it leads, and its children. */
export interface ProcessRef {
  readonly pid: number
  readonly group: boolean
}

/** How long the list of a group's members is reused, because making it reads all of /proc. */
const membersMs = 2000

/**
 * A function that reads the user and system time of a process in seconds, for a group including its exited members. It
 * returns undefined without /proc or without the process.
 */
export function createCpuMeter({ pid, group }: ProcessRef, clock: Clock = monotonicClock): () => number | undefined {
  if (!group) return () => readStat(pid)?.cpuSeconds
  const cpu = new GroupCpu(pid, { stat: readStat, group: listGroup, children: listChildren })
  const isOutOfDate = createMembersClock(clock)
  return () => cpu.read(isOutOfDate())
}

/** The memory of a process, in bytes. */
export interface ProcessMemory {
  /** Resident: touched, and not released. */
  readonly residentBytes: number
  /** Allocated for private data, whether touched or not. */
  readonly dataBytes: number
}

/**
 * A function that reads the memory of a process or a group. It returns undefined without /proc or without the process.
 */
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

/** Whether the process exists and can be observed, which takes /proc. */
export function isProcess(pid: number): boolean {
  return readMemory(pid) !== undefined
}

function createMembership({ pid, group }: ProcessRef, clock: Clock): () => readonly number[] {
  if (!group) return () => [pid]
  const isOutOfDate = createMembersClock(clock)
  let members: number[] = []
  return () => {
    if (isOutOfDate()) members = listGroup(pid)
    return members
  }
}

/** Returns true when the members of a group must be listed again: the first time, and every two seconds. */
function createMembersClock(clock: Clock): () => boolean {
  let listedAt = Number.NEGATIVE_INFINITY
  return () => {
    const now = clock.now()
    if (now - listedAt <= membersMs) return false
    listedAt = now
    return true
  }
}

/** VmRSS and VmData of proc(5); a process that has exited but has not been waited for has neither. */
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
      // A server that a script started is in the group of the script, and so are its workers.
      return stat !== undefined && (pid === group || stat.group === group || stat.parent === group)
    })
  } catch {
    return []
  }
}

/** The children that the first thread of a process has started; none if the kernel does not list them. */
function listChildren(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ').map(Number).filter(Boolean)
  } catch {
    return []
  }
}

function readStat(pid: number): ProcessStat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name in parentheses may contain anything; the fields after it are numbered from 3 (proc(5)).
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const field = (number: number) => Number(fields[number - 3])
    return {
      parent: field(4),
      group: field(5),
      cpuSeconds: (field(14) + field(15)) / ticksPerSecond,
      waitedSeconds: (field(16) + field(17)) / ticksPerSecond,
      startedTicks: field(22),
    }
  } catch {
    return undefined
  }
}

/** File descriptors that this process may have open at once; Infinity if unknown. */
export function fileDescriptorsMax(): number {
  try {
    const line = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))
    return line ? Number(line[1]) : Number.POSITIVE_INFINITY
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
