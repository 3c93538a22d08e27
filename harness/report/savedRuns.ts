import type { Stats } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { reasonOf, UserError } from '../errors.ts'
import { list } from '../invalidValue.ts'
import { reportPath } from './save.ts'

/** The folders that are looked at in a folder of runs: the last by name, which begins with the time of a run. */
const runsMax = 10_000
const foldersShownMax = 5

/** The name that `run` gives to the folder of a run: its time, and a number after it if several began in that second. */
const runName = /^(\d{4}-\d\d-\d\dT)(\d\d)-(\d\d)-(\d\d)Z(?:-(\d+))?$/

/**
 * What `readReport` is to read for an argument of a command: a report file or the folder of a run as it is, and of a
 * folder of runs, such as reports/echo, the last one. A UserError where a folder has no run.
 */
export async function savedRun(path: string): Promise<string> {
  const runs = await runsIn(path)
  if (runs === undefined) return path
  return runs.at(-1) ?? (await refuse(path))
}

/** The last two runs of a folder of runs, the older first; a UserError where there are not two. */
export async function lastTwoRuns(path: string): Promise<readonly [string, string]> {
  const runs = await runsIn(path)
  if (runs === undefined) {
    throw new UserError(
      [{ place: path, message: 'is one run; compare needs two reports or more' }],
      'name another run after it, or a folder of runs such as reports/echo',
    )
  }
  if (runs.length === 0) return refuse(path)
  if (runs.length === 1) {
    throw new UserError(
      [{ place: path, message: 'has one run; compare needs two reports or more' }],
      'run the scenario again',
    )
  }
  return [runs.at(-2)!, runs.at(-1)!]
}

/** The folders of the finished runs in a folder, by their time; undefined where the path is a file, missing, or one run. */
async function runsIn(path: string): Promise<string[] | undefined> {
  if (!(await statOf(path))?.isDirectory() || (await statOf(reportPath(path)))) return undefined
  const names = (await readdir(path)).sort().slice(-runsMax)
  const found = await Promise.all(
    names.map(async name => {
      const saved = await statOf(reportPath(join(path, name)))
      return saved === undefined ? [] : [{ folder: join(path, name), ...orderOf(name, saved) }]
    }),
  )
  return found
    .flat()
    .sort((a, b) => a.timeMs - b.timeMs || a.number - b.number)
    .map(({ folder }) => folder)
}

/** When a run began, as its name says; of another name when its report was written. */
function orderOf(name: string, saved: Stats): { readonly timeMs: number; readonly number: number } {
  const [, day, hours, minutes, seconds, number = '1'] = runName.exec(name) ?? []
  if (day === undefined) return { timeMs: saved.mtimeMs, number: 1 }
  return { timeMs: Date.parse(`${day}${hours}:${minutes}:${seconds}Z`), number: Number(number) }
}

async function refuse(path: string): Promise<never> {
  const fault = (message: string, hint: string) => new UserError([{ place: path, message }], hint)
  if (await statOf(join(path, 'journal.ndjson'))) {
    throw fault('has no report.json: its run did not end', 'its seconds are in journal.ndjson')
  }
  const folders: string[] = []
  for (const name of (await readdir(path)).sort().slice(0, runsMax)) {
    if (folders.length === foldersShownMax) break
    const inside = (await statOf(join(path, name)))?.isDirectory() ? await runsIn(join(path, name)) : []
    if (inside !== undefined && inside.length > 0) folders.push(join(path, name))
  }
  if (folders.length > 0) throw fault('has no runs, but folders of runs', `name one of them: ${list(folders, 'or')}`)
  throw fault('has no runs', 'name a report.json, the folder of a run, or a folder of runs such as reports/echo')
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new UserError([{ place: path, message: `cannot be read: ${reasonOf(error)}` }])
  }
}
