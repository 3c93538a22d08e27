import { expect, test } from 'vitest'
import { GroupCpu, type ProcessStat, type ProcessTable } from './groupCpu.ts'

const leader = 10

/** A machine whose processes a test starts, has work and ends. */
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

  /** Its children go to process 1; its time goes to its parent, where that one waits for it. */
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

test.each([true, false])('GroupCpu keeps what an ended member had used, waited for: %s', isWaitedFor => {
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

test('GroupCpu counts what a member used after it was seen last, and one that was never seen, by its parent', () => {
  const { machine, cpu } = machineWith(11)
  expect(cpu.read(true)).toBe(1)
  machine.works(11, 3)
  machine.end(11)
  machine.start(12, leader, 2)
  machine.end(12)
  expect(cpu.read(false)).toBe(6)
})

test('GroupCpu counts no branch twice that ends from its root, or from its leaves', () => {
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

test('GroupCpu keeps what members had used whose parents are gone', () => {
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

test('GroupCpu never falls when a member ends while it is read', () => {
  const { machine, cpu } = machineWith(11)
  machine.works(11, 2)
  const readStat = machine.stat.bind(machine)
  expect(cpu.read(true)).toBe(3)
  // Its parent is read before, and it after.
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

test('GroupCpu takes a process with the id of one that has ended for another', () => {
  const { machine, cpu } = machineWith(11)
  machine.works(11, 2)
  expect(cpu.read(true)).toBe(3)
  machine.end(11)
  machine.start(11, leader, 0.5)
  cpu.read(false)
  expect(cpu.read(false)).toBe(3.5)
})

test('GroupCpu tells nothing of a group that is not there', () => {
  const { machine, cpu } = machineWith()
  expect(cpu.read(true)).toBe(1)
  machine.end(leader)
  expect(cpu.read(true)).toBeUndefined()
})
