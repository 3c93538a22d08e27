import type { SystemFiles } from './systemFiles.ts'

/** Threads read of all processes together: a server may have thousands. */
const threadsMax = 256

/** Nanoseconds that a thread has run, and waited for a core although it could have run. */
export interface ThreadTimes {
  readonly ran: number
  readonly waited: number
}

/** The threads of processes, by thread id; empty where the kernel does not say (CONFIG_SCHED_INFO). */
export function readThreads(files: SystemFiles, pids: Iterable<number>): ReadonlyMap<number, ThreadTimes> {
  const threads = new Map<number, ThreadTimes>()
  for (const pid of pids) {
    for (const name of files.names(`/proc/${pid}/task`)) {
      if (threads.size >= threadsMax) return threads
      const [ran, waited] = (files.text(`/proc/${pid}/task/${name}/schedstat`) ?? '').split(' ').map(Number)
      if (ran !== undefined && waited !== undefined && Number.isFinite(ran + waited)) {
        threads.set(Number(name), { ran, waited })
      }
    }
  }
  return threads
}

/** The threads at a moment, on the clock of the caller. */
export interface ThreadReading {
  readonly atMs: number
  readonly threads: ReadonlyMap<number, ThreadTimes>
}

/**
 * The longest wait of the `busiest` threads as a share of the time. A thread that has ended counts until the last reading that has it;
 * undefined when no thread is in two readings.
 */
export function longestWait(readings: readonly ThreadReading[], busiest: number): number | undefined {
  const [first, ...later] = readings
  const shares = [...(first?.threads ?? [])].flatMap(([thread, before]) => {
    const last = later.findLast(({ threads }) => threads.has(thread))
    const after = last?.threads.get(thread)
    if (last === undefined || after === undefined || last.atMs <= first!.atMs) return []
    const lengthNs = (last.atMs - first!.atMs) * 1e6
    const [ran, waited] = [after.ran - before.ran, after.waited - before.waited]
    return ran < 0 || waited < 0 ? [] : [{ active: (ran + waited) / lengthNs, waited: waited / lengthNs }]
  })
  const active = shares.sort((a, b) => b.active - a.active).slice(0, Math.max(1, busiest))
  return active.length === 0 ? undefined : Math.min(1, Math.max(...active.map(({ waited }) => waited)))
}
