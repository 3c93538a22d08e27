import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mergeWindows, windowEdges, windowsWithEnough } from './windows.ts'

test('windowsWithEnough() asks for ten requests in each window, and makes no windows', () => {
  expect(windowsWithEnough(100, 100_000)).toBe(100)
  expect(windowsWithEnough(100, 999)).toBe(99)
  expect(windowsWithEnough(100, 4)).toBe(0)
})

test('mergeWindows() takes the mean of rates, and of response times by the requests of each window', () => {
  const series = { throughputs: [10, 30, 0, 0], meansMs: [2, 4, 4, 4], inFlights: [1, 3, 0, 0] }
  expect(mergeWindows(series, 2)).toEqual({ throughputs: [20, 0], meansMs: [3.5, 4], inFlights: [2, 0] })
  expect(mergeWindows(series, 4)).toEqual(series)
})

test('windowEdges() divides windows into parts that differ by one at most', () => {
  expect(windowEdges(7, 3)).toEqual([0, 2, 4, 7])
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 500 }), (windows, count) => {
      fc.pre(count <= windows)
      const edges = windowEdges(windows, count)
      const lengths = edges.slice(1).map((to, index) => to - edges[index]!)
      expect(edges.at(-1)).toBe(windows)
      expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1)
      expect(Math.min(...lengths)).toBeGreaterThan(0)
    }),
  )
})
