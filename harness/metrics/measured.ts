import type { Activity } from './activity.ts'
import { countsLength, histogramAt } from './histogram.ts'
import { LatencyDistribution } from './latencyDistribution.ts'
import { histogram } from './slab.ts'
import type { Gap, Stall } from './stallHistory.ts'
import type { SteadyState } from './steadyState.ts'
import type { TimeSeries } from './timeSeries.ts'

/** The figures of the measured part, or of the part measured so far. */
export interface Measured extends Distributions {
  readonly elapsedMs: number
  readonly warmupMs: number
  /** Only with an automatic warm-up. */
  readonly steadyState: SteadyState | undefined
  readonly windowMs: number
  readonly completed: number
  readonly failed: number
  /** Mode rate: requests planned in the measured part, and those of them that were sent. */
  readonly planned: number
  readonly sent: number
  /** Messages that no request asked for. */
  readonly deliveries: number
  /** Undefined when nothing was measured. */
  readonly timeSeries: TimeSeries | undefined
  /** What came from the server and what waited for it, window by window; empty when nothing was measured. */
  readonly activity: readonly Activity[]
  /** The share of the wanted connection time in which the connections could be used; undefined where none was wanted. */
  readonly availability: number | undefined
  /** The longest time that a worker's loop woke late while requests were in flight or came due, if it did. */
  readonly stall: Stall | undefined
  /** The longest time between two readings of the main thread, where it is long. */
  readonly readingGap: Gap | undefined
  readonly clientCpuSeconds: number
  readonly serverCpuSeconds: number | undefined
}

interface Distributions {
  /** Requests completed, and those answered soon after the end; requests without a reply are censored. */
  readonly response: LatencyDistribution
  /** Requests completed before the end alone. */
  readonly answered: LatencyDistribution
  readonly service: LatencyDistribution
  readonly timeToFailure: LatencyDistribution
  readonly clientLag: LatencyDistribution
  readonly admissionWait: LatencyDistribution
  /** By the stamp in a delivery. */
  readonly delivery: LatencyDistribution
  readonly steps: readonly LatencyDistribution[]
  /** These four are of the whole run. */
  readonly connect: LatencyDistribution
  readonly roundTripAtOpen: LatencyDistribution
  readonly roundTripAtEnd: LatencyDistribution
  readonly leastRoundTripAtEnd: LatencyDistribution
}

/**
 * The distributions of a run. `whole` and `since` are the bucket counts of all histograms in the whole run and since
 * the warm-up; `completed` are the latter of all steps together.
 */
export function distributionsOf(whole: Float64Array, since: Float64Array, completed: Float64Array): Distributions {
  const drained = histogramAt(since, histogram.drained)
  // Without the requests in flight at the end, the slowest requests would be the most likely to be missing.
  const response = completed.map((count, bucket) => count + drained[bucket]!)
  const measured = (index: number) => new LatencyDistribution(histogramAt(since, index))
  const ofWholeRun = (index: number) => new LatencyDistribution(histogramAt(whole, index))
  const stepCount = since.length / countsLength - histogram.steps
  return {
    response: new LatencyDistribution(response, histogramAt(since, histogram.censored)),
    answered: new LatencyDistribution(completed),
    service: measured(histogram.service),
    timeToFailure: measured(histogram.failed),
    clientLag: measured(histogram.clientLag),
    admissionWait: measured(histogram.admissionWait),
    delivery: measured(histogram.delivery),
    steps: Array.from({ length: stepCount }, (_, step) => measured(histogram.steps + step)),
    connect: ofWholeRun(histogram.connect),
    roundTripAtOpen: ofWholeRun(histogram.roundTripAtOpen),
    roundTripAtEnd: ofWholeRun(histogram.roundTripAtEnd),
    leastRoundTripAtEnd: ofWholeRun(histogram.leastRoundTripAtEnd),
  }
}
