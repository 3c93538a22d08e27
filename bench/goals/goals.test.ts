import { describe, expect, it, test } from 'vitest'
import { sampleReport } from '../../harness/report/testing/samples.ts'
import { goals } from './catalog.ts'
import { oneHour } from './start.ts'

test('the goals are P1 to P12', () => {
  expect(goals.map(({ id }) => id).join(' ')).toBe('P1 P2 P3 P4 P5 P6 P7 P8 P9 P10 P11 P12')
})

describe('oneHour()', () => {
  it('has 3600 intervals, hardly two of them alike', () => {
    const { intervals, throughput } = oneHour(sampleReport)
    expect(intervals).toHaveLength(3600)
    expect(throughput.perSecond).toHaveLength(3599)
    expect(intervals.at(-1)).toMatchObject({ second: 3600, warmup: false, connections: 10, failed: 0 })
    expect(new Set(intervals.map(({ completed }) => completed)).size).toBeGreaterThan(1000)
  })
  it('refuses a report without an interval', () => {
    expect(() => oneHour({ ...sampleReport, intervals: [] })).toThrow('too short')
  })
})
