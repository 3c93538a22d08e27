import { renameSync, rmSync } from 'node:fs'
import { UserError } from '../../harness/errors.ts'
import { InvalidValue } from '../../harness/invalidValue.ts'
import { processStart } from '../../harness/processStart.ts'
import { createWholeSync, linkIfFree, readBoundedSync, writeWholeSync } from '../../harness/wholeFile.ts'

const fileBytesMax = 64 * 1024
const claimsMax = 5

/** The content of a pid file: the state of a server in the background. */
export interface DaemonState {
  readonly pid: number
  /** Distinguishes the process from a later one with the same id. */
  readonly start: string
  /** Which server: `tlv`. */
  readonly target: string
  readonly address: string
  readonly logFile: string
  readonly startedAt: string
  /** Ids of the processes that accept connections, and of old processes that finish theirs. */
  readonly serving: readonly number[]
  readonly finishing: readonly number[]
  /** Reloads that have succeeded or failed; `reloadError` says why the last one failed. */
  readonly reloads: number
  readonly isReloading: boolean
  readonly reloadError?: string
}

/** The pid file of this process: the process id on the first line, as usual, and the whole state as JSON on the second. */
export class PidFile {
  readonly path: string
  #state: DaemonState

  private constructor(path: string, state: DaemonState) {
    this.path = path
    this.#state = state
  }

  /**
   * Creates the file atomically. Throws a UserError when it belongs to a running process or is not a pid file of volley. A
   * file left by a process that has exited is replaced, and `note` is called.
   */
  static claim(path: string, state: DaemonState, note: (text: string) => void): PidFile {
    for (let attempt = 0; attempt < claimsMax; attempt++) {
      if (create(path, state)) return new PidFile(path, state)
      const found = readPidFile(path)
      if (found === undefined) continue
      refuseRunning(path, found)
      // Moved away and read again: by now it may be the file of another process that was faster.
      const aside = `${path}.${process.pid}.stale`
      renameSync(path, aside)
      const moved = readPidFile(aside)
      if (moved !== undefined && isAlive(moved)) linkIfFree(aside, path)
      else note(`${path} was left by process ${found.pid}, which has exited: it is replaced`)
      rmSync(aside, { force: true })
    }
    throw new UserError(`${path} cannot be created: other processes create it all the time`)
  }

  /** Changes the state in the file, atomically. Throws when it cannot be written. */
  update(change: Partial<DaemonState>): void {
    const { reloadError: _, ...state } = this.#state
    this.#state = { ...state, ...change }
    writeWholeSync(this.path, textOf(this.#state))
  }

  /** Removes the file if it still belongs to this process. */
  remove(): void {
    const found = tryRead(this.path)
    if (found?.pid === process.pid) rmSync(this.path, { force: true })
  }
}

/** The state in a pid file; undefined when there is no file. Throws a UserError when it is not a pid file of volley. */
export function readPidFile(path: string): DaemonState | undefined {
  let text: string
  try {
    text = readBoundedSync(path, { what: 'a pid file', bytesMax: fileBytesMax }).toString()
  } catch (error) {
    if (error instanceof InvalidValue) throw new UserError(`${path} is not a pid file of volley: ${error.message}`)
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new UserError(`${path} cannot be read: ${(error as Error).message}`)
  }
  const [first, second] = text.split('\n')
  try {
    const state = JSON.parse(second ?? '') as DaemonState
    if (isState(state) && String(state.pid) === first) return state
  } catch {
    // Reported below.
  }
  throw new UserError(`${path} is not a pid file of volley: it is left unchanged`)
}

/** Whether the process that wrote the file still runs, rather than another one that got its id. */
export function isAlive({ pid, start }: DaemonState): boolean {
  return processStart(pid) === start
}

/** Throws a UserError when the file belongs to a running process. */
export function refuseRunning(path: string, state: DaemonState): void {
  if (!isAlive(state)) return
  const { target, address, pid } = state
  throw new UserError(
    `${path} belongs to the ${target} server on ${address}, process ${pid}, which is running: "volley serve stop --pid-file ${path}" stops it`,
  )
}

function tryRead(path: string): DaemonState | undefined {
  try {
    return readPidFile(path)
  } catch {
    return undefined
  }
}

/** Creates the file with the whole of its text at once; false when a file of that name exists. */
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
    // 0 and negative ids are groups of processes, 1 is the first process of the system.
    (pid as number) > 1 &&
    Number.isInteger(reloads) &&
    typeof isReloading === 'boolean' &&
    texts.every(text => typeof text === 'string') &&
    lists.every(list => Array.isArray(list) && list.every(Number.isInteger))
  )
}
