import type { Quantiles } from '../metrics/snapshot.ts'
import { errorShare, failedOf, type Totals } from '../metrics/totals.ts'
import type { Threshold } from '../scenario/scenario.ts'
import type { Report, ThresholdResult } from './record.ts'

/** The figures that thresholds are compared with. */
export interface JudgedFigures {
  /** Requests per second in the measured part; undefined when nothing was measured. */
  readonly throughput: number | undefined
  /** The share of the connection time of the measured part in which connections could be used. */
  readonly availability?: number | undefined
  /** For the whole run. */
  readonly totals: Totals
  /** For the measured part. */
  readonly response: Quantiles
}

/**
 * The share of the connection time in which connections could be used. Reports of earlier versions do not have it: without
 * a failure it was all of it.
 */
export function availabilityOf({ availability, window, totals }: Report): number | undefined {
  return availability ?? (window.completed > 0 && failedOf(totals.failures) === 0 ? 1 : undefined)
}

/** The number of thresholds that were missed. */
export function missedCount(thresholds: readonly ThresholdResult[]): number {
  return thresholds.filter(({ ok }) => !ok).length
}

/** Each threshold with the measured figure in its own unit; it fails if nothing was measured. */
export function judgeThresholds(thresholds: readonly Threshold[], figures: JudgedFigures): ThresholdResult[] {
  return thresholds.map(({ expression, metric, operator, limit }) => {
    const { actual, isBound } = measuredFigure(metric, figures)
    if (actual === undefined) return { expression, ok: false }
    // The true value is higher than a lower bound, which therefore never proves an upper limit.
    const ok = isMet(actual, operator, limit) && !(isBound && operator.startsWith('<'))
    return { expression, actual, ...(isBound && { isBound }), ok }
  })
}

/** The measured figure of a metric, in the unit of its thresholds, and whether it is only a lower bound. */
export function measuredFigure(
  metric: Threshold['metric'],
  figures: JudgedFigures,
): { readonly actual: number | undefined; readonly isBound: boolean } {
  const found = figureOf(metric, figures)
  return {
    actual: found !== undefined && Number.isFinite(found) ? found : undefined,
    isBound: figures.response.lowerBounds?.includes(metric.replaceAll('.', '')) === true,
  }
}

function figureOf(metric: Threshold['metric'], figures: JudgedFigures): number | undefined {
  const { throughput, availability, totals, response } = figures
  switch (metric) {
    case 'throughput':
      return throughput
    case 'errors':
      return errorShare(totals)
    case 'availability':
      return availability
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

/** Whether a figure meets a condition. */
export function isMet(actual: number, operator: Threshold['operator'], limit: number): boolean {
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
