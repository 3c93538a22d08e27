import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { packageRoot } from '../harness/built.ts'
import { renderTable, tableIn, withTable } from './readme.ts'
import { readResults } from './results.ts'
import { sampleResults } from './testing/samples.ts'

describe('renderTable()', () => {
  it('has a row for each bound, then when, where and with which programs it was measured', () => {
    expect(renderTable(sampleResults)).toMatchInlineSnapshot(`
      "|  | goal | figure | Volley | compared with | ratio | bound | verdict |
      | --- | --- | --- | --- | --- | --- | --- | --- |
      | P1 | echo: CPU per request against a C epoll client | node: client CPU per request | 6.71 us | C epoll client: 4.40 us | 1.52 (1.48 to 1.61) | <= 1.5 | missed |
      | P3 | pipeline 16: requests/s per client core | frames, epoll: requests/s per client core | 2.81M (2.7M to 2.9M) |  |  | >= 2.5M | met |
      |  |  | PING, node: requests/s per client core |  |  |  | >= 1 | not measured: redis-server not installed |
      |  |  | PING, epoll: requests/s per client core |  |  |  | >= 1 | not measured: redis-server not installed |

      Measured on 2026-11-21 with volley 0.1.0: Imaginary 3000, 2 cores, 8.6 GB; linux-x64 6.1.0, node v20.20.2, load average
      0.4 0.3 0.2; 5 rounds of 2 s in turn, clients on core 0, servers on core 1. Other programs: cc 12.2.0, wrk 4.1.0 (not
      installed: sockperf). Figures are medians over the rounds; a ratio is the median of the ratios round by round, with its
      range in parentheses."
    `)
  })
})

describe('withTable()', () => {
  const readme = '# Volley\n\n<!-- bench:begin -->\nold\n<!-- bench:end -->\n\nmore\n'
  it('puts the table between the markers and keeps the rest', () => {
    const text = withTable(readme, '| new |')
    expect(text).toBe('# Volley\n\n<!-- bench:begin -->\n| new |\n<!-- bench:end -->\n\nmore\n')
    expect(tableIn(text!)).toBe('| new |')
    expect(withTable(text!, '| new |')).toBe(text)
  })
  it('is undefined without markers, or if they are in the wrong order', () => {
    expect(withTable('# Volley\n', '| new |')).toBeUndefined()
    expect(withTable('<!-- bench:end --><!-- bench:begin -->', '| new |')).toBeUndefined()
  })
})

test('the table in the README is made from the results that are kept', async ({ skip }) => {
  const kept = join(packageRoot, 'bench/results/readme.json')
  const table = tableIn(readFileSync(join(packageRoot, 'README.md'), 'utf8'))
  const missing = table === undefined ? 'README.md has no markers' : existsSync(kept) ? undefined : `no ${kept} yet`
  if (missing !== undefined) {
    console.warn(`skipped: the table in the README, because ${missing} ("npm run bench:table -- <results>")`)
    return skip(missing)
  }
  expect(table).toBe(renderTable(await readResults(kept)))
})
