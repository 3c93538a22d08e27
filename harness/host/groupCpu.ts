/** The entry of a process in /proc; times are user and system time together, in seconds. */
export interface ProcessStat {
  readonly cpuSeconds: number
  /** Times of the children that it has waited for, including those that these had waited for. */
  readonly waitedSeconds: number
  readonly parent: number
  readonly group: number
  /** Start time, which distinguishes it from a later process with the same id. */
  readonly startedTicks: number
}

/** The processes of this machine. */
export interface ProcessTable {
  stat(pid: number): ProcessStat | undefined
  /** The process group that a process leads, and its children. */
  group(leader: number): readonly number[]
  /** The children of a process; much cheaper than listing all processes, if the kernel supports it. */
  children(pid: number): readonly number[]
}

interface Member {
  readonly stat: ProcessStat
  /** Its `waitedSeconds` when it was first seen. */
  readonly waitedBefore: number
  /** CPU time of descendants that have exited since, as of when they were last seen. */
  readonly endedSeconds: number
}

/**
 * CPU time of the processes of a group, including those that have exited, so that the sum never decreases. The time of
 * a process moves to its parent when the parent waits for it; if no process of the group does, the last value seen is
 * kept.
 */
export class GroupCpu {
  readonly #table: ProcessTable
  readonly #leader: number
  /** By process id; parents come before their children, so that no child is counted both here and in its parent. */
  #members: ReadonlyMap<number, Member> = new Map()
  /** CPU time of processes that have exited along with all of their ancestors. */
  #orphanedSeconds = 0
  #most = 0

  constructor(leader: number, table: ProcessTable) {
    this.#leader = leader
    this.#table = table
  }

  /** Seconds used so far; undefined if the group has no processes. `listed` searches all processes for members. */
  read(listed: boolean): number | undefined {
    const before = this.#members
    const members = new Map<number, Member>()
    for (const pid of this.#candidates(listed)) {
      const stat = this.#table.stat(pid)
      const known = before.get(pid)
      if (stat === undefined || (known !== undefined && known.stat.startedTicks !== stat.startedTicks)) continue
      members.set(pid, {
        stat,
        waitedBefore: known?.waitedBefore ?? stat.waitedSeconds,
        endedSeconds: known?.endedSeconds ?? 0,
      })
    }
    for (const [pid, member] of before) if (!members.has(pid)) this.#bequeath(member, before, members)
    this.#members = members
    if (members.size === 0) return undefined
    const seconds = [...members.values()].reduce((sum, member) => sum + secondsOf(member), this.#orphanedSeconds)
    // A process that is waited for during this reading may be missing, or counted twice, once.
    this.#most = Math.max(this.#most, seconds)
    return this.#most
  }

  /** Known members, and processes that may be new. New children of known parents are found even without `listed`. */
  #candidates(listed: boolean): ReadonlySet<number> {
    const pids = new Set([this.#leader, ...this.#members.keys()])
    const parents = new Set([this.#leader, ...[...this.#members.values()].map(({ stat }) => stat.parent)])
    for (const parent of parents) {
      if (!pids.has(parent)) continue
      for (const child of this.#table.children(parent)) pids.add(child)
    }
    if (listed) for (const pid of this.#table.group(this.#leader)) pids.add(pid)
    return pids
  }

  /** Adds the time of a process that has exited to its nearest living ancestor, which may have waited for it. */
  #bequeath(member: Member, before: ReadonlyMap<number, Member>, members: Map<number, Member>): void {
    let heir = member.stat.parent
    for (let steps = 0; steps < before.size && !members.has(heir); steps++) {
      heir = before.get(heir)?.stat.parent ?? heir
    }
    const left = members.get(heir)
    if (left === undefined) this.#orphanedSeconds += secondsOf(member)
    else members.set(heir, { ...left, endedSeconds: left.endedSeconds + secondsOf(member) })
  }
}

/** CPU time of a process and its exited descendants: what it has waited for, or what was last seen if that is more. */
function secondsOf({ stat, waitedBefore, endedSeconds }: Member): number {
  return stat.cpuSeconds + Math.max(stat.waitedSeconds, waitedBefore + endedSeconds)
}
