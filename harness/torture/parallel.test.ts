import { expect, test } from 'vitest'
import { inParallel } from './parallel.ts'

test('inParallel() calls for each item, at most `atOnce` at a time', async () => {
  let running = 0
  let most = 0
  const seen: number[] = []
  await inParallel([1, 2, 3, 4, 5, 6, 7], 3, async item => {
    most = Math.max(most, ++running)
    await new Promise(setImmediate)
    seen.push(item)
    running--
  })
  expect(seen.toSorted()).toEqual([1, 2, 3, 4, 5, 6, 7])
  expect(most).toBe(3)
})

test('inParallel() starts no call after a failure', async () => {
  const seen: number[] = []
  const all = inParallel([1, 2, 3, 4, 5], 2, async item => {
    seen.push(item)
    await new Promise(setImmediate)
    if (item === 2) throw new Error('two')
  })
  await expect(all).rejects.toThrow('two')
  await new Promise(setImmediate)
  expect(seen.length).toBeLessThanOrEqual(3)
})
