import { describe, expect, it } from 'vitest'
import { errorShare } from '../metrics/totals.ts'
import type { Threshold } from '../scenario/scenario.ts'
import { sampleReport } from './testing/samples.ts'
import { type JudgedFigures, judgeThresholds } from './thresholds.ts'

const { response } = sampleReport.latencyMs
const totals = { ...sampleReport.totals, sent: 990, failed: 8, failures: { timeout: 8, 'connect-refused': 10 } }
const figures: JudgedFigures = { throughput: 50_000, totals, response }

function judge(metric: Threshold['metric'], operator: Threshold['operator'], limit: number, measured = figures) {
  const expression = `${metric} ${operator} ${limit}`
  const [result] = judgeThresholds([{ expression, metric, operator, limit }], measured)
  expect(result!.expression).toBe(expression)
  return { actual: result!.actual, ok: result!.ok }
}

describe('judgeThresholds()', () => {
  it('compares the throughput with a rate, with each operator exactly at the limit', () => {
    expect(judge('throughput', '>', 50_000)).toEqual({ actual: 50_000, ok: false })
    expect(judge('throughput', '>=', 50_000)).toEqual({ actual: 50_000, ok: true })
    expect(judge('throughput', '<', 50_000)).toEqual({ actual: 50_000, ok: false })
    expect(judge('throughput', '<=', 50_000)).toEqual({ actual: 50_000, ok: true })
    expect(judge('throughput', '>', 49_999)).toEqual({ actual: 50_000, ok: true })
    expect(judge('throughput', '<', 50_001)).toEqual({ actual: 50_000, ok: true })
  })

  it('takes errors as a share of all requests and connects', () => {
    expect(judge('errors', '<', 0.02)).toEqual({ actual: 0.018, ok: true })
    expect(judge('errors', '<', 0.01)).toEqual({ actual: 0.018, ok: false })
  })

  it('takes the availability as a share of the connection time, and fails where there was none', () => {
    const measured = { ...figures, availability: 0.999 }
    expect(judge('availability', '>=', 0.999, measured)).toEqual({ actual: 0.999, ok: true })
    expect(judge('availability', '>', 0.999, measured)).toEqual({ actual: 0.999, ok: false })
    expect(judge('availability', '>', 0.5)).toEqual({ actual: undefined, ok: false })
  })

  it.each([
    ['mean', 0.072],
    ['p50', 0.068],
    ['p75', 0.08],
    ['p90', 0.102],
    ['p95', 0.13],
    ['p99', 0.21],
    ['p99.9', 1.1],
    ['p99.99', 2.4],
    ['max', 3.9],
  ] as const)('takes %s from the response times', (metric, actual) => {
    expect(judge(metric, '<', actual + 0.001)).toEqual({ actual, ok: true })
    expect(judge(metric, '<', actual)).toEqual({ actual, ok: false })
  })

  it('fails without a figure when a quantile has too few samples', () => {
    const few = { ...figures, response: { count: 12, mean: 1, max: 2 } }
    expect(judge('p99', '<', 1000, few)).toEqual({ actual: undefined, ok: false })
    expect(judge('p99', '>', 0, few)).toEqual({ actual: undefined, ok: false })
    expect(judge('max', '<', 3, few)).toEqual({ actual: 2, ok: true })
  })

  it('fails without a figure when nothing was measured', () => {
    const nothing = {
      throughput: 0,
      totals: { ...totals, sent: 0, failed: 0, failures: {} },
      response: { count: 0, mean: 0, max: 0 },
    }
    expect(judge('mean', '<', 10, nothing)).toEqual({ actual: undefined, ok: false })
    expect(judge('max', '<', 10, nothing)).toEqual({ actual: undefined, ok: false })
    expect(judge('errors', '<', 0.1, nothing)).toEqual({ actual: undefined, ok: false })
    expect(judge('throughput', '<', 10, nothing)).toEqual({ actual: 0, ok: true })
    expect(judge('throughput', '<', 10, { ...nothing, throughput: undefined })).toEqual({
      actual: undefined,
      ok: false,
    })
  })
})

describe('errorShare()', () => {
  it('is 1 when every connect failed, and undefined when nothing was tried', () => {
    const none = { ...totals, sent: 0, failed: 0 }
    expect(errorShare({ ...none, failures: { 'connect-timeout': 4 } })).toBe(1)
    expect(errorShare({ ...none, failures: {} })).toBeUndefined()
  })
})
