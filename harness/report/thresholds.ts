import type { Quantiles } from '../metrics/snapshot.ts'
import { errorShare, type Totals } from '../metrics/totals.ts'
import type { Threshold } from '../scenario/scenario.ts'
import type { ThresholdResult } from './record.ts'

/** What the thresholds are held against. */
export interface Judged {
  /** Requests a second over the measured part. */
  readonly throughput: number
  /** Of the whole run. */
  readonly totals: Totals
  /** Of the measured part. */
  readonly response: Quantiles
}

/** How many thresholds were missed. */
export function missedCount(thresholds: readonly ThresholdResult[]): number {
  return thresholds.filter(({ ok }) => !ok).length
}

/** Each threshold with what was measured, in its own unit; where nothing was measured it fails. */
export function judgeThresholds(thresholds: readonly Threshold[], judged: Judged): ThresholdResult[] {
  return thresholds.map(({ expression, metric, operator, limit }) => {
    const actual = measure(metric, judged)
    if (actual === undefined || !Number.isFinite(actual)) return { expression, ok: false }
    // Of a quantile among requests without a reply it is only known that it is more than that.
    const isBound = judged.response.lowerBounds?.includes(metric.replaceAll('.', '')) === true
    const ok = holds(actual, operator, limit) && !(isBound && operator.startsWith('<'))
    return { expression, actual, ...(isBound && { isBound }), ok }
  })
}

function measure(metric: Threshold['metric'], { throughput, totals, response }: Judged): number | undefined {
  switch (metric) {
    case 'throughput':
      return throughput
    case 'errors':
      return errorShare(totals)
    case 'mean':
    case 'max':
      return response.count > 0 ? response[metric] : undefined
    case 'p99.9':
      return response.p999
    case 'p99.99':
      return response.p9999
    default:
      return response[metric]
  }
}

function holds(actual: number, operator: Threshold['operator'], limit: number): boolean {
  switch (operator) {
    case '<':
      return actual < limit
    case '<=':
      return actual <= limit
    case '>':
      return actual > limit
    case '>=':
      return actual >= limit
  }
}
