import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { exitCode, UserError } from '../../harness/errors.ts'
import { answerMsMax } from '../server/managedServer.ts'
import { type DaemonState, isAlive, readPidFile } from './pidFile.ts'
import { daemonNames, pidFileOf, runtimeFolder } from './runtimeFolder.ts'

/** How long a server may take to be gone once it has answered what is in hand, and new processes to serve. */
const stopMsMax = answerMsMax + 10_000
const reloadMsMax = 60_000
const pollMs = 20

/** What can be done with a server in the background. */
export const daemonCommands = ['stop', 'reload', 'status'] as const

export type DaemonCommand = (typeof daemonCommands)[number]

/** Which server is meant: by its pid file, by its name (`tlv-8080`, or `tlv` where there is one of them), or the only one. */
export interface Meant {
  readonly name?: string | undefined
  readonly pidFile?: string | undefined
}

type Print = (line: string) => void

/** Does it, and prints what came of it; throws a UserError when there is no such server, or it does not do as told. */
export async function runDaemonCommand(command: DaemonCommand, meant: Meant, print: Print): Promise<number> {
  if (command === 'status') return printStatus(meant, print)
  const { path, state } = find(meant)
  const what = `${state.target} server on ${state.address}, process ${state.pid}`
  print(await (command === 'stop' ? stop(path, state, what) : reload(path, state, what)))
  return exitCode.pass
}

async function stop(path: string, state: DaemonState, what: string): Promise<string> {
  signal(state, 'SIGTERM')
  const isGone = await within(stopMsMax, () => !isAlive(state))
  if (!isGone) {
    throw new UserError(
      `the ${what}, still finishes its work after ${stopMsMax / 1000} s; "kill ${state.pid}" ends it at once`,
    )
  }
  if (readPidFile(path)?.pid === state.pid) {
    throw new UserError(`the ${what}, is gone, but has left ${path}: it ended otherwise than asked`)
  }
  return `stopped the ${what}`
}

async function reload(path: string, before: DaemonState, what: string): Promise<string> {
  let state: DaemonState | undefined = before
  signal(before, 'SIGHUP')
  const isDone = await within(reloadMsMax, () => {
    state = readPidFile(path)
    if (state === undefined || !isAlive(before)) throw new UserError(`the ${what}, ended in the meantime`)
    return state.reloads > before.reloads && !state.isReloading
  })
  if (!isDone) throw new UserError(`the ${what}, has not reloaded within ${reloadMsMax / 1000} s`)
  if (state.reloadError !== undefined) {
    throw new UserError(`the ${what}, has not reloaded and goes on as it was: ${state.reloadError}`)
  }
  const { serving, finishing, target, address } = state
  return `reloaded the ${target} server on ${address}: serving ${listOf(serving)}, finishing ${listOf(finishing)}`
}

function printStatus(meant: Meant, print: Print): number {
  const isOne = meant.name !== undefined || meant.pidFile !== undefined
  const found = isOne ? [find(meant)] : all().filter(({ state }) => isAlive(state))
  if (found.length === 0) throw new UserError(`no server is in the background, by the pid files in ${runtimeFolder()}`)
  for (const { path, state } of found) {
    const { target, address, pid, serving, finishing, reloads, startedAt, logFile } = state
    print(
      `${target} on ${address}   process ${pid}, since ${startedAt}, ${reloads} ${reloads === 1 ? 'reload' : 'reloads'}`,
    )
    print(`  serving ${listOf(serving)}, finishing ${listOf(finishing)}`)
    print(`  pid file ${path}, log file ${logFile}`)
  }
  return exitCode.pass
}

interface Found {
  readonly path: string
  readonly state: DaemonState
}

/** The one server that is meant, alive. */
function find({ name, pidFile }: Meant): Found {
  if (pidFile !== undefined) return alive(resolve(pidFile))
  const running = all().filter(({ state }) => isAlive(state))
  const exact = running.filter(({ path }) => name !== undefined && path === pidFileOf(runtimeFolder(), name))
  const fitting = running.filter(({ state }) => name === undefined || state.target === name)
  const candidates = exact.length > 0 ? exact : fitting
  if (candidates.length === 1) return candidates[0]!
  const which = name === undefined ? 'server' : `server "${name}"`
  if (candidates.length === 0) {
    throw new UserError(
      `no ${which} is in the background, by the pid files in ${runtimeFolder()}; --pid-file names another`,
    )
  }
  const names = candidates.map(({ path }) => path.slice(runtimeFolder().length + 1, -'.pid'.length))
  throw new UserError(`there are several: name one of ${names.join(', ')}`)
}

function alive(path: string): Found {
  const state = readPidFile(path)
  if (state === undefined) throw new UserError(`no server is in the background by ${path}: there is no such file`)
  if (!isAlive(state)) throw new UserError(`${path} was left by process ${state.pid}, which is gone`)
  return { path, state }
}

/** Every server that has a pid file in the runtime folder; files that are none are passed over. */
function all(): Found[] {
  return daemonNames().flatMap(name => {
    const path = pidFileOf(runtimeFolder(), name)
    try {
      const state = readPidFile(path)
      return state === undefined ? [] : [{ path, state }]
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
    throw new UserError(`process ${pid} ${isOthers ? 'is that of another user' : 'is gone'}`)
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
