import { renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { messageOf, reasonOf, UserError } from '../errors.ts'
import { InvalidValue } from '../invalidValue.ts'
import { processStart } from '../processStart.ts'
import { createWholeSync, linkIfFree, readBoundedSync } from '../wholeFile.ts'

const lockFile = '.volley.lock'
const fileBytesMax = 4096
const attemptsMax = 5
/** The lock is touched at times, as the processes of another machine cannot be looked at. */
const touchMs = 10_000
const untouchedMsMax = 60_000

/** A folder that only one run writes to. */
export interface FolderLock {
  release(): void
}

/** Whose lock it is; `start` tells the process from a later one with its id. */
interface Owner {
  readonly pid: number
  readonly start: string
  readonly host: string
}

/**
 * Keeps a folder for one run, as two would write into each other's journal; a UserError where another one has it. The lock of
 * a process that is dead does not count. A process that exits takes its locks with it.
 */
export function lockFolder(folder: string): FolderLock {
  const path = join(folder, lockFile)
  const own: Owner = { pid: process.pid, start: processStart(process.pid) ?? '', host: hostname() }
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    if (isCreated(path, `${JSON.stringify(own)}\n`, folder)) return held(path)
    const found = ownerOf(path)
    if (found === undefined) continue
    if (mayRun(found, path)) throw inUse(folder, path, found)
    takeAway(path)
  }
  throw new UserError(`cannot keep ${folder} for this run: other runs begin there all the time`)
}

function held(path: string): FolderLock {
  const touching = setInterval(() => touch(path), touchMs).unref()
  function release(): void {
    clearInterval(touching)
    process.off('exit', release)
    try {
      rmSync(path, { force: true })
    } catch {
      // The next run finds that the process is dead.
    }
  }
  process.on('exit', release)
  return { release }
}

function touch(path: string): void {
  const now = new Date()
  try {
    utimesSync(path, now, now)
  } catch {
    // The folder may be gone: saving the report says so.
  }
}

function isCreated(path: string, text: string, folder: string): boolean {
  try {
    return createWholeSync(path, text)
  } catch {
    // File systems without hard links can only create the file and fill it then.
  }
  try {
    writeFileSync(path, text, { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw new UserError(`cannot write reports to ${folder}: ${reasonOf(error)}`, 'name another folder with --out')
  }
}

/** The owner in a lock file; undefined when there is none any more. */
function ownerOf(path: string): Owner | undefined {
  try {
    const text = readBoundedSync(path, { what: 'a lock', bytesMax: fileBytesMax }).toString()
    const { pid, start, host } = JSON.parse(text)
    if (Number.isInteger(pid) && typeof start === 'string' && typeof host === 'string') return { pid, start, host }
    throw new InvalidValue('a lock')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new UserError(
      `${path} is no lock of volley: ${messageOf(error)}`,
      'remove it if no run writes to that folder',
    )
  }
}

function mayRun({ pid, start, host }: Owner, path: string): boolean {
  if (host === hostname()) return processStart(pid) === start
  try {
    return Date.now() - statSync(path).mtimeMs < untouchedMsMax
  } catch {
    return false
  }
}

/** Removes the lock of a dead process. Moved away and read again: by now it may be that of a run that was faster. */
function takeAway(path: string): void {
  const aside = `${path}.${process.pid}.stale`
  try {
    renameSync(path, aside)
  } catch {
    // Another run has taken it away.
    return
  }
  const moved = ownerOf(aside)
  if (moved !== undefined && mayRun(moved, aside)) linkIfFree(aside, path)
  rmSync(aside, { force: true })
}

function inUse(folder: string, path: string, { pid, host }: Owner): UserError {
  const where = host === hostname() ? '' : ` on ${host}`
  return new UserError(
    `another run writes to ${folder}: process ${pid}${where} (${path})`,
    'name another folder with --out, or wait until that run is over',
  )
}
