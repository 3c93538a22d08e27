import { expect, test } from 'vitest'
import { ActivityHistory } from './activity.ts'
import { createSlab, field } from './slab.ts'

/** A history over two workers, with totals that are given to each reading. */
function historyOf() {
  const slabs = [createSlab(1), createSlab(1)]
  const history = new ActivityHistory(slabs)
  const read = (at: number, totals: Record<number, number>) => history.read(at, counter => totals[counter] ?? 0)
  return { slabs, history, read }
}

test('ActivityHistory has what came in each window, and what was awaited at its end', () => {
  const { slabs, history, read } = historyOf()
  slabs[0]!.fields[field.wanted] = 3
  slabs[1]!.fields[field.wanted] = 2
  read(1000, { [field.bytesReceived]: 500 })
  slabs[0]!.fields[field.opening] = 2
  slabs[1]!.fields[field.waiting] = 40
  read(1100, { [field.bytesReceived]: 700, [field.sent]: 30, [field.completed]: 20, [field.failed]: 4 })
  slabs[0]!.fields[field.opening] = 0
  slabs[1]!.fields[field.waiting] = 0
  slabs[1]!.fields[field.down] = 2
  read(1200, { [field.bytesReceived]: 700, [field.sent]: 30, [field.completed]: 20, [field.failed]: 10 })
  expect(history.between(1000, 1200, 900)).toEqual([
    { fromMs: 100, toMs: 200, bytesReceived: 200, oneWay: 0, awaited: 48, wanted: 5, down: 0 },
    { fromMs: 200, toMs: 300, bytesReceived: 0, oneWay: 0, awaited: 0, wanted: 5, down: 2 },
  ])
  expect(history.between(1100, 1200, 900)).toHaveLength(1)
})

test('ActivityHistory reaches to the very end, and no further', () => {
  const { history, read } = historyOf()
  const bytesIn = (toMs: number) =>
    history.between(0, toMs, 0).map(({ fromMs, toMs, bytesReceived }) => [fromMs, toMs, bytesReceived])
  for (const [at, bytes] of [
    [0, 0],
    [100, 10],
    // Too soon to be kept, but it is the last.
    [150, 30],
  ] as const) {
    read(at, { [field.bytesReceived]: bytes })
  }
  expect(bytesIn(150)).toEqual([
    [0, 100, 10],
    [100, 150, 20],
  ])
  // Counting stopped at 180; later readings add nothing.
  read(250, { [field.bytesReceived]: 35 })
  read(350, { [field.bytesReceived]: 35 })
  expect(bytesIn(180)).toEqual([
    [0, 100, 10],
    [100, 180, 25],
  ])
  expect(bytesIn(100)).toEqual([[0, 100, 10]])
  expect(historyOf().history.between(0, 100, 0)).toEqual([])
})
