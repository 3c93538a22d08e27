import { setTimeout as sleep } from 'node:timers/promises'
import { createCpuMeter } from '../harness/host/processes.ts'
import type { Child, Command, Processes } from './processes.ts'

const meterMs = 20
const overtimeMs = 15_000
const errorTextMax = 200

/** A client that ran to its end. */
export interface ClientRun {
  readonly stdout: string
  /** Cores that the whole process used over the window, user and system time. */
  readonly cores: number
}

/** The part of a client's run over which its CPU time is read. */
export interface Window {
  /** From its start until it is under way: connections open, code compiled. */
  readonly leadMs: number
  readonly lengthMs: number
}

/** Runs a client to its end; throws with what it said when it fails, or ends before its CPU could be read. */
export async function runClient(processes: Processes, command: Command, window: Window): Promise<ClientRun> {
  const child = processes.start(command, { lifeMs: window.leadMs + window.lengthMs + overtimeMs })
  const cores = await coresOver(child, window)
  await finished(child)
  if (cores === undefined) throw new Error('it ended before its CPU time could be read')
  return { stdout: child.stdout(), cores }
}

/** Waits for a program's end; throws with the last it said unless its exit code is 0, or one that is taken as well. */
export async function finished(child: Child, codes: readonly number[] = [0]): Promise<void> {
  const end = await child.ended
  if (typeof end === 'number' && codes.includes(end)) return
  const said = (child.stderr().trim() || child.stdout().trim()).replace(/\s+/g, ' ').slice(0, errorTextMax)
  const how = typeof end === 'number' ? `exit code ${end}` : end
  throw new Error(said === '' ? how : `${said} (${how})`)
}

/** Runs a program of which only what it prints is wanted; throws as `finished` does. */
export async function runForText(processes: Processes, command: Command, lengthMs: number): Promise<string> {
  const child = processes.start(command, { lifeMs: lengthMs + overtimeMs })
  await finished(child)
  return child.stdout()
}

/**
 * Cores in use by a process over a window, read from outside, from /proc: the same way for every client, so that
 * neither the start of Node nor the arithmetic after the last request is counted for one and not for the other.
 */
export async function coresOver(child: Child, { leadMs, lengthMs }: Window): Promise<number | undefined> {
  const meter = createCpuMeter({ pid: child.pid, group: false })
  if (await endsWithin(child, leadMs)) return undefined
  const before = meter()
  const beforeMs = performance.now()
  let after = before
  let afterMs = beforeMs
  while (performance.now() - beforeMs < lengthMs && !(await endsWithin(child, meterMs))) {
    const seconds = meter()
    if (seconds === undefined) break
    after = seconds
    afterMs = performance.now()
  }
  if (before === undefined || after === undefined || afterMs === beforeMs) return undefined
  return (after - before) / ((afterMs - beforeMs) / 1000)
}

async function endsWithin(child: Child, ms: number): Promise<boolean> {
  const timer = new AbortController()
  await Promise.race([child.ended, sleep(ms, undefined, { signal: timer.signal }).catch(() => {})])
  timer.abort()
  return child.hasEnded()
}
