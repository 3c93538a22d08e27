import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { UserError } from '../errors.ts'
import { prepareFolder, readReport, reportFolder, writeReport } from './save.ts'
import { sampleReport } from './testing/samples.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'volley-save-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

/** The message of the UserError that a promise rejects with. */
async function faultOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => undefined,
    reason => reason,
  )
  expect(error).toBeInstanceOf(UserError)
  return (error as UserError).message.replaceAll(folder, '<folder>')
}

describe('writeReport()', () => {
  it('writes a report that readReport() reads back, by its file or its folder', async () => {
    const path = await writeReport(sampleReport, folder)
    expect(path).toBe(join(folder, 'report.json'))
    expect(await readReport(path)).toEqual(sampleReport)
    expect(await readReport(folder)).toEqual(sampleReport)
    const automatic = { ...sampleReport, scenario: { ...sampleReport.scenario, warmup: 'auto' as const } }
    expect(await readReport(await writeReport(automatic, folder))).toEqual(automatic)
  })

  it('replaces a report and leaves no other files', async () => {
    await writeReport(sampleReport, folder)
    await writeReport({ ...sampleReport, interrupted: true }, folder)
    expect(await readdir(folder)).toEqual(['report.json'])
    expect((await readReport(folder)).interrupted).toBe(true)
  })

  it('never exposes an incomplete report', async () => {
    await writeReport(sampleReport, folder)
    const intervals = Array.from({ length: 5000 }, (_, second) => ({
      ...sampleReport.intervals[0]!,
      second: second + 1,
    }))
    let writing = true
    const written = Promise.all([1, 2, 3].map(() => writeReport({ ...sampleReport, intervals }, folder))).finally(
      () => {
        writing = false
      },
    )
    const lengths = new Set<number>()
    while (writing) lengths.add((await readReport(folder)).intervals.length)
    await written
    lengths.add((await readReport(folder)).intervals.length)
    expect([...lengths].every(length => length === 1 || length === 5000)).toBe(true)
    expect(lengths.has(5000)).toBe(true)
    expect(await readdir(folder)).toEqual(['report.json'])
  })

  it('keeps the old report and no temporary file when the new one cannot replace it', async () => {
    await mkdir(join(folder, 'report.json', 'in-the-way'), { recursive: true })
    expect(await faultOf(writeReport(sampleReport, folder))).toMatch(/^cannot write <folder>\/report.json: /)
    expect(await readdir(folder)).toEqual(['report.json'])
  })

  it('names a folder that does not exist', async () => {
    expect(await faultOf(writeReport(sampleReport, join(folder, 'gone')))).toBe(
      'cannot write <folder>/gone/report.json: there is no such file or folder',
    )
  })
})

describe('readReport()', () => {
  async function read(text: string): Promise<string> {
    await writeFile(join(folder, 'report.json'), text)
    return faultOf(readReport(join(folder, 'report.json')))
  }

  it('names a file that does not exist, and a folder without a report', async () => {
    expect(await faultOf(readReport(join(folder, 'no.json')))).toBe(
      '<folder>/no.json cannot read the report: there is no such file or folder',
    )
    expect(await faultOf(readReport(folder))).toBe(
      '<folder>/report.json cannot read the report: there is no such file or folder',
    )
  })

  it('rejects a file that is not JSON', async () => {
    expect(await read('{"schema": "volley.rep')).toMatch(
      /^<folder>\/report.json expected a report as "volley run" saves it: /,
    )
  })

  it('names the schema it found and the one it expected', async () => {
    expect(await read('{"schema": "volley.report/9"}')).toBe(
      '<folder>/report.json expected a report with schema "volley.report/1", got "volley.report/9"',
    )
    for (const text of ['{}', '[]', 'null', '7']) {
      expect(await read(text)).toBe('<folder>/report.json expected a report with schema "volley.report/1", found none')
    }
  })

  it('names every missing or wrong field at once', async () => {
    const { verdict: _, ...rest } = sampleReport
    const broken = {
      ...rest,
      seed: 'x',
      window: { seconds: 1 },
      totals: { ...sampleReport.totals, failures: { odd: 1 } },
    }
    const faults = await read(JSON.stringify(broken))
    expect(faults.split('\n').map(line => line.replace('<folder>/report.json ', ''))).toEqual([
      'seed: expected number, received string',
      'window.warmupSeconds: expected number, received undefined',
      'window.completed: expected number, received undefined',
      'window.failed: expected number, received undefined',
      expect.stringMatching(/^totals\.failures/),
      expect.stringMatching(/^verdict: /),
    ])
  })

  it('accepts fields that a later version adds', async () => {
    const later = { ...sampleReport, more: 1, totals: { ...sampleReport.totals, more: 2 } }
    await writeFile(join(folder, 'report.json'), JSON.stringify(later))
    expect(await readReport(folder)).toEqual(later)
  })

  it('accepts each verdict with the finding that leads to it, and no other', async () => {
    const finding = { code: 'unproven', message: 'm', hint: 'h', value: 1, limit: 2, explainedBy: 'machine-busy' }
    for (const verdict of ['unproven', 'suspect', 'invalid']) {
      const report = { ...sampleReport, verdict, findings: [{ ...finding, severity: verdict }] }
      await writeFile(join(folder, 'report.json'), JSON.stringify(report))
      expect(await readReport(folder)).toEqual(report)
    }
    expect(await read(JSON.stringify({ ...sampleReport, verdict: 'unknown' }))).toContain('verdict: ')
  })

  it('rejects a file over 64 MiB without reading it', async () => {
    const path = join(folder, 'report.json')
    await writeFile(path, '{}')
    await truncate(path, 64 * 1024 * 1024 + 1)
    expect(await faultOf(readReport(path))).toBe(
      '<folder>/report.json expected a report file of at most 64 MiB, got more',
    )
  })

  it('rejects a path that is not a regular file', async () => {
    await symlink('/dev/null', join(folder, 'report.json'))
    expect(await faultOf(readReport(folder))).toBe(
      '<folder>/report.json expected a report file, got a pipe or a device',
    )
  })
})

