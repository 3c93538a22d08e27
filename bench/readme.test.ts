import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { packageRoot } from '../harness/built.ts'
import { renderTable, tableIn, withTable } from './readme.ts'
import { readResults } from './results.ts'
import { sampleResults } from './testing/samples.ts'

describe('renderTable()', () => {
  it('has a row for each goal that is set, then when, where and beside what it was measured', () => {
    expect(renderTable(sampleResults)).toMatchInlineSnapshot(`
      "|  | what | of which | Volley | beside it | ratio | goal |  |
      | --- | --- | --- | --- | --- | --- | --- | --- |
      | P1 | echo: CPU per request against a C epoll client | node: client CPU per request | 6.71 us | C epoll client: 4.40 us | 1.52 (1.48 to 1.61) | <= 1.5 | missed |
      | P3 | pipeline 16: requests/s per client core | frames, epoll: requests/s per client core | 2.81M (2.7M to 2.9M) |  |  | >= 2.5M | met |
      |  |  | PING, node: requests/s per client core |  |  |  | >= 1 | not measured: redis-server not installed |
      |  |  | PING, epoll: requests/s per client core |  |  |  | >= 1 | not measured: redis-server not installed |

      Measured on 2026-11-21 with volley 0.1.0: Imaginary 3000, 2 cores, 8.6 GB; linux-x64 6.1.0, node v20.20.2, load average
      0.4 0.3 0.2; 5 rounds of 2 s in turn, clients on core 0, servers on core 1. Beside it: cc 12.2.0, wrk 4.1.0 (absent:
      sockperf). Figures are medians of the rounds; a ratio is taken pair by pair, then its median, and in parentheses the
      least and the most."
    `)
  })
})

describe('withTable()', () => {
  const readme = '# Volley\n\n<!-- bench:begin -->\nold\n<!-- bench:end -->\n\nmore\n'
  it('puts the table between the markers and leaves the rest', () => {
    const text = withTable(readme, '| new |')
    expect(text).toBe('# Volley\n\n<!-- bench:begin -->\n| new |\n<!-- bench:end -->\n\nmore\n')
    expect(tableIn(text!)).toBe('| new |')
    expect(withTable(text!, '| new |')).toBe(text)
  })
  it('is undefined where there are no markers, or they are the wrong way round', () => {
    expect(withTable('# Volley\n', '| new |')).toBeUndefined()
    expect(withTable('<!-- bench:end --><!-- bench:begin -->', '| new |')).toBeUndefined()
  })
})

test('the table in the README is what the script makes of the results that are kept', async ({ skip }) => {
  const kept = join(packageRoot, 'bench/results/readme.json')
  const table = tableIn(readFileSync(join(packageRoot, 'README.md'), 'utf8'))
  const missing = table === undefined ? 'README.md has no markers' : existsSync(kept) ? undefined : `no ${kept} yet`
  if (missing !== undefined) {
    console.warn(`skipped: the table in the README, because ${missing} ("npm run bench:table -- <results>")`)
    return skip(missing)
  }
  expect(table).toBe(renderTable(await readResults(kept)))
})
