import { describe, expect, it } from 'vitest'
import { renderLine } from './lines.ts'
import { sampleSnapshot } from './testing/samples.ts'

const morning = new Date(2026, 10, 21, 9, 30, 3)

describe('renderLine()', () => {
  it('has the second, the rate, two quantiles and the totals', () => {
    expect(renderLine(sampleSnapshot, morning)).toBe(
      '09:30:03  7s  138,214/s  p50 68us p99 210us  ok 829,284 failed 0  out 2.5MiB/s in 2.5MiB/s  connections 10',
    )
  })

  it('has the rate of deliveries, if there are any', () => {
    expect(renderLine({ ...sampleSnapshot, deliveriesPerSecond: 2_626_066 }, morning)).toBe(
      '09:30:03  7s  138,214/s  deliveries 2,626,066/s  p50 68us p99 210us  ok 829,284 failed 0  out 2.5MiB/s in 2.5MiB/s  connections 10',
    )
  })

  it('marks the warm-up', () => {
    expect(renderLine({ ...sampleSnapshot, phase: 'warm-up', elapsedMs: 1004 }, morning)).toBe(
      '09:30:03  1s  138,214/s  p50 68us p99 210us  ok 829,284 failed 0  out 2.5MiB/s in 2.5MiB/s  connections 10  warm-up',
    )
  })

  it('appends failures by kind, and counts missing connections', () => {
    const failures = { timeout: 1200, 'connect-refused': 4 }
    const snapshot = { ...sampleSnapshot, failed: 1200, failures, connections: { open: 6, wanted: 10 } }
    expect(renderLine(snapshot, morning)).toBe(
      '09:30:03  7s  138,214/s  p50 68us p99 210us  ok 829,284 failed 1,204  out 2.5MiB/s in 2.5MiB/s  connections 6 of 10  connect-refused 4, timeout 1,200',
    )
  })

  it('prints a dash for a quantile with too few samples', () => {
    expect(renderLine({ ...sampleSnapshot, response: { count: 3, mean: 1, max: 2 } }, morning)).toContain('p50 - p99 -')
  })

  it('counts open connections before the first request', () => {
    const connections = { open: 400, wanted: 1000 }
    expect(renderLine({ ...sampleSnapshot, phase: 'opening', connections }, morning)).toBe(
      '09:30:03  opening 400 of 1,000 connections',
    )
  })
})
