import type { Quantiles } from '../metrics/snapshot.ts'
import type { Threshold } from '../scenario/scenario.ts'
import type { ThresholdResult, Totals } from './record.ts'

/** What the thresholds are held against. */
export interface Judged {
  /** Requests a second over the measured part. */
  readonly throughput: number
  /** Of the whole run. */
  readonly totals: Totals
  /** Of the measured part. */
  readonly response: Quantiles
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

/**
 * All that failed out of all that was tried, over the whole run; undefined when nothing was. Beside requests that is
 * what no request stands behind: connects, handshakes, replies nobody asked for.
 */
export function errorShare({ sent, failed, failures }: Totals): number | undefined {
  const all = Object.values(failures).reduce((sum, count) => sum + count, 0)
  const tried = sent + all - failed
  return tried > 0 ? all / tried : undefined
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
