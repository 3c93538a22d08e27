import type { Histogram } from 'hdr-histogram-js'
import type { Quantiles } from './snapshot.ts'
import type { SteadyState } from './steadyState.ts'
import type { TimeSeries } from './timeSeries.ts'

/** What was measured, or has been so far; histograms are made when they are asked for. */
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
  /** Of those completed, and of those in flight at the end that were answered soon after. */
  readonly response: Histogram
  /** The same, with the requests that have no reply taken into account. */
  readonly responseQuantiles: Quantiles
  readonly responseBuckets: Float64Array
  /** How the measured part went on; undefined when there was none. */
  readonly timeSeries: TimeSeries | undefined
  /** Messages that came without being asked for, and how long they took by the stamp in them. */
  readonly deliveries: number
  readonly delivery: Histogram
  readonly service: Histogram
  readonly timeToFailure: Histogram
  readonly clientLag: Histogram
  readonly admissionWait: Histogram
  readonly steps: readonly Histogram[]
  readonly connect: Histogram
  readonly roundTripAtOpen: Histogram
  readonly roundTripAtEnd: Histogram
  readonly leastRoundTripAtEnd: Histogram
  readonly clientCpuSeconds: number
  readonly serverCpuSeconds: number | undefined
}
