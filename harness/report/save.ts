import { mkdir, open, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { messageOf, reasonOf, UserError } from '../errors.ts'
import { InvalidValue } from '../invalidValue.ts'
import { readBounded, temporaryPath, writeWhole } from '../wholeFile.ts'
import { formats } from './formats/catalog.ts'
import type { Report } from './record.ts'
import { checkReport } from './schema.ts'

const reportFile = 'report.json'
const reportBytesMax = 64 * 1024 * 1024
const sameSecondMax = 1000

/** Where the report of a run in this folder is saved. */
export function reportPath(folder: string): string {
  return join(folder, reportFile)
}

/** Creates the folder of a run and checks that files can be written in it; throws a UserError otherwise. */
export async function prepareFolder(folder: string): Promise<void> {
  const trial = temporaryPath(join(folder, reportFile))
  try {
    await makeFolders(folder)
    // Permissions alone do not show a full or a read-only file system, so a file is written.
    const file = await open(trial, 'wx')
    await file.writeFile('volley\n')
    await file.close()
  } catch (error) {
    throw new UserError(
      `cannot write reports to ${folder}: ${reasonOf(error)}`,
      'name another folder with --out, or make this one writable',
    )
  } finally {
    await rm(trial, { force: true }).catch(() => {})
  }
}

/** Creates `<base>/<name>/<UTC time>`, with a number after it if another run has begun in that second; returns its path. */
export async function reportFolder(base: string, name: string, startedAt: Date): Promise<string> {
  const parent = join(base, safeName(name))
  const time = startedAt
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(':', '-')
  try {
    await makeFolders(parent)
    for (let attempt = 1; attempt <= sameSecondMax; attempt++) {
      const folder = join(parent, attempt === 1 ? time : `${time}-${attempt}`)
      if (await isCreated(folder)) return folder
    }
  } catch (error) {
    throw new UserError(`cannot write reports to ${parent}: ${reasonOf(error)}`, 'name another folder with --out')
  }
  throw new UserError(`${parent} already has ${sameSecondMax} reports of this second`, 'name another folder with --out')
}

/** Writes report.json into a folder, whole or not at all; returns its path. */
export async function writeReport(report: Report, folder: string): Promise<string> {
  const path = reportPath(folder)
  try {
    await writeWhole(path, formats.json.render(report), { durable: true })
  } catch (error) {
    throw new UserError(`cannot write ${path}: ${reasonOf(error)}`)
  }
  return path
}

/** Where a report was saved, or why it could not be. */
export interface Saved {
  readonly path?: string
  readonly saveError?: UserError
}

/** Writes a report into the folder of its run, if it has one. A run that has been made is not lost for want of a file. */
export async function saveReport(report: Report, folder: string | undefined): Promise<Saved> {
  if (folder === undefined) return {}
  try {
    return { path: await writeReport(report, folder) }
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return { saveError: error }
  }
}

/** A run was made, and its report could not be saved: here it is. */
export class UnsavedReport extends UserError {
  readonly report: Report

  constructor({ faults, hint }: UserError, report: Report) {
    super(faults, hint)
    this.report = report
  }
}

/** Reads a report, or the report.json of a folder; throws a UserError when it is missing or not a whole report. */
export async function readReport(path: string): Promise<Report> {
  const file = await fileOf(path)
  const text = await readText(file)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new UserError([{ place: file, message: `expected a report as "volley run" saves it: ${messageOf(error)}` }])
  }
  return checkReport(value, file)
}

async function fileOf(path: string): Promise<string> {
  try {
    return (await stat(path)).isDirectory() ? join(path, reportFile) : path
  } catch (error) {
    throw missing(path, error)
  }
}

async function readText(path: string): Promise<string> {
  try {
    return (await readBounded(path, { what: 'a report file', bytesMax: reportBytesMax })).toString()
  } catch (error) {
    if (error instanceof InvalidValue) throw new UserError([{ place: path, message: error.message }])
    throw missing(path, error)
  }
}

function missing(path: string, error: unknown): UserError {
  return new UserError(
    [{ place: path, message: `cannot read the report: ${reasonOf(error)}` }],
    'name a report.json, or the folder of a run',
  )
}

/** Node's own recursive mkdir never returns for a dangling link, nor below /proc. */
async function makeFolders(folder: string): Promise<void> {
  if (await existsOrIsCreated(folder)) return
  const parent = dirname(resolve(folder))
  if (parent !== resolve(folder)) await makeFolders(parent)
  await isCreated(folder)
}

/** Creates the folder unless it exists; false where its parent is missing. */
async function existsOrIsCreated(folder: string): Promise<boolean> {
  try {
    if (await isCreated(folder)) return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
  if ((await stat(folder)).isDirectory()) return true
  throw Object.assign(new Error('file in the way'), { code: 'EEXIST' })
}

async function isCreated(folder: string): Promise<boolean> {
  try {
    await mkdir(folder)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** A folder name made from a scenario's name: no separators, and nothing that leads out of the reports folder. */
function safeName(name: string): string {
  const safe = name.replace(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^[.-]+/, '')
  return safe.slice(0, 100) || 'run'
}
