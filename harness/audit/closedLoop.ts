import { formatCount, formatRatio } from '../units.ts'
import type { Finding } from './finding.ts'
import { limits } from './limits.ts'
import type { TimeSeriesInputs } from './timeSeries.ts'

/** At most this share of the throughput is advised as a rate: at the whole of it a queue would grow. */
const advisedShare = 0.7
/** The loop stood still if a window has less than this share of the mean throughput. */
const stillShare = 0.5

/**
 * Check 23: whether one reply took so much longer than p99 that a loop cannot tell what users would see. A loop sends
 * nothing on a connection that waits, so a stall of a second is one slow reply on each, however many users it would meet.
 */
export function auditClosedLoop({ isLoop, response, throughput, timeSeries }: TimeSeriesInputs): Finding[] {
  const { p99, max, lowerBounds = [] } = response
  if (!isLoop || p99 === undefined || p99 === 0 || lowerBounds.includes('p99')) return []
  const value = max / p99
  if (value <= limits.loopStall) return []
  const stoodStill = timeSeries.throughputs.some(perSecond => perSecond < stillShare * throughput)
  const meanwhile = stoodStill ? 'while the loop stood still' : 'while its connection waited'
  return [
    {
      code: 'closed-loop',
      severity: 'note',
      message: `${lowerBounds.includes('max') ? 'one request took more than' : 'one reply took'} ${formatCount(Number(value.toPrecision(2)))} times p99 ${meanwhile} (limit ${formatRatio(limits.loopStall)})`,
      hint: `the p99 of users cannot be told from a loop: try -R ${formatRate(throughput * advisedShare)}`,
      value,
      limit: limits.loopStall,
    },
  ]
}

/** Two figures are enough for a rate to try. */
function formatRate(perSecond: number): string {
  return `${Number(Math.max(1, perSecond).toPrecision(2))}/s`
}
