import { mkdir, open, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { messageOf, reasonOf, UserError } from '../errors.ts'
import { InvalidValue } from '../invalidValue.ts'
import { readBounded, temporaryPath, writeWhole } from '../wholeFile.ts'
import type { Report } from './record.ts'
import { checkReport } from './schema.ts'

const reportFile = 'report.json'
const reportBytesMax = 64 * 1024 * 1024
const sameSecondMax = 1000

/** Creates the folder of a run and makes sure that files can be written in it; UserError otherwise. */
export async function prepareFolder(folder: string): Promise<void> {
  const trial = temporaryPath(join(folder, reportFile))
  try {
    await makeFolders(folder)
    // Written for real: rights alone tell nothing of a full or a read-only file system.
    const file = await open(trial, 'wx')
    await file.writeFile('volley\n')
    await file.close()
  } catch (error) {
    throw new UserError(
      `cannot write reports to ${folder}: ${reasonOf(error)}`,
      'name another folder with --out, or free the way to this one',
    )
  } finally {
    await rm(trial, { force: true }).catch(() => {})
  }
}

/** Creates `<base>/<name>/<UTC time>`, with a number behind it where another run has begun in the same second; its path. */
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
      if (await isNew(folder)) return folder
    }
  } catch (error) {
    throw new UserError(`cannot write reports to ${parent}: ${reasonOf(error)}`, 'name another folder with --out')
  }
  throw new UserError(`${parent} has ${sameSecondMax} reports of one second`, 'name another folder with --out')
}

/** Writes report.json into a folder, whole or not at all; its path. */
export async function writeReport(report: Report, folder: string): Promise<string> {
  const path = join(folder, reportFile)
  try {
    await writeWhole(path, `${JSON.stringify(report, undefined, 2)}\n`, { durable: true })
  } catch (error) {
    throw new UserError(`cannot write ${path}: ${reasonOf(error)}`)
  }
  return path
}

/** Reads a report back; of a folder its report.json. UserError when it is not there, not a report, or not whole. */
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

/** Node's own recursive mkdir never comes back where a link leads nowhere, nor below /proc. */
async function makeFolders(folder: string): Promise<void> {
  if (await isNewOrThere(folder)) return
  const parent = dirname(resolve(folder))
  if (parent !== resolve(folder)) await makeFolders(parent)
  await isNew(folder)
}

/** Whether the folder is there, now or already; false where the one above it is missing. */
async function isNewOrThere(folder: string): Promise<boolean> {
  try {
    if (await isNew(folder)) return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
  if ((await stat(folder)).isDirectory()) return true
  throw Object.assign(new Error('file in the way'), { code: 'EEXIST' })
}

async function isNew(folder: string): Promise<boolean> {
  try {
    await mkdir(folder)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** A folder name out of a scenario's: no separators, and nothing that leads out of the reports. */
function safeName(name: string): string {
  const safe = name.replace(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^[.-]+/, '')
  return safe.slice(0, 100) || 'run'
}
