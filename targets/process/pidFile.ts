import { renameSync, rmSync } from 'node:fs'
import { UserError } from '../../harness/errors.ts'
import { InvalidValue } from '../../harness/invalidValue.ts'
import { createWholeSync, linkIfFree, readBoundedSync, writeWholeSync } from '../../harness/wholeFile.ts'
import { processStart } from './processStart.ts'

const fileBytesMax = 64 * 1024
const claimsMax = 5

/** What a server in the background tells of itself. */
export interface DaemonState {
  readonly pid: number
  /** What tells the process from a later one with the same id. */
  readonly start: string
  /** Which server: `tlv`. */
  readonly target: string
  readonly address: string
  readonly logFile: string
  readonly startedAt: string
  /** Process ids of the processes that take connections, and of old ones that finish theirs. */
  readonly serving: readonly number[]
  readonly finishing: readonly number[]
  /** Reloads that are over, in whatever way; and why the last one failed, if it did. */
  readonly reloads: number
  readonly isReloading: boolean
  readonly reloadError?: string
}

/** The pid file of this process: the process id on its first line, as is the custom, and the rest as JSON on its second. */
export class PidFile {
  readonly path: string
  #state: DaemonState

  private constructor(path: string, state: DaemonState) {
    this.path = path
    this.#state = state
  }

  /**
   * Makes the file, whole at once; throws a UserError when a process that is alive has it, or when it is no pid file of
   * ours. One left by a process that is gone is taken over, and `note` told.
   */
  static claim(path: string, state: DaemonState, note: (text: string) => void): PidFile {
    for (let attempt = 0; attempt < claimsMax; attempt++) {
      if (create(path, state)) return new PidFile(path, state)
      const found = readPidFile(path)
      if (found === undefined) continue
      refuseLiving(path, found)
      // Moved, and looked at again: by now it may be that of another one who came first.
      const aside = `${path}.${process.pid}.stale`
      renameSync(path, aside)
      const moved = readPidFile(aside)
      if (moved !== undefined && isAlive(moved)) linkIfFree(aside, path)
      else note(`${path} was left by process ${found.pid}, which is gone: it is taken over`)
      rmSync(aside, { force: true })
    }
    throw new UserError(`${path} cannot be had: others take it all the time`)
  }

  /** Has the file tell something new; it is whole at every moment. Throws when it cannot be written. */
  update(change: Partial<DaemonState>): void {
    const { reloadError: _, ...state } = this.#state
    this.#state = { ...state, ...change }
    writeWholeSync(this.path, textOf(this.#state))
  }

  /** Removes the file, if it is still ours. */
  remove(): void {
    const found = tryRead(this.path)
    if (found?.pid === process.pid) rmSync(this.path, { force: true })
  }
}

/** What a pid file tells; undefined when there is none. Throws a UserError when it is none of ours. */
export function readPidFile(path: string): DaemonState | undefined {
  let text: string
  try {
    text = readBoundedSync(path, { what: 'a pid file', bytesMax: fileBytesMax }).toString()
  } catch (error) {
    if (error instanceof InvalidValue) throw new UserError(`${path} is no pid file of volley: ${error.message}`)
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new UserError(`${path} cannot be read: ${(error as Error).message}`)
  }
  const [first, second] = text.split('\n')
  try {
    const state = JSON.parse(second ?? '') as DaemonState
    if (isState(state) && String(state.pid) === first) return state
  } catch {
    // Told below.
  }
  throw new UserError(`${path} is no pid file of volley: it is left as it is`)
}

/** Whether the process that wrote the file is still there, and not another one that was given its id. */
export function isAlive({ pid, start }: DaemonState): boolean {
  return processStart(pid) === start
}

/** Throws a UserError when the file is that of a process that is alive. */
export function refuseLiving(path: string, state: DaemonState): void {
  if (!isAlive(state)) return
  const { target, address, pid } = state
  throw new UserError(
    `${path} is that of the ${target} server on ${address}, process ${pid}, which is alive: "volley serve stop --pid-file ${path}" ends it`,
  )
}

function tryRead(path: string): DaemonState | undefined {
  try {
    return readPidFile(path)
  } catch {
    return undefined
  }
}

/** Creates the file, whole at once; false where there is one already. */
function create(path: string, state: DaemonState): boolean {
  try {
    return createWholeSync(path, textOf(state))
  } catch (error) {
    throw new UserError(`the pid file ${path} cannot be written: ${(error as Error).message}`)
  }
}

function textOf(state: DaemonState): string {
  return `${state.pid}\n${JSON.stringify(state)}\n`
}

function isState(state: Partial<Record<keyof DaemonState, unknown>> | null): boolean {
  if (typeof state !== 'object' || state === null) return false
  const { pid, reloads, isReloading } = state
  const texts = [state.start, state.target, state.address, state.logFile, state.startedAt]
  const lists = [state.serving, state.finishing]
  return (
    Number.isInteger(pid) &&
    // 0 and what is below stand for groups of processes, 1 for the first of all.
    (pid as number) > 1 &&
    Number.isInteger(reloads) &&
    typeof isReloading === 'boolean' &&
    texts.every(text => typeof text === 'string') &&
    lists.every(list => Array.isArray(list) && list.every(Number.isInteger))
  )
}
