import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, test } from 'vitest'
import { cacheFolderOf, keepCeiling, readCeiling } from './ceilingCache.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** The path of a cache folder that does not exist yet, and neither does its parent. */
function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'volley-'))
  folders.push(folder)
  return join(folder, 'cache', 'volley')
}

const today = new Date('2026-11-21T09:30:12Z')
const daysLater = (days: number) => new Date(today.getTime() + days * 86_400_000)
const fileOf = (folder: string) => join(folder, 'ceilings.json')

function writeCache(folder: string, text: string): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(fileOf(folder), text)
}

describe('readCeiling()', () => {
  it('finds a ceiling by its key', async () => {
    const folder = newFolder()
    await keepCeiling(folder, 'a', 210_000, today)
    await keepCeiling(folder, 'b', 1.5, daysLater(1))
    expect(await readCeiling(folder, 'a', daysLater(1))).toBe(210_000)
    expect(await readCeiling(folder, 'b', daysLater(1))).toBe(1.5)
    expect(await readCeiling(folder, 'c', daysLater(1))).toBeUndefined()
    expect(readdirSync(folder)).toEqual(['ceilings.json'])
  })
  it('ignores ceilings that are older than seven days, or from the future', async () => {
    const folder = newFolder()
    await keepCeiling(folder, 'a', 210_000, today)
    expect(await readCeiling(folder, 'a', daysLater(7))).toBe(210_000)
    expect(await readCeiling(folder, 'a', daysLater(7.01))).toBeUndefined()
    expect(await readCeiling(folder, 'a', daysLater(-1))).toBeUndefined()
  })
  it('finds nothing without a folder, or where something else has the place of the file', async () => {
    expect(await readCeiling(newFolder(), 'a', today)).toBeUndefined()
    const folder = newFolder()
    mkdirSync(fileOf(folder), { recursive: true })
    expect(await readCeiling(folder, 'a', today)).toBeUndefined()
  })
  it.each([
    'no json',
    '',
    '[]',
    '{"ceilings":{"a":5}}',
    '{"ceilings":{"a":{"perSecond":-1,"measuredAt":"2026-11-21T09:30:12Z"}}}',
    '{"ceilings":{"a":{"perSecond":1,"measuredAt":"yesterday"}}}',
  ])('ignores a file of %j, and replaces it at the next write', async text => {
    const folder = newFolder()
    writeCache(folder, text)
    expect(await readCeiling(folder, 'a', today)).toBeUndefined()
    await keepCeiling(folder, 'a', 7, today)
    expect(await readCeiling(folder, 'a', today)).toBe(7)
  })
  it('does not read a file that is too large', async () => {
    const folder = newFolder()
    await keepCeiling(folder, 'a', 7, today)
    // JSON allows trailing blanks, so only the size of the file is wrong.
    writeFileSync(fileOf(folder), `${readFileSync(fileOf(folder), 'utf8')}${' '.repeat(1024 * 1024)}`)
    expect(await readCeiling(folder, 'a', today)).toBeUndefined()
    truncateSync(fileOf(folder), 1024 * 1024)
    expect(await readCeiling(folder, 'a', today)).toBe(7)
  })
})

describe('keepCeiling()', () => {
  it('keeps no more than 200, and removes the oldest', async () => {
    const folder = newFolder()
    const entry = (index: number) => ({ perSecond: index + 1, measuredAt: daysLater(index / 1000).toISOString() })
    const ceilings = Object.fromEntries(Array.from({ length: 250 }, (_, index) => [`key ${index}`, entry(index)]))
    writeCache(folder, JSON.stringify({ ceilings }))
    await keepCeiling(folder, 'new', 7, daysLater(1))
    const kept = Object.keys(JSON.parse(readFileSync(fileOf(folder), 'utf8')).ceilings)
    expect(kept).toHaveLength(200)
    expect(await readCeiling(folder, 'new', daysLater(1))).toBe(7)
    expect(await readCeiling(folder, 'key 249', daysLater(1))).toBe(250)
    expect(await readCeiling(folder, 'key 51', daysLater(1))).toBe(52)
    expect(await readCeiling(folder, 'key 50', daysLater(1))).toBeUndefined()
  })
  it('removes ceilings that are too old to be read', async () => {
    const folder = newFolder()
    await keepCeiling(folder, 'a', 1, today)
    await keepCeiling(folder, 'b', 2, daysLater(8))
    expect(Object.keys(JSON.parse(readFileSync(fileOf(folder), 'utf8')).ceilings)).toEqual(['b'])
  })
  it('changes nothing where it cannot write', async () => {
    const folder = newFolder()
    mkdirSync(join(folder, '..'), { recursive: true })
    writeFileSync(folder, 'a file in the way')
    await keepCeiling(folder, 'a', 1, today)
    expect(statSync(folder).isFile()).toBe(true)
    await keepCeiling('/proc/volley/cache', 'a', 1, today)
    expect(await readCeiling('/proc/volley/cache', 'a', today)).toBeUndefined()
    // A folder has the file's name, so it cannot be written; no temporary file is left behind.
    const other = newFolder()
    mkdirSync(join(fileOf(other), 'full'), { recursive: true })
    await keepCeiling(other, 'a', 1, today)
    expect(readdirSync(other)).toEqual(['ceilings.json'])
  })
})

test('cacheFolderOf() follows the XDG specification', () => {
  expect(cacheFolderOf({ XDG_CACHE_HOME: '/var/cache' })).toBe('/var/cache/volley')
  const own = join(homedir(), '.cache', 'volley')
  expect(cacheFolderOf({})).toBe(own)
  expect(cacheFolderOf({ XDG_CACHE_HOME: '' })).toBe(own)
  expect(cacheFolderOf({ XDG_CACHE_HOME: 'not/absolute' })).toBe(own)
})
