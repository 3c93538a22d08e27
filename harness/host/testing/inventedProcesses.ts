import type { SystemFiles } from '../systemFiles.ts'

const ticks = 100

interface Invented {
  name: string
  parent: number
  group: number
  flags: number
  started: number
  cpuSeconds: number
  waitedSeconds: number
  /** The core that it runs on. */
  core: number | undefined
  /** By thread id, nanoseconds that it ran and waited. */
  threads: Map<number, [number, number]>
}

/** The files of an invented Linux machine, whose processes a test starts, lets work and ends. */
export class InventedProcesses implements SystemFiles {
  readonly others = new Map<string, string>([['/proc/self/ns/pid', 'pid:[4026531836]']])
  readonly #processes = new Map<number, Invented>()
  #started = 0
  /** CPU time of all cores, also of what has no process here. */
  busySeconds = 0
  /** CPU time by core, where the machine lists its cores. */
  readonly busyByCore: number[] = []
  now = 0

  constructor() {
    this.start(1, 'init', 0)
  }

  start(pid: number, name: string, parent = 1, { group = pid, isKernel = false } = {}): void {
    const flags = isKernel ? 0x00200040 : 0x00400040
    const threads = new Map<number, [number, number]>([[pid, [0, 0]]])
    const times = { cpuSeconds: 0, waitedSeconds: 0, core: undefined, started: this.#started++ }
    this.#processes.set(pid, { name, parent, group, flags, threads, ...times })
  }

  /** From now on the process runs on a core that the machine lists. */
  runsOn(pid: number, core: number): void {
    this.#processes.get(pid)!.core = core
  }

  works(pid: number, cpuSeconds: number, waitedSeconds = 0): void {
    const one = this.#processes.get(pid)!
    one.cpuSeconds += cpuSeconds
    this.busySeconds += cpuSeconds
    if (one.core !== undefined) this.busyByCore[one.core]! += cpuSeconds
    const [ran, waited] = one.threads.get(pid)!
    one.threads.set(pid, [ran + cpuSeconds * 1e9, waited + waitedSeconds * 1e9])
  }

  thread(pid: number, thread: number, ranSeconds: number, waitedSeconds: number): void {
    this.#processes.get(pid)!.threads.set(thread, [ranSeconds * 1e9, waitedSeconds * 1e9])
  }

  /** Its parent waits for it, and its children are the first process's from then on. */
  end(pid: number): void {
    const { parent, cpuSeconds, waitedSeconds } = this.#processes.get(pid)!
    this.#processes.delete(pid)
    for (const one of this.#processes.values()) if (one.parent === pid) one.parent = 1
    const above = this.#processes.get(parent)
    if (above !== undefined) above.waitedSeconds += cpuSeconds + waitedSeconds
  }

  text(path: string): string | undefined {
    const other = this.others.get(path)
    if (other !== undefined) return other
    if (path === '/proc/stat') {
      const line = (name: string, seconds: number) => `${name} ${Math.round(seconds * ticks)} 0 0 9 9 9 9 9 0 0\n`
      const cores = this.busyByCore.map((seconds, core) => line(`cpu${core}`, seconds))
      return `${line('cpu ', this.busySeconds)}${cores.join('')}intr 1 2 3\n`
    }
    const [, pid, thread] = /^\/proc\/(\d+)\/(?:stat|task\/(\d+)\/schedstat)$/.exec(path) ?? []
    const one = this.#processes.get(Number(pid))
    if (one === undefined) return undefined
    if (thread !== undefined) return one.threads.get(Number(thread))?.concat(7).join(' ')
    const [cpu, waited] = [one.cpuSeconds, one.waitedSeconds].map(seconds => Math.round(seconds * ticks))
    const { name, parent, group, flags, started, core } = one
    const start = `${pid} (${name}) S ${parent} ${group} 0 0 0 ${flags} 0 0 0 0 ${cpu} 0 ${waited} 0 20 0 1 0 ${started} 0 0`
    return core === undefined ? start : `${start}${' 0'.repeat(14)} ${core} 0 0`
  }

  names(path: string): string[] {
    if (path === '/proc') return ['self', 'net', ...[...this.#processes.keys()].map(String)]
    const pid = Number(/^\/proc\/(\d+)\/task$/.exec(path)?.[1])
    if (this.#processes.has(pid)) return [...this.#processes.get(pid)!.threads.keys()].map(String)
    const prefix = `${path}/`
    return [...this.others.keys()].filter(name => name.startsWith(prefix)).map(name => name.slice(prefix.length))
  }

  link(path: string): string | undefined {
    return this.others.get(path)
  }
}
