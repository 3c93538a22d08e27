import { afterEach, expect, test, vi } from 'vitest'
import { useRealTime, useVirtualTime } from '../testing/virtualTime.ts'
import { LimitedLines } from './limitedLines.ts'

afterEach(useRealTime)

test('LimitedLines prints so many lines a second, and then how many were left out', () => {
  useVirtualTime()
  const printed: string[] = []
  const lines = new LimitedLines(line => printed.push(line), 2)
  const made: number[] = []
  const print = (count: number) => {
    for (let index = 0; index < count; index++) {
      lines.print(() => {
        made.push(index)
        return `line ${index}`
      })
    }
  }
  print(5)
  expect(printed).toEqual(['line 0', 'line 1'])
  // What is left out is not made either.
  expect(made).toEqual([0, 1])
  vi.advanceTimersByTime(1000)
  expect(printed.splice(0)).toEqual(['line 0', 'line 1', '3 more lines were left out: at most 2 are printed a second'])
  vi.advanceTimersByTime(5000)
  print(3)
  lines.end()
  lines.end()
  expect(printed.splice(0)).toEqual(['line 0', 'line 1', '1 more line was left out: at most 2 are printed a second'])
  vi.advanceTimersByTime(1000)
  print(2)
  vi.advanceTimersByTime(5000)
  expect(printed).toEqual(['line 0', 'line 1'])
})
