import { Worker } from 'node:worker_threads'
import { builtFile } from '../built.ts'
import { monotonicClock, sharedOffsetMs } from '../clock.ts'
import { messageOf } from '../errors.ts'
import { control, createSlab, field, instant, type Slab, state } from '../metrics/slab.ts'
import type { Plan } from '../plan/plan.ts'
import type { WorkerStart } from './worker.ts'

const pollMs = 5
/** How long after it was told to stop, or after its time, a worker may take to be gone. */
const graceMs = 5000

/**
 * The loop makes next to no garbage, so that a small young generation is collected as seldom as a large one; left to
 * itself it grows while thousands of connections are opened, and stays so: 0.9 KB in place of 1.3 for each of 15,000.
 */
const youngGenerationMb = 3

/** The workers of a run, from their start to the end of the last of them. */
export interface Fleet {
  readonly slabs: readonly Slab[]
  /** Resolves when every worker's connections are open or have failed; also when the fleet ends before. */
  readonly ready: Promise<void>
  /** Resolves when all workers are gone, with what went wrong if one did not end as it should. Never rejects. */
  readonly ended: Promise<string | undefined>
  /** Lets the requests go at a time on this thread's clock, at the same instant in every worker. */
  start(at: number): void
  /** Puts the end off, once, by what the plan allows for that; to be called well before the end. */
  extend(): void
  /** Ends the run early: the books are closed at once. */
  stop(): void
}

/** Starts a worker thread for each share of the plan. One that dies ends the run for all. */
export function launchFleet(plan: Plan, workerFile: string = builtFile('harness/engine/worker')): Fleet {
  const slabs = plan.workers.map(({ bank, connections }) =>
    createSlab(bank.steps.filter(step => step.role === 'request').length, connections),
  )
  let error: string | undefined
  let alive = plan.workers.length
  let stopped = false
  let startAt = 0
  let reaper: NodeJS.Timeout | undefined
  const workers = plan.workers.map((share, index) => {
    const workerData: WorkerStart = { plan: share, memory: slabs[index]!.memory }
    const resourceLimits = { maxYoungGenerationSizeMb: youngGenerationMb }
    return new Worker(workerFile, { workerData, resourceLimits, name: `volley worker ${index + 1}` })
  })

  function say(word: number): void {
    for (const slab of slabs) Atomics.store(slab.fields, field.control, word)
  }
  function reapAfter(milliseconds: number): void {
    clearTimeout(reaper)
    reaper = setTimeout(() => {
      error ??= 'a worker did not stop when its time was over'
      for (const worker of workers) void worker.terminate()
    }, milliseconds)
  }
  function stop(): void {
    stopped = true
    if (alive === 0) return
    say(control.stop)
    reapAfter(graceMs)
  }
  function has(slab: Slab, word: number): boolean {
    return Atomics.load(slab.fields, field.state) >= word
  }

  const ended = new Promise<string | undefined>(resolve => {
    workers.forEach((worker, index) => {
      worker.on('error', cause => {
        error ??= `worker ${index + 1} died: ${messageOf(cause)}`
      })
      worker.on('exit', code => {
        if (!has(slabs[index]!, state.closed)) error ??= `worker ${index + 1} died with exit code ${code}`
        if (error !== undefined) stop()
        if (--alive > 0) return
        clearTimeout(reaper)
        resolve(error)
      })
    })
  })
  const ready = new Promise<void>(resolve => {
    const poll = setInterval(() => {
      if (alive > 0 && !slabs.every(slab => has(slab, state.ready))) return
      clearInterval(poll)
      resolve()
    }, pollMs)
  })

  function start(at: number): void {
    // Whoever was told to stop before the start is not to be told otherwise.
    if (stopped || alive === 0) return
    for (const slab of slabs) slab.instants[instant.start] = at + sharedOffsetMs()
    say(control.start)
    startAt = at
    reapAfter(at - monotonicClock.now() + plan.lengthMs + graceMs)
  }
  function extend(): void {
    if (stopped || alive === 0) return
    for (const slab of slabs) Atomics.store(slab.fields, field.extensionMs, plan.extensionMs)
    reapAfter(startAt - monotonicClock.now() + plan.lengthMs + plan.extensionMs + graceMs)
  }

  return { slabs, ready, ended, start, extend, stop }
}
