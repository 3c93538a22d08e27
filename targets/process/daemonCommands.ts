import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { exitCode, UserError } from '../../harness/errors.ts'
import { answerMsMax } from '../server/managedServer.ts'
import { type DaemonState, isAlive, readPidFile } from './pidFile.ts'
import { daemonNames, pidFileOf } from './runtimeFolder.ts'

/** How long a server may take to exit, after the time for its pending requests, and new processes to serve. */
const stopMsMax = answerMsMax + 10_000
const reloadMsMax = 60_000
const pollMs = 20

/** The commands for a server in the background. */
export const daemonCommands = ['stop', 'reload', 'status'] as const

export type DaemonCommand = (typeof daemonCommands)[number]

/**
 * Which server a command is for: the one with this pid file, with this name (`tlv-8080`, or `tlv` where there is only one),
 * or the only one.
 */
export interface DaemonQuery {
  readonly name?: string | undefined
  readonly pidFile?: string | undefined
  /** The folder of pid files. */
  readonly folder: string
}

type Print = (line: string) => void

/** Runs a command and prints its outcome; throws a UserError if there is no such server, or it does not obey. */
export async function runDaemonCommand(command: DaemonCommand, query: DaemonQuery, print: Print): Promise<number> {
  if (command === 'status') return printStatus(query, print)
  const { path, state } = find(query)
  const what = `${state.target} server on ${state.address}, process ${state.pid}`
  print(await (command === 'stop' ? stop(path, state, what) : reload(path, state, what)))
  return exitCode.pass
}

async function stop(path: string, state: DaemonState, what: string): Promise<string> {
  signal(state, 'SIGTERM')
  const hasExited = await within(stopMsMax, () => !isAlive(state))
  if (!hasExited) {
    throw new UserError(
      `the ${what}, has not finished after ${stopMsMax / 1000} s; "kill ${state.pid}" stops it at once`,
    )
  }
  if (readPidFile(path)?.pid === state.pid) {
    throw new UserError(`the ${what}, has exited but left ${path}: it did not stop gracefully`)
  }
  return `stopped the ${what}`
}

async function reload(path: string, before: DaemonState, what: string): Promise<string> {
  let state: DaemonState | undefined = before
  signal(before, 'SIGHUP')
  const isDone = await within(reloadMsMax, () => {
    state = readPidFile(path)
    if (state === undefined || !isAlive(before)) throw new UserError(`the ${what}, exited in the meantime`)
    return state.reloads > before.reloads && !state.isReloading
  })
  if (!isDone) throw new UserError(`the ${what}, has not reloaded within ${reloadMsMax / 1000} s`)
  if (state.reloadError !== undefined) {
    throw new UserError(`the ${what}, has not reloaded and continues with its old processes: ${state.reloadError}`)
  }
  const { serving, finishing, target, address } = state
  return `reloaded the ${target} server on ${address}: serving ${listOf(serving)}, finishing ${listOf(finishing)}`
}

function printStatus(query: DaemonQuery, print: Print): number {
  const isOne = query.name !== undefined || query.pidFile !== undefined
  const found = isOne ? [find(query)] : running(query.folder)
  if (found.length === 0) throw new UserError(`no server runs in the background: no pid file in ${query.folder}`)
  for (const { path, state } of found) {
    const { target, address, pid, serving, finishing, reloads, startedAt, logFile } = state
    const reloaded = `${reloads} ${reloads === 1 ? 'reload' : 'reloads'}`
    print(`${target} on ${address}   process ${pid}, since ${startedAt}, ${reloaded}`)
    print(`  serving ${listOf(serving)}, finishing ${listOf(finishing)}`)
    print(`  pid file ${path}, log file ${logFile}`)
  }
  return exitCode.pass
}

interface Found {
  readonly path: string
  readonly state: DaemonState
}

/** The one running server that a query describes. */
function find({ name, pidFile, folder }: DaemonQuery): Found {
  if (pidFile !== undefined) return alive(resolve(pidFile))
  const all = running(folder)
  const exact = all.filter(({ path }) => name !== undefined && path === pidFileOf(folder, name))
  const fitting = all.filter(({ state }) => name === undefined || state.target === name)
  const candidates = exact.length > 0 ? exact : fitting
  if (candidates.length === 1) return candidates[0]!
  const which = name === undefined ? 'server' : `server "${name}"`
  if (candidates.length === 0) {
    throw new UserError(`no ${which} runs in the background: no pid file in ${folder}; --pid-file names another`)
  }
  const names = candidates.map(({ path }) => path.slice(folder.length + 1, -'.pid'.length))
  throw new UserError(`there are several: choose one of ${names.join(', ')}`)
}

function alive(path: string): Found {
  const state = readPidFile(path)
  if (state === undefined) throw new UserError(`no server runs in the background by ${path}: there is no such file`)
  if (!isAlive(state)) throw new UserError(`${path} was left by process ${state.pid}, which has exited`)
  return { path, state }
}

/** Every running server with a pid file in the folder; files that are not pid files are ignored. */
function running(folder: string): Found[] {
  return daemonNames(folder).flatMap(name => {
    const path = pidFileOf(folder, name)
    try {
      const state = readPidFile(path)
      return state !== undefined && isAlive(state) ? [{ path, state }] : []
    } catch {
      return []
    }
  })
}

function signal({ pid }: DaemonState, name: 'SIGTERM' | 'SIGHUP'): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    const isOthers = (error as NodeJS.ErrnoException).code === 'EPERM'
    throw new UserError(`process ${pid} ${isOthers ? 'belongs to another user' : 'has exited'}`)
  }
}

async function within(milliseconds: number, condition: () => boolean): Promise<boolean> {
  const deadline = performance.now() + milliseconds
  while (!condition()) {
    if (performance.now() > deadline) return false
    await sleep(pollMs)
  }
  return true
}

function listOf(pids: readonly number[]): string {
  return pids.length === 0 ? 'none' : pids.join(', ')
}
