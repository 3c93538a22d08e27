import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, expect, test } from 'vitest'
import { packageRoot } from '../built.ts'
import type { Report } from '../report/record.ts'
import { sampleReport } from '../report/testing/samples.ts'
import { cellCount } from '../terminal/cells.ts'
import { layoutOf, shownPath } from './layout.ts'
import { runCommand } from './program.ts'
import { cleanUp, temporaryFolder } from './testing/volley.ts'

afterEach(cleanUp)

test('layoutOf() has the size of the terminal, and a page of the documentation that there is', () => {
  const { docs, ...size } = layoutOf({ columns: 60, rows: 15 })
  expect(size).toEqual({ columns: 60, rows: 15 })
  expect(existsSync(docs!)).toBe(true)
})

test('shownPath() is relative to the working folder for what is below it, else absolute', () => {
  expect(shownPath(join(process.cwd(), 'docs', 'measurement.md'))).toBe('docs/measurement.md')
  const elsewhere = join(packageRoot, '..', 'elsewhere', 'docs', 'measurement.md')
  expect(shownPath(elsewhere)).toBe(elsewhere)
})

/** What a command prints on a terminal of this size. */
async function printed(args: readonly string[], columns: number, rows: number): Promise<string[]> {
  let text = ''
  const stdout = {
    write(part: string) {
      text += part
    },
    columns,
    rows,
  }
  const stderr = { write() {} }
  const { signal } = new AbortController()
  await runCommand(args, { stdout, stderr, stdin: Readable.from([]), env: {}, signal })
  return text.trimEnd().split('\n')
}

function saved(report: Report): string {
  const file = join(temporaryFolder(), 'report.json')
  writeFileSync(file, JSON.stringify(report))
  return file
}

test('volley report and volley compare use the width and the height of the terminal', async () => {
  const file = saved(sampleReport)
  const other = saved({ ...sampleReport, throughput: { mean: 69_107, perSecond: [] } })
  for (const columns of [60, 80, 120]) {
    for (const args of [
      ['report', file],
      ['compare', file, other, '--fail-if', 'throughput < 0.95'],
    ]) {
      // The path of a report is one word, which wraps nowhere.
      const lines = (await printed(args, columns, 60)).filter(line => !line.includes('report.json'))
      for (const line of lines) expect(cellCount(line)).toBeLessThanOrEqual(columns)
    }
  }
  const answer = 'trusted   138,214/s   p99 210 us   2 of 2 limits hold'
  expect((await printed(['report', file], 80, 10)).at(-1)).toBe(answer)
  expect((await printed(['report', file], 80, 60)).at(-1)).not.toBe(answer)
  expect((await printed(['compare', file, other], 80, 10)).at(-1)).toContain('throughput 0.50')
})
