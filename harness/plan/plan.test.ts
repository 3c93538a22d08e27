import fc from 'fast-check'
import { expect, test } from 'vitest'
import { share, shareStart, workerCount } from './plan.ts'

test('share() divides exactly, into parts that differ by at most one', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e9 }), fc.integer({ min: 1, max: 256 }), (total, parts) => {
      const shares = Array.from({ length: parts }, (_, index) => share(total, parts, index))
      expect(shares.reduce((sum, part) => sum + part, 0)).toBe(total)
      expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1)
      for (let index = 0; index < parts; index++) {
        expect(shareStart(total, parts, index)).toBe(shares.slice(0, index).reduce((sum, part) => sum + part, 0))
      }
    }),
  )
})

test('workerCount() is one per two cores with a local target, and never more than the connections', () => {
  const scenario = { workers: 'auto', connections: 100 } as Parameters<typeof workerCount>[0]
  expect(workerCount(scenario, 8, true)).toBe(4)
  expect(workerCount(scenario, 8, false)).toBe(8)
  expect(workerCount(scenario, 1, true)).toBe(1)
  expect(workerCount({ ...scenario, connections: 3 }, 8, false)).toBe(3)
  expect(workerCount({ ...scenario, workers: 6 }, 2, true)).toBe(6)
})
