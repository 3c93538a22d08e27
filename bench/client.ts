import { setTimeout as sleep } from 'node:timers/promises'
import { createCpuMeter } from '../harness/host/processes.ts'
import type { Child, Command, Processes } from './processes.ts'

const meterMs = 20
const overtimeMs = 15_000
const errorTextMax = 200

/** The result of a client that ran to its end. */
export interface ClientRun {
  readonly stdout: string
  /** Cores that the whole process used over the window, user and system time. */
  readonly cores: number
}

/** The part of a client's run over which its CPU time is read. */
export interface Window {
  /** From its start until its connections are open and its code is compiled. */
  readonly leadMs: number
  readonly lengthMs: number
}

/** Runs a client to its end; throws with its output if it fails or ends before its CPU time could be read. */
export async function runClient(processes: Processes, command: Command, window: Window): Promise<ClientRun> {
  const child = processes.start(command, { lifeMs: window.leadMs + window.lengthMs + overtimeMs })
  const cores = await coresOver(child, window)
  await finished(child)
  if (cores === undefined) throw new Error('the client ended before its CPU time could be read')
  return { stdout: child.stdout(), cores }
}

/** Waits for a program's end; throws with its output unless its exit code is in `codes`. */
export async function finished(child: Child, codes: readonly number[] = [0]): Promise<void> {
  const end = await child.ended
  if (typeof end === 'number' && codes.includes(end)) return
  const output = (child.stderr().trim() || child.stdout().trim()).replace(/\s+/g, ' ').slice(0, errorTextMax)
  const how = typeof end === 'number' ? `exit code ${end}` : end
  throw new Error(output === '' ? how : `${output} (${how})`)
}

/** Runs a program and returns what it prints; throws as `finished` does. */
export async function runForText(processes: Processes, command: Command, lengthMs: number): Promise<string> {
  const child = processes.start(command, { lifeMs: lengthMs + overtimeMs })
  await finished(child)
  return child.stdout()
}

/**
 * Cores that a process uses over a window, read from /proc in the same way for every client: neither the start of Node
 * nor the arithmetic after the last request is counted for any. Undefined if it cannot be read.
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
