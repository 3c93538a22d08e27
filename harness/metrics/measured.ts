import type { LatencyDistribution } from './latencyDistribution.ts'
import type { SteadyState } from './steadyState.ts'
import type { TimeSeries } from './timeSeries.ts'

/** What was measured, or has been so far. */
export interface Measured {
  readonly elapsedMs: number
  readonly warmupMs: number
  /** How the run settled, where that is what says how long its warm-up was. */
  readonly steadyState: SteadyState | undefined
  readonly windowMs: number
  readonly completed: number
  readonly failed: number
  /** With a plan: what it had in the measured part, and what was sent of it. */
  readonly planned: number
  readonly sent: number
  /** Of requests completed, and of those in flight at the end that were answered soon after; requests without a reply are censored. */
  readonly response: LatencyDistribution
  /** How the measured part went on; undefined when there was none. */
  readonly timeSeries: TimeSeries | undefined
  /** Messages that came without being asked for, and how long they took by the stamp in them. */
  readonly deliveries: number
  readonly delivery: LatencyDistribution
  readonly service: LatencyDistribution
  readonly timeToFailure: LatencyDistribution
  readonly clientLag: LatencyDistribution
  readonly admissionWait: LatencyDistribution
  readonly steps: readonly LatencyDistribution[]
  readonly connect: LatencyDistribution
  readonly roundTripAtOpen: LatencyDistribution
  readonly roundTripAtEnd: LatencyDistribution
  readonly leastRoundTripAtEnd: LatencyDistribution
  readonly clientCpuSeconds: number
  readonly serverCpuSeconds: number | undefined
}
