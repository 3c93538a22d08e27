import type { SystemFiles } from './systemFiles.ts'

/** Clock ticks per second in /proc; Linux fixes it at 100 for user programs. */
export const ticksPerSecond = 100
/** Processes read in one scan: those beyond it count as programs that cannot be seen. */
const processesMax = 2048
/** The flag of threads of the kernel (PF_KTHREAD), whose work is done for somebody else. */
const kernelFlag = 0x00200000
/** The inode of the first namespace of process ids (PROC_PID_INIT_INO), in which every process of the machine can be seen. */
const firstNamespace = 'pid:[4026531836]'

/** A process as a scan found it; times are user and system time together. */
export interface Program {
  readonly name: string
  readonly parent: number
  readonly group: number
  readonly cpuSeconds: number
  /** Times of its children that have ended and been waited for. */
  readonly waitedSeconds: number
  /** Distinguishes it from a later process with the same id. */
  readonly startedTicks: number
  /** The core that its first thread ran on last. */
  readonly core: number
}

/** The processes of this machine at one moment, without the threads of the kernel. */
export interface Scan {
  readonly programs: ReadonlyMap<number, Program>
  /** There are more processes than were read. */
  readonly isPartial: boolean
}

/** Reads all processes. */
export function scanPrograms(files: SystemFiles): Scan {
  const programs = new Map<number, Program>()
  const pids = files.names('/proc').filter(name => /^\d+$/.test(name))
  for (const pid of pids.slice(0, processesMax)) {
    const program = readProgram(files, Number(pid))
    if (program !== undefined) programs.set(Number(pid), program)
  }
  return { programs, isPartial: pids.length > processesMax }
}

/** One process; undefined when it has ended, and for threads of the kernel. */
export function readProgram(files: SystemFiles, pid: number): Program | undefined {
  const text = files.text(`/proc/${pid}/stat`)
  // The name in parentheses may contain anything; the fields after it are numbered from 3 (proc(5)).
  const [open, close] = [text?.indexOf('(') ?? -1, text?.lastIndexOf(')') ?? -1]
  if (text === undefined || open < 0 || close < open) return undefined
  const fields = text.slice(close + 2).split(' ')
  const field = (number: number) => Number(fields[number - 3])
  if ((field(9) & kernelFlag) !== 0) return undefined
  const name = text.slice(open + 1, close)
  const program = {
    // What newer versions of Node call their first thread.
    name: name === 'MainThread' || name === 'node-MainThread' ? 'node' : name,
    parent: field(4),
    group: field(5),
    cpuSeconds: (field(14) + field(15)) / ticksPerSecond,
    waitedSeconds: (field(16) + field(17)) / ticksPerSecond,
    startedTicks: field(22),
    core: field(39),
  }
  const isWhole = Number.isFinite(program.cpuSeconds + program.waitedSeconds + program.startedTicks + program.group)
  return isWhole ? program : undefined
}

/** Whether /proc shows every process of the machine, which it does not in a container, or where others' are hidden. */
export function seesEveryProgram(files: SystemFiles): boolean {
  return files.link('/proc/self/ns/pid') === firstNamespace && files.text('/proc/1/stat') !== undefined
}

/** The processes of a tree: those given, what they started, and the groups that they lead. */
export function treeOf(roots: readonly number[], scan: Scan): ReadonlySet<number> {
  const tree = new Set<number>(roots)
  for (let size = -1; size !== tree.size; ) {
    size = tree.size
    for (const [pid, { parent, group }] of scan.programs) {
      if (tree.has(parent) || roots.includes(group)) tree.add(pid)
    }
  }
  return tree
}

/**
 * CPU seconds that each process used between two scans, by process id. The time of a child that has ended is with the parent that waited
 * for it; what such a child had used before the first scan is taken off again. The time of a process of the `server` that has ended stays
 * its own, unless another process of the server waited for it: whoever else did, such as systemd, has not used it.
 */
export function usedBetween(
  before: Scan,
  after: Scan,
  server: ReadonlySet<number> = new Set(),
): ReadonlyMap<number, number> {
  const used = new Map<number, number>()
  const newest = Math.max(0, ...[...before.programs.values()].map(({ startedTicks }) => startedTicks))
  const last = (pid: number) => {
    const [was, is] = [before.programs.get(pid), after.programs.get(pid)]
    return was !== undefined && is?.startedTicks === was.startedTicks ? is : undefined
  }
  for (const [pid, { cpuSeconds, waitedSeconds, startedTicks }] of after.programs) {
    const was = before.programs.get(pid)
    if (was?.startedTicks === startedTicks) {
      used.set(pid, Math.max(0, cpuSeconds + waitedSeconds - was.cpuSeconds - was.waitedSeconds))
    } else if (!before.isPartial || startedTicks > newest) used.set(pid, cpuSeconds + waitedSeconds)
  }
  // By process: the time that its children, which have ended, used between the scans.
  const waited = new Map<number, number>()
  const ofServer: { readonly pid: number; readonly heir: number }[] = []
  for (const [pid, ended] of before.programs) {
    if (last(pid) !== undefined) continue
    let heir = ended.parent
    for (let steps = 0; steps < before.programs.size && last(heir) === undefined; steps++) {
      heir = before.programs.get(heir)?.parent ?? heir
    }
    if (!used.has(heir)) continue
    const growth = (last(heir)?.waitedSeconds ?? 0) - (before.programs.get(heir)?.waitedSeconds ?? 0)
    const left = waited.get(heir) ?? Math.max(0, growth)
    const earlier = Math.min(ended.cpuSeconds + ended.waitedSeconds, left)
    waited.set(heir, left - earlier)
    used.set(heir, Math.max(0, used.get(heir)! - earlier))
    if (server.has(pid) && !server.has(heir)) ofServer.push({ pid, heir })
  }
  for (const { pid, heir } of ofServer) {
    const own = Math.min(waited.get(heir)!, used.get(heir)!)
    waited.set(heir, 0)
    used.set(heir, used.get(heir)! - own)
    used.set(pid, (used.get(pid) ?? 0) + own)
  }
  return used
}
