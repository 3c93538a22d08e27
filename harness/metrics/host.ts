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

/** A process, or all processes of the group that it leads. */
export interface ProcessRef {
  readonly pid: number
  readonly group: boolean
}

/** How long the list of a group's members is taken to hold: making it reads all of /proc. */
const membersMs = 2000

/** Reads the user and system time of a process in seconds; undefined where there is no /proc, or no such process. */
export function createCpuMeter({ pid, group }: ProcessRef, clock: Clock = monotonicClock): () => number | undefined {
  if (!group) return () => readStat(pid)?.cpuSeconds
  let members: number[] = []
  let listedAt = Number.NEGATIVE_INFINITY
  return () => {
    if (clock.now() - listedAt > membersMs) {
      members = listGroup(pid)
      listedAt = clock.now()
    }
    const stats = members.map(readStat).filter(stat => stat !== undefined)
    return stats.length === 0 ? undefined : stats.reduce((sum, stat) => sum + stat.cpuSeconds, 0)
  }
}

function listGroup(group: number): number[] {
  try {
    const pids = readdirSync('/proc').filter(name => /^\d+$/.test(name))
    return pids.map(Number).filter(pid => readStat(pid)?.group === group)
  } catch {
    return []
  }
}

function readStat(pid: number): { cpuSeconds: number; group: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name in parentheses may hold anything; the fields after it are numbered from 3 (proc(5)).
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const [group, user, system] = [fields[2], fields[11], fields[12]].map(Number)
    return { cpuSeconds: (user! + system!) / ticksPerSecond, group: group! }
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
