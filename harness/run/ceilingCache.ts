import { mkdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { z } from 'zod'
import { readBounded, writeWhole } from '../wholeFile.ts'

const cacheFile = 'ceilings.json'
const fileBytesMax = 1024 * 1024
const entriesMax = 200
const ageMsMax = 7 * 24 * 3_600_000
const keyCharactersMax = 200

const cacheSchema = z.object({
  ceilings: z.record(
    z.string().max(keyCharactersMax),
    z.object({ perSecond: z.number().positive(), measuredAt: z.iso.datetime() }),
  ),
})

type Ceilings = z.infer<typeof cacheSchema>['ceilings']

/** The cache folder: `$XDG_CACHE_HOME/volley`, or `~/.cache/volley`. */
export function cacheFolderOf(environment: Readonly<Record<string, string | undefined>>): string {
  const home = environment['XDG_CACHE_HOME']
  // A relative path must be ignored (XDG Base Directory Specification).
  return join(home !== undefined && isAbsolute(home) ? home : join(homedir(), '.cache'), 'volley')
}

/** The ceiling under the key, in requests a second; undefined where none was measured in the last seven days. */
export async function readCeiling(folder: string, key: string, now: Date): Promise<number | undefined> {
  const kept = (await readAll(folder))[key]
  return kept !== undefined && isFresh(kept.measuredAt, now) ? kept.perSecond : undefined
}

/**
 * Stores a ceiling under the key; the oldest of more than 200 entries are removed. A cache that cannot be written stays
 * unchanged: the ceiling is then measured again the next time.
 */
export async function keepCeiling(folder: string, key: string, perSecond: number, now: Date): Promise<void> {
  const others = Object.entries(await readAll(folder)).filter(([name]) => name !== key)
  const kept = others
    .filter(([, { measuredAt }]) => isFresh(measuredAt, now))
    .sort(([, a], [, b]) => b.measuredAt.localeCompare(a.measuredAt))
    .slice(0, entriesMax - 1)
  const ceilings = Object.fromEntries([[key, { perSecond, measuredAt: now.toISOString() }], ...kept])
  try {
    await makeFolder(dirname(folder))
    await makeFolder(folder)
    await writeWhole(join(folder, cacheFile), `${JSON.stringify({ ceilings }, undefined, 2)}\n`)
  } catch {
    // Without a cache the ceiling is measured again.
  }
}

async function readAll(folder: string): Promise<Ceilings> {
  try {
    const bytes = await readBounded(join(folder, cacheFile), { what: 'a cache', bytesMax: fileBytesMax })
    return cacheSchema.parse(JSON.parse(bytes.toString())).ceilings
  } catch {
    return {}
  }
}

/** A time in the future was written by a wrong clock, so it is not fresh. */
function isFresh(measuredAt: string, now: Date): boolean {
  const ageMs = now.getTime() - Date.parse(measuredAt)
  return ageMs >= 0 && ageMs <= ageMsMax
}

/** Creates a folder, not its parents: at most `.cache` and the folder in it are created. */
async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
}
