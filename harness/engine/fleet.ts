import { Worker } from 'node:worker_threads'
import { builtFile } from '../built.ts'
import { monotonicClock, sharedOffsetMs } from '../clock.ts'
import { messageOf } from '../errors.ts'
import { control, createSlab, field, instant, type Slab, state } from '../metrics/slab.ts'
import type { Plan, WorkerPlan } from '../plan/plan.ts'
import type { WorkerStart } from './worker.ts'

const pollMs = 5
/** How often it is looked whether all workers are done, where some wait for the others. */
const closedPollMs = 50
/** How long a worker may take to exit after the signal to stop, or after the end of its run. */
const exitMsMax = 5000

/**
 * The loop makes almost no garbage, so a small young generation is collected as rarely as a large one. Without a limit
 * it grows while thousands of connections are opened and stays large: with it each of 15,000 connections takes 0.9 KB
 * instead of 1.3.
 */
const youngGenerationMb = 3

/** The workers of a run, from their start until the last of them has exited. */
export interface Fleet {
  readonly slabs: readonly Slab[]
  /** Resolves when every worker's connections are open or have failed, or when all workers have exited. */
  readonly ready: Promise<void>
  /** Resolves when all workers have exited, with an error if one did not end gracefully. Never rejects. */
  readonly ended: Promise<string | undefined>
  /** Starts the run at a time on this thread's clock, at the same instant in every worker. */
  start(at: number): void
  /** Extends the run, once, by the plan's `extensionMs`; to be called well before the end. */
  extend(): void
  /** Ends the run early: counting stops at once. */
  stop(): void
}

/** Starts a worker thread for each share of the plan. If one dies, the run ends for all. */
export function launchFleet(plan: Plan, workerFile: string = builtFile('harness/engine/worker')): Fleet {
  const slabs = plan.workers.map(({ bank, speakingLinks }) =>
    createSlab(bank.steps.filter(step => step.role === 'request').length, speakingLinks, plan.keepsReplies === true),
  )
  let error: string | undefined
  let alive = plan.workers.length
  let stopped = false
  let startAt = 0
  let exitTimer: NodeJS.Timeout | undefined
  const workers = plan.workers.map((share, index) => startWorker(workerFile, share, slabs[index]!))
  const ready = whenReached(slabs, state.ready, pollMs, () => alive === 0)

  function signal(value: number): void {
    for (const slab of slabs) Atomics.store(slab.fields, field.control, value)
  }
  function terminateAfter(milliseconds: number): void {
    clearTimeout(exitTimer)
    exitTimer = setTimeout(() => {
      error ??= 'a worker did not stop at the end of the run'
      for (const worker of workers) void worker.terminate()
    }, milliseconds)
  }
  function stop(): void {
    stopped = true
    if (alive === 0) return
    signal(control.stop)
    terminateAfter(exitMsMax)
  }

  const ended = new Promise<string | undefined>(resolve => {
    workers.forEach((worker, index) => {
      worker.on('error', cause => {
        error ??= `worker ${index + 1} died: ${messageOf(cause)}`
      })
      worker.on('exit', code => {
        if (!hasReached(slabs[index]!, state.closed)) error ??= `worker ${index + 1} died with exit code ${code}`
        if (error !== undefined) stop()
        if (--alive > 0) return
        clearTimeout(exitTimer)
        resolve(error)
      })
    })
  })
  function start(at: number): void {
    // The signal to stop is never overwritten, not even before the start.
    if (stopped || alive === 0) return
    for (const slab of slabs) slab.instants[instant.start] = at + sharedOffsetMs()
    signal(control.start)
    startAt = at
    if (plan.workers.some(({ awaitsOthers }) => awaitsOthers)) void releaseAll()
    terminateAfter(at - monotonicClock.now() + plan.lengthMs + exitMsMax)
  }
  /** Workers that are done with their own requests wait for those of the others, until all are. */
  async function releaseAll(): Promise<void> {
    await whenReached(slabs, state.closed, closedPollMs, () => alive === 0)
    signal(control.stop)
  }
  function extend(): void {
    if (stopped || alive === 0) return
    for (const slab of slabs) Atomics.store(slab.fields, field.extensionMs, plan.extensionMs)
    terminateAfter(startAt - monotonicClock.now() + plan.lengthMs + plan.extensionMs + exitMsMax)
  }

  return { slabs, ready, ended, start, extend, stop }
}

function startWorker(workerFile: string, plan: WorkerPlan, { memory }: Slab): Worker {
  const workerData: WorkerStart = { plan, memory }
  const resourceLimits = { maxYoungGenerationSizeMb: youngGenerationMb }
  return new Worker(workerFile, { workerData, resourceLimits, name: `volley worker ${plan.index + 1}` })
}

/** Resolves as soon as all workers are that far, or have exited. */
function whenReached(
  slabs: readonly Slab[],
  value: number,
  everyMs: number,
  haveAllExited: () => boolean,
): Promise<void> {
  return new Promise(resolve => {
    const poll = setInterval(() => {
      if (!haveAllExited() && !slabs.every(slab => hasReached(slab, value))) return
      clearInterval(poll)
      resolve()
    }, everyMs)
  })
}

function hasReached(slab: Slab, value: number): boolean {
  return Atomics.load(slab.fields, field.state) >= value
}
