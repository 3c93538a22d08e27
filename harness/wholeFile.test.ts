import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { InvalidValue } from './invalidValue.ts'
import {
  createWholeSync,
  linkIfFree,
  readBounded,
  readBoundedSync,
  readStartSync,
  writeWhole,
  writeWholeSync,
} from './wholeFile.ts'

let folder: string
let path: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'volley-whole-'))
  path = join(folder, 'file')
})

afterEach(() => {
  rmSync(folder, { recursive: true })
})

const bounds = { what: 'a list', bytesMax: 1024 }

describe.each([
  ['readBounded()', readBounded],
  ['readBoundedSync()', async (...args: Parameters<typeof readBoundedSync>) => readBoundedSync(...args)],
])('%s', (_, read) => {
  it('reads a file up to the bound', async () => {
    for (const bytes of [0, 1, 1024]) {
      writeFileSync(path, 'x'.repeat(bytes))
      expect((await read(path, bounds)).toString()).toBe('x'.repeat(bytes))
    }
  })

  it('refuses a larger file', async () => {
    writeFileSync(path, 'x'.repeat(1025))
    await expect(read(path, bounds)).rejects.toThrow(new InvalidValue('a list of at most 1 KiB', 'more'))
  })

  it('refuses pipes, devices and folders, without waiting for the other end of a pipe', async () => {
    execFileSync('mkfifo', [path])
    await expect(read(path, bounds)).rejects.toThrow(new InvalidValue('a list', 'a pipe or a device'))
    await expect(read('/dev/zero', bounds)).rejects.toThrow(new InvalidValue('a list', 'a pipe or a device'))
    await expect(read(folder, { ...bounds, pipes: true })).rejects.toThrow(new InvalidValue('a list', 'a folder'))
  })

  it('reads a device where it may, and no more of it than the bound', async () => {
    expect(await read('/dev/null', { ...bounds, pipes: true })).toHaveLength(0)
    await expect(read('/dev/zero', { ...bounds, pipes: true })).rejects.toThrow(
      new InvalidValue('a list of at most 1 KiB', 'more'),
    )
  })

  it('reads a file whose size the kernel reports as 0', async () => {
    expect((await read('/proc/self/status', { ...bounds, bytesMax: 65_536 })).toString()).toMatch(/^Name:/)
    await expect(read('/proc/self/status', { ...bounds, bytesMax: 10 })).rejects.toThrow(InvalidValue)
  })

  it('throws the error of the system for a file that is not there', async () => {
    await expect(read(path, bounds)).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe('readBounded()', () => {
  it('reads files of many chunks', async () => {
    writeFileSync(path, 'ab')
    truncateSync(path, 1_000_000)
    const bytes = await readBounded(path, { ...bounds, bytesMax: 1_000_000 })
    expect([bytes.length, bytes.toString('latin1', 0, 3)]).toEqual([1_000_000, 'ab\0'])
  })
})

describe('readStartSync()', () => {
  it('reads the first bytes, or all', () => {
    writeFileSync(path, 'hello')
    expect(readStartSync(path, 4).toString()).toBe('hell')
    expect(readStartSync(path, 6).toString()).toBe('hello')
  })
})

describe.each([
  ['writeWhole()', (to: string, text: string) => writeWhole(to, text)],
  ['writeWhole(), durable,', (to: string, text: string) => writeWhole(to, text, { durable: true })],
  ['writeWholeSync()', async (to: string, text: string) => writeWholeSync(to, text)],
])('%s', (_, write) => {
  it('creates and replaces a file, and leaves nothing else behind', async () => {
    await write(path, 'first')
    await write(path, 'second')
    expect(readFileSync(path, 'utf8')).toBe('second')
    expect(readdirSync(folder)).toEqual(['file'])
  })

  it('replaces a link, and leaves the file that it points to', async () => {
    const other = join(folder, 'other')
    writeFileSync(other, 'precious')
    symlinkSync(other, path)
    await write(path, 'text')
    expect([readFileSync(path, 'utf8'), readFileSync(other, 'utf8')]).toEqual(['text', 'precious'])
  })

  it('leaves the old file and no temporary file when it fails', async () => {
    mkdirSync(join(path, 'in-the-way'), { recursive: true })
    await expect(write(path, 'text')).rejects.toMatchObject({ code: expect.stringMatching(/EISDIR|ENOTEMPTY|EEXIST/) })
    expect(readdirSync(folder)).toEqual(['file'])
    await expect(write(join(folder, 'none', 'file'), 'text')).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe('createWholeSync()', () => {
  it('creates a file with its text', () => {
    expect(createWholeSync(path, 'text')).toBe(true)
    expect(readFileSync(path, 'utf8')).toBe('text')
    expect(readdirSync(folder)).toEqual(['file'])
  })

  it('leaves a file that is there already, and links too', () => {
    writeFileSync(path, 'old')
    chmodSync(path, 0o400)
    expect(createWholeSync(path, 'new')).toBe(false)
    expect(readFileSync(path, 'utf8')).toBe('old')
    symlinkSync(join(folder, 'nowhere'), join(folder, 'link'))
    expect(createWholeSync(join(folder, 'link'), 'new')).toBe(false)
    expect(readdirSync(folder).sort()).toEqual(['file', 'link'])
  })

  it('throws the error of the system where it cannot write', () => {
    expect(() => createWholeSync(join(folder, 'none', 'file'), '')).toThrow(/ENOENT/)
  })
})

describe('linkIfFree()', () => {
  it('gives a file a second name, unless that is taken', () => {
    writeFileSync(path, 'text')
    const other = join(folder, 'other')
    expect([linkIfFree(path, other), linkIfFree(path, other)]).toEqual([true, false])
    expect(readFileSync(other, 'utf8')).toBe('text')
    expect(() => linkIfFree(join(folder, 'none'), join(folder, 'new'))).toThrow(/ENOENT/)
  })
})
