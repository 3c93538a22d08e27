import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { Report } from '../report/record.ts'
import { writeReport } from '../report/save.ts'
import { sampleReport } from '../report/testing/samples.ts'
import { cleanUp, temporaryFolder, volley } from './testing/volley.ts'

afterEach(cleanUp)

/** A folder with runs of so many requests a second, one after the other. */
async function folderOf(...rates: readonly (number | Partial<Report>)[]): Promise<string> {
  const folder = temporaryFolder()
  for (const [index, rate] of rates.entries()) {
    const run = join(folder, `2026-11-21T09-30-1${index}Z`)
    mkdirSync(run)
    const changes = typeof rate === 'number' ? { throughput: { ...sampleReport.throughput, mean: rate } } : rate
    await writeReport({ ...sampleReport, ...changes }, run)
  }
  return folder
}

describe('volley compare', () => {
  test('takes the last two runs of one folder, and the last of several', async () => {
    const folder = await folderOf(5000, 1000, 2000)
    const own = await volley('compare', folder, '--json')
    expect(own.code).toBe(0)
    const { runs, figures } = JSON.parse(own.stdout)
    expect(runs.map(({ name }: { name: string }) => name)).toEqual(['2026-11-21T09-30-11Z', '2026-11-21T09-30-12Z'])
    expect(figures[0]).toMatchObject({ name: 'throughput', values: [1000, 2000], ratios: [1, 2] })
    const other = await folderOf(3000)
    const both = await volley('compare', folder, other, join(folder, '2026-11-21T09-30-10Z'), '--json')
    expect(JSON.parse(both.stdout).figures[0].values).toEqual([2000, 3000, 5000])
  })

  test('needs two runs', async () => {
    const folder = await folderOf(5000)
    const { code, stderr } = await volley('compare', folder)
    expect(code).toBe(2)
    expect(stderr).toContain(`${folder}  has one run; compare needs two reports or more`)
  })
})

describe('volley compare --fail-if', () => {
  test('exits with 1 when a condition holds, and says which', async () => {
    const folder = await folderOf(1000, 900)
    const failIf = ['--fail-if', 'throughput < 0.95', '--fail-if', 'p99 > 1.2']
    const { code, stdout } = await volley('compare', folder, ...failIf)
    expect(code).toBe(1)
    expect(stdout).toMatch(/\n {2}throughput < 0\.95 {3}0\.900 {4}holds\n {2}p99 > 1\.2 {11}1\.00 {5}does not hold\n$/)
    const json = await volley('compare', folder, ...failIf, '--json')
    expect(json.code).toBe(1)
    expect(JSON.parse(json.stdout).failIf).toMatchObject([{ outcome: 'holds' }, { outcome: 'does not hold', ratio: 1 }])
  })

  test('exits with 0 when none holds, and leaves the comparison as it is without one', async () => {
    const folder = await folderOf(1000, 960)
    expect((await volley('compare', folder, '--fail-if', 'throughput < 95%')).code).toBe(0)
    expect((await volley('compare', folder)).stdout).not.toContain('fail if')
    expect(JSON.parse((await volley('compare', folder, '--json')).stdout)).not.toHaveProperty('failIf')
  })

  test('exits with 3 where nothing can be said, unless another condition holds', async () => {
    const folder = await folderOf(1000, { verdict: 'invalid' })
    const { code, stdout } = await volley('compare', folder, '--fail-if', 'throughput < 0.95')
    expect(code).toBe(3)
    expect(stdout).toContain('cannot be said: 2026-11-21T09-30-11Z is invalid')
    const { p99: _, ...few } = sampleReport.latencyMs.response
    const lacking = { latencyMs: { ...sampleReport.latencyMs, response: few } }
    const other = await folderOf(lacking, lacking)
    expect((await volley('compare', other, '--fail-if', 'p99 > 1')).code).toBe(3)
    expect((await volley('compare', other, '--fail-if', 'p99 > 1', '--fail-if', 'throughput <= 1')).code).toBe(1)
  })

  test('names every condition that is none', async () => {
    const folder = await folderOf(1000, 1000)
    const texts = ['throughput < 5k/s', 'p98 > 1', 'p99 = 1', 'faster', 'errors < 1e3', 'throughput < -1']
    const { code, stderr } = await volley('compare', folder, ...texts.flatMap(text => ['--fail-if', text]))
    expect(code).toBe(2)
    expect(stderr.split('\n').slice(0, -2)).toEqual([
      '--fail-if  expected a ratio such as 0.95 or 95% as the limit of throughput, got "5k/s"',
      expect.stringMatching(/^--fail-if {2}expected one of throughput, .* or max, got "p98"$/),
      '--fail-if  expected one of <, <=, > or >=, got "="',
      '--fail-if  expected a condition such as throughput < 0.95 or p99 > 1.2, got "faster"',
      '--fail-if  expected a ratio such as 0.95 or 95% as the limit of errors, got "1e3"',
      '--fail-if  expected a ratio such as 0.95 or 95% as the limit of throughput, got "-1"',
    ])
  })
})

describe('volley report', () => {
  test('shows a saved run again, and of a folder of runs the last', async () => {
    const folder = await folderOf(5000, 1234)
    const last = join(folder, '2026-11-21T09-30-11Z')
    for (const path of [folder, last, join(last, 'report.json')]) {
      const { code, stdout } = await volley('report', path)
      expect(code).toBe(0)
      expect(stdout).toContain('1,234 requests/s')
      expect(stdout).toContain(path === folder ? last : path)
    }
    const { stdout } = await volley('report', folder, '--json')
    expect(JSON.parse(stdout)).toMatchObject({ throughput: { mean: 1234 } })
  })

  test('says what a path is that has no run', async () => {
    const empty = temporaryFolder()
    const { code, stderr } = await volley('report', empty)
    expect(code).toBe(2)
    expect(stderr).toContain(`${empty}  has no runs`)
    expect((await volley('report', join(empty, 'none'))).stderr).toContain('cannot read the report')
  })
})