describe('reportFolder()', () => {
  const startedAt = new Date('2026-11-21T09:30:12.345Z')

  it('creates a folder named by scenario and UTC time, and numbers others of the same second', async () => {
    const base = join(folder, 'reports')
    expect(await reportFolder(base, 'tlv-loopback', startedAt)).toBe(join(base, 'tlv-loopback', '2026-11-21T09-30-12Z'))
    const others = await Promise.all([1, 2, 3].map(() => reportFolder(base, 'tlv-loopback', startedAt)))
    expect(others.map(path => path.slice(base.length)).sort()).toEqual([
      '/tlv-loopback/2026-11-21T09-30-12Z-2',
      '/tlv-loopback/2026-11-21T09-30-12Z-3',
      '/tlv-loopback/2026-11-21T09-30-12Z-4',
    ])
    expect((await readdir(join(base, 'tlv-loopback'))).length).toBe(4)
  })

  it.each([
    ['../../etc', 'etc'],
    ['a/b c', 'a-b-c'],
    ['报文 1', '报文-1'],
    ['..', 'run'],
    ['x'.repeat(300), 'x'.repeat(100)],
  ])('makes a safe folder name of %j', async (name, safe) => {
    expect(await reportFolder(folder, name, startedAt)).toBe(join(folder, safe, '2026-11-21T09-30-12Z'))
  })

  it('reports that the folder cannot be created', async () => {
    await writeFile(join(folder, 'reports'), 'a file')
    expect(await faultOf(reportFolder(join(folder, 'reports'), 'x', startedAt))).toBe(
      'cannot write reports to <folder>/reports/x: a part of the path is a file, not a folder',
    )
  })
})

describe('prepareFolder()', () => {
  it('creates the folder and its parents, and leaves it empty', async () => {
    await prepareFolder(join(folder, 'a', 'b'))
    expect(await readdir(join(folder, 'a', 'b'))).toEqual([])
  })

  it('accepts an existing folder and changes nothing in it', async () => {
    await writeFile(join(folder, 'report.json'), 'old')
    await prepareFolder(folder)
    expect(await readFile(join(folder, 'report.json'), 'utf8')).toBe('old')
  })

  it('rejects a file', async () => {
    await writeFile(join(folder, 'file'), '')
    expect(await faultOf(prepareFolder(join(folder, 'file')))).toBe(
      'cannot write reports to <folder>/file: there is a file of this name',
    )
  })

  it.skipIf(process.getuid?.() === 0)(
    'rejects a folder without write permission (skipped for root, who always has it)',
    async () => {
      await chmod(folder, 0o500)
      expect(await faultOf(prepareFolder(folder))).toBe('cannot write reports to <folder>: permission denied')
      await chmod(folder, 0o700)
    },
  )

  it('rejects a path where no folder can be created', async () => {
    await symlink(join(folder, 'nowhere'), join(folder, 'link'))
    expect(await faultOf(prepareFolder(join(folder, 'link', 'a')))).toBe(
      'cannot write reports to <folder>/link/a: there is no such file or folder',
    )
    expect(await faultOf(prepareFolder('/proc/volley/a'))).toMatch(/^cannot write reports to \/proc\/volley\/a: /)
  })
})
