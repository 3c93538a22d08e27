/** What /proc tells of a process; times are user and system, in seconds. */
export interface ProcessStat {
  readonly cpuSeconds: number
  /** Of its children that have ended and that it has waited for, with all that those had waited for. */
  readonly waitedSeconds: number
  readonly parent: number
  readonly group: number
  /** When it was started, by which it is told from another one that was given its id. */
  readonly startedTicks: number
}

/** The processes of this machine. */
export interface ProcessTable {
  stat(pid: number): ProcessStat | undefined
  /** The group that a process leads, and its children. */
  group(leader: number): readonly number[]
  /** The children of a process, where the kernel lists them by themselves: for much less than all processes cost. */
  children(pid: number): readonly number[]
}

interface Member {
  readonly stat: ProcessStat
  /** What it had waited for before it was seen first. */
  readonly waitedBefore: number
  /** What those had used, when they were seen last, that have ended below it since. */
  readonly endedSeconds: number
}

/**
 * CPU time of the processes of a group, those that have ended among it, so that the sum never falls. What a process has
 * used is with its parent as soon as that one has waited for it; what nobody of the group waits for is kept as it was last
 * seen.
 */
export class GroupCpu {
  readonly #table: ProcessTable
  readonly #leader: number
  /** By process id; parents stand before their children, so that no child is counted here and with its parent too. */
  #members: ReadonlyMap<number, Member> = new Map()
  /** Of those that have ended with all that were above them. */
  #orphanedSeconds = 0
  #most = 0

  constructor(leader: number, table: ProcessTable) {
    this.#leader = leader
    this.#table = table
  }

  /** Seconds used until now; undefined when none of the group is there. With `listed` all processes are looked through. */
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
    for (const [pid, member] of before) if (!members.has(pid)) this.#ended(member, before, members)
    this.#members = members
    if (members.size === 0) return undefined
    const seconds = [...members.values()].reduce((sum, member) => sum + secondsOf(member), this.#orphanedSeconds)
    // One that is waited for while this is read may be missing, or counted twice, this once.
    this.#most = Math.max(this.#most, seconds)
    return this.#most
  }

  /** Those that were there, and those that may have come since. Children of who has had some are seen at once. */
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

  /** Leaves what an ended one had used to the next above it that is still there, who may have waited for it. */
  #ended(member: Member, before: ReadonlyMap<number, Member>, members: Map<number, Member>): void {
    let heir = member.stat.parent
    for (let steps = 0; steps < before.size && !members.has(heir); steps++) {
      heir = before.get(heir)?.stat.parent ?? heir
    }
    const left = members.get(heir)
    if (left === undefined) this.#orphanedSeconds += secondsOf(member)
    else members.set(heir, { ...left, endedSeconds: left.endedSeconds + secondsOf(member) })
  }
}

/** What a process and those that ended below it have used: as its parent has been told, or more where it has not been. */
function secondsOf({ stat, waitedBefore, endedSeconds }: Member): number {
  return stat.cpuSeconds + Math.max(stat.waitedSeconds, waitedBefore + endedSeconds)
}
