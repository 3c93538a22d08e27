import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { UserError } from '../errors.ts'
import { createJournal, type JournalEntry, type JournalHeader, readJournal } from './journal.ts'
import { sampleReport } from './testing/samples.ts'

const { tool, scenario, target, seed, startedAt, transport, workers } = sampleReport
const header: JournalHeader = { tool, scenario, target, seed, startedAt, transport, workers }

function entry(second: number): JournalEntry {
  return { ...sampleReport.intervals[0]!, second, totals: sampleReport.totals }
}

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'volley-journal-'))
  path = join(folder, 'journal.ndjson')
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

async function faultOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.catch(reason => reason)
  expect(error).toBeInstanceOf(UserError)
  return (error as UserError).message.replaceAll(folder, '<folder>')
}

describe('createJournal()', () => {
  it('has each line in the file as soon as it is appended', async () => {
    const journal = createJournal(path, header)
    const lines = async () => (await readFile(path, 'utf8')).split('\n').slice(0, -1)
    expect((await lines()).map(line => JSON.parse(line).schema)).toEqual(['volley.journal/1'])
    journal.append(entry(1))
    expect((await lines()).length).toBe(2)
    journal.append(entry(2))
    expect((await lines()).map(line => JSON.parse(line).second)).toEqual([undefined, 1, 2])
    journal.close()
    journal.close()
    expect(journal.error()).toBeUndefined()
  })

  it('replaces a journal that exists', async () => {
    createJournal(path, header).close()
    const journal = createJournal(path, { ...header, seed: 8 })
    journal.close()
    expect((await readJournal(path)).header.seed).toBe(8)
  })

  it('refuses a file that cannot be written', () => {
    expect(() => createJournal(join(folder, 'gone', 'journal.ndjson'), header)).toThrow(UserError)
  })

  it('lets the run go on when the disk is full, and says so', () => {
    const journal = createJournal('/dev/full', header)
    journal.append(entry(1))
    journal.close()
    expect(journal.error()).toContain('ENOSPC')
  })
})

describe('readJournal()', () => {
  it('returns the entries that were written', async () => {
    const journal = createJournal(path, header)
    journal.append(entry(1))
    journal.append(entry(2))
    journal.close()
    expect(await readJournal(path)).toEqual({ header, entries: [entry(1), entry(2)], cut: false })
  })

  it('loses only the last line however it was cut off', async () => {
    const journal = createJournal(path, header)
    journal.append(entry(1))
    journal.append(entry(2))
    journal.close()
    const text = await readFile(path, 'utf8')
    const lastLine = text.lastIndexOf('\n', text.length - 2) + 1
    const whole = text.length - 1
    for (const end of [lastLine, lastLine + 1, lastLine + 40, whole - 1, whole]) {
      await writeFile(path, text.slice(0, end))
      const read = await readJournal(path)
      expect(read.entries.map(({ second }) => second)).toEqual(end === whole ? [1, 2] : [1])
      expect(read.cut).toBe(end > lastLine && end < whole)
    }
  })

  it('refuses a journal that is broken before its last line', async () => {
    const lines = [
      JSON.stringify({ schema: 'volley.journal/1', ...header }),
      '{"second": 1, "to',
      JSON.stringify(entry(2)),
    ]
    await writeFile(path, lines.join('\n'))
    expect(await faultOf(readJournal(path))).toBe('<folder>/journal.ndjson:2 expected one JSON object a line')
  })

  it('refuses a file that is not a journal', async () => {
    for (const text of ['', 'no json', '{"schema": "volley.report/1"}', '7\n8\n']) {
      await writeFile(path, text)
      expect(await faultOf(readJournal(path))).toMatch(/^<folder>\/journal.ndjson:1 expected /)
    }
    await writeFile(path, `${JSON.stringify({ schema: 'volley.journal/1', ...header })}\n{"other": 1}\n`)
    expect(await faultOf(readJournal(path))).toBe(
      '<folder>/journal.ndjson:2 expected a second of a run, with its totals',
    )
    expect(await faultOf(readJournal(join(folder, 'gone')))).toMatch(/^<folder>\/gone ENOENT/)
  })
})
