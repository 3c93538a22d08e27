import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { lastTwoRuns, savedRun } from './savedRuns.ts'

let base = ''
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'volley-'))
})
afterEach(() => {
  rmSync(base, { recursive: true, force: true })
})

/** A folder with a file in it that was written at a time. */
function folder(name: string, file = 'report.json', at = new Date()): string {
  const path = join(base, name)
  mkdirSync(path, { recursive: true })
  writeFileSync(join(path, file), '{}')
  utimesSync(join(path, file), at, at)
  return path
}

describe('savedRun()', () => {
  test('leaves files, runs and what is missing to the reader of reports', async () => {
    const run = folder('one')
    for (const path of [run, join(run, 'report.json'), join(base, 'none')]) expect(await savedRun(path)).toBe(path)
  })

  test('takes the last run of a folder, by the time and the number in its name', async () => {
    // Written in another order, as a copy or a checkout may be.
    const last = folder('echo/2026-11-21T09-30-12Z-10', 'report.json', new Date(0))
    folder('echo/2026-11-21T09-30-12Z-9')
    folder('echo/2026-11-21T09-30-12Z')
    folder('echo/2026-11-21T09-30-11Z-11')
    folder('echo/2026-11-22T09-30-12Z', 'journal.ndjson')
    writeFileSync(join(base, 'echo', '2026-11-23T09-30-12Z'), 'a file')
    expect(await savedRun(join(base, 'echo'))).toBe(last)
  })

  test('takes other names by the time of their reports', async () => {
    folder('echo/b', 'report.json', new Date('2026-11-21T10:00:00Z'))
    const after = folder('echo/a', 'report.json', new Date('2026-11-21T11:00:00Z'))
    folder('echo/2026-11-21T10-59-59Z')
    expect(await savedRun(join(base, 'echo'))).toBe(after)
  })

  test('says what a folder without runs has instead', async () => {
    await expect(savedRun(base)).rejects.toThrow(`${base} has no runs`)
    folder('mine/2026-11-21T09-30-12Z')
    folder('echo/2026-11-21T09-30-12Z')
    await expect(savedRun(base)).rejects.toMatchObject({
      message: `${base} has no runs, but folders of runs`,
      hint: `name one of them: ${join(base, 'echo')} or ${join(base, 'mine')}`,
    })
    const killed = folder('killed', 'journal.ndjson')
    await expect(savedRun(killed)).rejects.toThrow(`${killed} has no report.json: its run did not end`)
  })
})

describe('lastTwoRuns()', () => {
  test('gives the older one first', async () => {
    folder('echo/2026-11-21T09-30-10Z')
    const [before, after] = ['2026-11-21T09-30-11Z', '2026-11-21T09-30-12Z'].map(name => folder(`echo/${name}`))
    expect(await lastTwoRuns(join(base, 'echo'))).toEqual([before, after])
  })

  test('refuses what is not two runs', async () => {
    const run = folder('echo/2026-11-21T09-30-10Z')
    await expect(lastTwoRuns(run)).rejects.toThrow(`${run} is one run; compare needs two reports or more`)
    await expect(lastTwoRuns(join(base, 'echo'))).rejects.toThrow('has one run; compare needs two reports or more')
    await expect(lastTwoRuns(join(base, 'none'))).rejects.toThrow('none')
  })
})
