import { isDoubt } from '../../harness/audit/finding.ts'
import type { Report } from '../../harness/report/record.ts'
import type { Experiment, Truth } from './experiments.ts'

/** The verdict on one figure. `flagged`: the figure is wrong, but the run has a finding that doubts it. */
export interface Judgement extends Truth {
  readonly shown: number | undefined
  /** Half of Volley's own 95 % interval. */
  readonly halfWidth?: number | undefined
  readonly outcome: 'right' | 'flagged' | 'WRONG'
}

/** Compares a run's figures with the truth: within the tolerance, and reported as a lower bound if it is one. */
export function judge({ truth, finding }: Experiment, report: Report): Judgement[] {
  const doubts = report.findings.filter(isDoubt)
  const isMissed = finding !== undefined && !doubts.some(({ code }) => code === finding)
  return truth.map(expected => {
    const shown = shownBy(report, expected.figure)
    const isBound = report.latencyMs.response.lowerBounds?.includes(expected.figure) === true
    const isNear = shown !== undefined && Math.abs(shown / expected.value - 1) <= expected.tolerance
    const isRight = isNear && isBound === (expected.isBound === true) && !isMissed
    return {
      ...expected,
      shown,
      halfWidth: report.latencyMs.response.halfWidths?.[expected.figure],
      outcome: isRight ? 'right' : doubts.length > 0 && !isMissed ? 'flagged' : 'WRONG',
    }
  })
}

function shownBy(report: Report, figure: Truth['figure']): number | undefined {
  const { datagrams, latencyMs, throughput, totals, window } = report
  if (figure === 'throughput') return throughput.mean
  if (figure === 'lossShare') return datagrams && datagrams.lost / (totals.completed + totals.failed)
  if (figure === 'inFlightAtEnd') return totals.inFlightAtEnd
  return figure === 'warmupSeconds' ? window.warmupSeconds : latencyMs.response[figure]
}
