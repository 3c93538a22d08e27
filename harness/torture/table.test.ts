import pc from 'picocolors'
import { expect, test } from 'vitest'
import { cellCount } from '../terminal/cells.ts'
import type { TrialResult } from './result.ts'
import { renderOutcome, renderTitle, renderTrial } from './table.ts'

const plain = pc.createColors(false)
const title = {
  protocol: 'tlv',
  target: 'tcp://127.0.0.1:41233',
  requestBytes: 19,
  timeout: '5s',
  seed: 7421,
  watched: 'process 4711',
}
const results: readonly TrialResult[] = [
  {
    name: 'valid',
    does: 'one whole request: one reply',
    verdict: 'pass',
    detail: 'one reply of 14 B',
    elapsedMs: 3,
    memoryRoseBytes: 4096,
  },
  {
    name: 'glued',
    does: '10 requests in one write: exactly 10 replies',
    verdict: 'fail',
    detail: `7 of 10 replies within 5s; after it: ${'x'.repeat(70)}\u001b[2J`,
    elapsedMs: 5000,
    memoryRoseBytes: 3 * 1024 * 1024,
  },
  { name: 'connect-and-close', does: 'closes', verdict: 'skipped', detail: 'a line has no length', elapsedMs: 0 },
]

test('the table shows each trial within 80 columns, and what a failed one does', () => {
  const text = [
    renderTitle(title, plain),
    ...results.map(result => renderTrial(result, true, plain)),
    renderOutcome(results, false, plain),
  ].join('')
  expect(text).toBe(`\
torture   tlv over tcp://127.0.0.1:41233
  a valid request of 19 B, timeout 5s, seed 7421
  memory of process 4711 is watched

  valid              pass       +4 KiB  one reply of 14 B
  glued              FAIL       +3 MiB  7 of 10 replies within 5s; after it:
                                        xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
                                        xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx?[2J
                                        (10 requests in one write: exactly 10
                                        replies)
  connect-and-close  skipped            a line has no length

1 pass, 1 FAIL, 1 skipped
`)
  expect(text.split('\n').filter(line => cellCount(line) > 80)).toEqual([])
})

test('the table has no column for memory that is not watched', () => {
  expect(renderTitle({ ...title, watched: undefined }, plain)).toContain('memory is not watched')
  const { memoryRoseBytes: _, ...unwatched } = results[0]!
  expect(renderTrial(unwatched, false, plain)).toBe('  valid              pass     one reply of 14 B\n')
})

test('colours change no width, and an interruption is shown', () => {
  const colored = renderTrial(results[1]!, true, pc.createColors(true))
  expect(colored).toContain('\u001b[31m')
  expect(colored.split('\n').map(cellCount)).toEqual(renderTrial(results[1]!, true, plain).split('\n').map(cellCount))
  expect(renderOutcome(results.slice(0, 1), true, plain)).toBe('\n1 pass, interrupted\n')
})

test('the table takes the width of the terminal', () => {
  const long = { ...results[1]!, detail: 'word '.repeat(40).trim() }
  for (const columns of [60, 80, 120]) {
    const cells = renderTrial(long, true, plain, { columns }).split('\n').map(cellCount)
    expect(Math.max(...cells)).toBeLessThanOrEqual(columns)
    expect(Math.max(...cells)).toBeGreaterThan(columns - 10)
  }
})
