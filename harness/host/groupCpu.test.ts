import { expect, test } from 'vitest'
import { GroupCpu, type ProcessStat, type ProcessTable } from './groupCpu.ts'

const leader = 10

/** A simulated machine, whose processes a test starts, lets work and ends. */
class Machine implements ProcessTable {
  readonly #stats = new Map<number, ProcessStat>()
  #ticks = 0

  start(pid: number, parent: number, cpuSeconds = 0): void {
    this.#stats.set(pid, { cpuSeconds, waitedSeconds: 0, parent, group: leader, startedTicks: this.#ticks++ })
  }

  works(pid: number, seconds: number): void {
    const stat = this.#stats.get(pid)!
    this.#stats.set(pid, { ...stat, cpuSeconds: stat.cpuSeconds + seconds })
  }

  /**
   * Ends a process: its children move to process 1, and its CPU time moves to its parent if the parent waits for it.
   */
  end(pid: number, isWaitedFor = true): void {
    const { cpuSeconds, waitedSeconds, parent } = this.#stats.get(pid)!
    this.#stats.delete(pid)
    for (const [child, stat] of this.#stats) if (stat.parent === pid) this.#stats.set(child, { ...stat, parent: 1 })
    const above = this.#stats.get(parent)
    if (above === undefined || !isWaitedFor) return
    this.#stats.set(parent, { ...above, waitedSeconds: above.waitedSeconds + cpuSeconds + waitedSeconds })
  }

  stat(pid: number): ProcessStat | undefined {
    return this.#stats.get(pid)
  }

  group(group: number): number[] {
    return [...this.#stats].flatMap(([pid, stat]) => (stat.group === group ? [pid] : []))
  }

  children(parent: number): number[] {
    return [...this.#stats].flatMap(([pid, stat]) => (stat.parent === parent ? [pid] : []))
  }
}

function machineWith(...workers: number[]): { machine: Machine; cpu: GroupCpu } {
  const machine = new Machine()
  machine.start(leader, 1, 1)
  for (const pid of workers) machine.start(pid, leader)
  return { machine, cpu: new GroupCpu(leader, machine) }
}

test.each([true, false])('GroupCpu keeps the time of a member that exited, waited for: %s', isWaitedFor => {
  const { machine, cpu } = machineWith(11)
  machine.works(11, 3)
  expect(cpu.read(true)).toBe(4)
  machine.start(12, leader, 0.5)
  machine.end(11, isWaitedFor)
  expect(cpu.read(false)).toBe(4.5)
  machine.works(12, 2)
  expect(cpu.read(false)).toBe(6.5)
  machine.end(12, isWaitedFor)
  expect(cpu.read(true)).toBe(6.5)
})

test('GroupCpu counts time that only the parent knows: after the last reading, or of a member never seen', () => {
  const { machine, cpu } = machineWith(11)
  expect(cpu.read(true)).toBe(1)
  machine.works(11, 3)
  machine.end(11)
  machine.start(12, leader, 2)
  machine.end(12)
  expect(cpu.read(false)).toBe(6)
})

test('GroupCpu counts no branch twice that exits from its root, or from its leaves', () => {
  const { machine, cpu } = machineWith(11, 12)
  machine.start(21, 11, 2)
  machine.start(22, 12, 4)
  expect(cpu.read(true)).toBe(7)
  machine.end(21)
  machine.end(11)
  machine.end(12)
  machine.end(22)
  expect(cpu.read(false)).toBe(7)
  machine.works(leader, 1)
  expect(cpu.read(true)).toBe(8)
})

test('GroupCpu keeps the time of members whose parents have exited', () => {
  const { machine, cpu } = machineWith(11)
  machine.start(21, 11, 2)
  machine.works(11, 1)
  expect(cpu.read(true)).toBe(4)
  machine.end(11)
  expect(cpu.read(true)).toBe(4)
  machine.works(21, 1)
  expect(cpu.read(true)).toBe(5)
  machine.end(21)
  expect(cpu.read(true)).toBe(5)
})

test('GroupCpu never decreases when a member exits during a reading', () => {
  const { machine, cpu } = machineWith(11)
  machine.works(11, 2)
  const readStat = machine.stat.bind(machine)
  expect(cpu.read(true)).toBe(3)
  // The parent is read before the exit, and the member after it.
  let isEnding = true
  machine.stat = pid => {
    const stat = readStat(pid)
    if (pid === leader && isEnding) machine.end(11)
    if (pid === leader) isEnding = false
    return stat
  }
  expect(cpu.read(false)).toBe(3)
  expect(cpu.read(false)).toBe(3)
  machine.works(leader, 1)
  expect(cpu.read(false)).toBe(4)
})

test('GroupCpu distinguishes a process from an exited one with the same id', () => {
  const { machine, cpu } = machineWith(11)
  machine.works(11, 2)
  expect(cpu.read(true)).toBe(3)
  machine.end(11)
  machine.start(11, leader, 0.5)
  cpu.read(false)
  expect(cpu.read(false)).toBe(3.5)
})

test('GroupCpu is undefined for a group without processes', () => {
  const { machine, cpu } = machineWith()
  expect(cpu.read(true)).toBe(1)
  machine.end(leader)
  expect(cpu.read(true)).toBeUndefined()
})
