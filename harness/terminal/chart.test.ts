import { describe, expect, test } from 'vitest'
import { drawLineChart } from './chart.ts'

/** The plot of a chart of 10 columns a second, without labels, and the axis under it. */
function plot(values: readonly number[], lastSecond = values.length, seconds = 6) {
  const lines = drawLineChart({ values, lastSecond, seconds, columns: 69, rows: 4 })
  return lines.map(line => line.slice(8))
}

describe('drawLineChart()', () => {
  test('draws the value of each second over its own columns, and a crash as a step', () => {
    const lines = plot([1000, 1000, 1000, 0, 0])
    expect(lines[0]).toBe(`${'─'.repeat(30)}╮`)
    expect(lines[1]).toBe(`${' '.repeat(30)}│`)
    expect(lines[2]).toBe(`${' '.repeat(30)}╰${'─'.repeat(19)}`)
    expect(lines[3]).toMatch(/^.{28}3s/)
  })

  test('draws an outage where the axis says that it was', () => {
    const [top, , bottom] = plot([1000, 1000, 0, 1000, 1000, 1000])
    expect([top!.indexOf('╮'), top!.indexOf('╭')]).toEqual([20, 30])
    expect(bottom).toBe(`${' '.repeat(20)}╰${'─'.repeat(9)}╯`)
  })

  test('ends at the last second, whose values are the newest', () => {
    expect(plot([500, 1000])[0]).toBe(`${' '.repeat(10)}╭${'─'.repeat(9)}`)
    expect(plot([500, 1000], 4)[0]).toBe(`${' '.repeat(30)}╭${'─'.repeat(9)}`)
  })

  test('draws a column a second where the length of the run is not known or too long for it', () => {
    const values = Array.from({ length: 100 }, (_, second) => (second < 90 ? 1000 : 0))
    const lines = drawLineChart({ values, lastSecond: 100, seconds: 3600, columns: 69, rows: 4 })
    // The chart has the last 60 seconds, from 40 on.
    expect(lines[0]!.slice(8)).toBe(`${'─'.repeat(50)}╮`)
    expect(lines[3]).toMatch(/40s─.*─1m40s$/)
    const short = drawLineChart({ values: [1000, 0], lastSecond: 2, columns: 69, rows: 4 })
    expect(short[0]!.slice(8)).toBe('─╮')
  })

  test('draws an empty chart before the first second is over', () => {
    expect(plot([])).toEqual(['', '', '', expect.stringMatching(/s─.*6s$/)])
  })
})
