import { expect, test } from 'vitest'
import { type Counted, divided, secondLengths, wantedSeconds } from './seconds.ts'

const counted: Counted = {
  completed: 1001,
  failed: 3,
  failures: { reset: 3, timeout: 1 },
  availability: 0.5,
  perSecond: 400,
  bytesSent: 10,
  bytesReceived: 20,
  connections: 4,
  connects: 1,
  p50: 2,
  max: 9,
  clientCores: 0.5,
  rssBytes: 1,
  heapBytes: 1,
}

test.each<[number, boolean, number[]]>([
  [Number.NEGATIVE_INFINITY, false, []],
  [-5, true, []],
  [999.9, false, []],
  [1000, false, [1]],
  [1090, false, [1]],
  [3090, false, [1, 1, 1]],
  [0.4, true, []],
  [30, true, [0.03]],
  [999.5, true, [1]],
  [1000.5, true, [1]],
  [2500, true, [1, 1, 0.5]],
])('secondLengths() of %d ms, ended: %s, are %j', (elapsedMs, hasEnded, lengths) => {
  expect(secondLengths(elapsedMs, hasEnded)).toEqual(lengths)
})

test('divided() divides counts in proportion to the lengths, and nothing else', () => {
  expect(divided(counted, [1])).toEqual([counted])
  const parts = divided(counted, [1, 1, 0.5])
  expect(parts.map(({ completed }) => completed)).toEqual([400, 401, 200])
  for (const name of ['completed', 'failed', 'bytesSent', 'bytesReceived', 'connects'] as const) {
    expect(parts.reduce((sum, part) => sum + part[name], 0)).toBe(counted[name])
  }
  const failures = (kind: 'reset' | 'timeout') => parts.map(part => part.failures?.[kind] ?? 0)
  expect(failures('reset').reduce((sum, count) => sum + count, 0)).toBe(3)
  expect(failures('timeout').filter(count => count > 0)).toEqual([1])
  expect(parts.every(({ failures }) => failures === undefined || Object.keys(failures).length > 0)).toBe(true)
  expect(parts.map(({ availability, perSecond, p50 }) => [availability, perSecond, p50])).toEqual(
    Array(3).fill([0.5, 400, 2]),
  )
})

test('wantedSeconds() are as available as the second before where no connection was wanted, and none at the end', () => {
  const { availability: _, ...rest } = counted
  const down = { ...rest, warmup: false, availability: 0.1 }
  const up = { ...rest, warmup: false }
  const unwanted = { ...up, unwanted: true } as const
  const numbered = [up, unwanted, down, unwanted, up, down, unwanted].map((one, at) => ({ ...one, second: at + 1 }))
  expect(wantedSeconds(numbered).map(({ second, availability }) => [second, availability])).toEqual([
    [1, undefined],
    [2, undefined],
    [3, 0.1],
    [4, 0.1],
    [5, undefined],
    [6, 0.1],
  ])
  expect(wantedSeconds([])).toEqual([])
})
