import { type Activity, ActivityHistory } from './activity.ts'
import { bucketEndMs } from './histogram.ts'
import { History } from './history.ts'
import { bucketsAt } from './quantiles.ts'
import { field, type Slab, sum } from './slab.ts'
import { type SparseCounts, sparse, sparseSince } from './sparseCounts.ts'
import { dispersion, ksUniform, variationOfGaps } from './statistics/arrivals.ts'
import { jainIndex } from './statistics/balance.ts'
import { sectioningHalfWidth } from './statistics/sections.ts'

const windowMs = 100
const windowsMax = 4096
/** Bucket counts that are kept: enough for ten sections of about the same length. */
const countsMax = 64
const countsMs = 250
/** Sections of a run, of which the interval of a quantile is made. */
export const sectionCount = 10

/** So many samples of a section lie beyond its quantile, which therefore is never its slowest reply, such as one in a stall. */
const samplesBeyondPerSection = 1
const samplesPerSectionMin = 5

/** Quantiles that are printed with an interval, by name. */
export const quantilesWithInterval = { p50: 0.5, p90: 0.9, p99: 0.99, p999: 0.999 } as const

/** The measured part over time, as the audit needs it. */
export interface TimeSeries {
  /** By window of 100 ms, or longer in a long run: requests completed per second, and their mean response time. */
  readonly throughputs: readonly number[]
  readonly meansMs: readonly number[]
  /** By window: requests in flight on average. */
  readonly inFlights: readonly number[]
  /** Over the whole measured part. */
  readonly inFlightMean: number
  readonly responseMeanMs: number
  /** Half of the 95 % interval of a quantile, by name; absent if the run was too short for ten sections. */
  readonly halfWidthsMs: Readonly<Partial<Record<keyof typeof quantilesWithInterval | 'mean', number>>>
  /** The share of the time that the busiest worker was busy. */
  readonly busyShare: number
  /** Jain's index over the connections: 1 when all were served equally often. */
  readonly balance: number
  /** Mode rate with one rate: how the requests as sent were distributed in time. */
  readonly arrivals?: {
    readonly distance: number
    readonly dispersion: number
    readonly variation: number
    readonly spans: number
    /** Gaps that were measured. */
    readonly gaps: number
  }
}

/** The run between two readings. */
export interface Window {
  readonly from: number
  /** Requests completed per second, their mean response time, and requests in flight on average. */
  readonly throughput: number
  readonly meanMs: number
  readonly inFlight: number
}

/** Running sums over all workers. */
interface Sums {
  readonly completed: number
  /** Without those that expect no reply. */
  readonly answered: number
  readonly responseMs: number
  readonly inFlightMs: number
}

/** The sums of each slab at the start of the measured part. */
export interface Baseline {
  readonly at: number
  readonly sums: readonly Float64Array[]
  readonly gapBins: readonly Uint32Array[]
  readonly byLink: readonly Uint32Array[]
}

/** A bounded history of a run: sums every 100 ms, and bucket counts every 250 ms. */
export class TimeSeriesHistory {
  readonly #slabs: readonly Slab[]
  readonly #readings = new History<Sums>(windowMs, windowsMax)
  readonly #counts = new History<SparseCounts>(countsMs, countsMax)
  readonly #activity: ActivityHistory

  constructor(slabs: readonly Slab[]) {
    this.#slabs = slabs
    this.#activity = new ActivityHistory(slabs)
  }

  /** Drops what was read while connections were opened. */
  begin(): void {
    this.#readings.clear()
    this.#counts.clear()
  }

  /** Takes the sums and levels of the slabs at the moment at which the counters had these totals. */
  readSums(at: number, total: (counter: number) => number): void {
    this.#activity.read(at, total)
    this.#readings.add(at, () => ({
      completed: total(field.completed),
      answered: total(field.completed) - total(field.oneWay),
      responseMs: this.#total(sum.responseMs),
      inFlightMs: this.#total(sum.inFlightMs),
    }))
  }

  /** Takes the bucket counts of all steps together. */
  readCounts(at: number, responses: () => SparseCounts): void {
    this.#counts.add(at, responses)
  }

  /** The baseline of a part that begins now. */
  baseline(at: number): Baseline {
    return {
      at,
      sums: this.#slabs.map(({ sums }) => sums.slice()),
      gapBins: this.#slabs.map(({ gapBins }) => gapBins.slice()),
      byLink: this.#slabs.map(({ completedByLink }) => completedByLink.slice()),
    }
  }

  /** The run between two times, window by window. */
  windows(from: number, to: number): Window[] {
    const readings = this.#readings.since(from).filter(({ at }) => at <= to)
    const windows = readings.slice(1).map(({ at, reading }, index) => {
      const { at: from, reading: before } = readings[index]!
      const completed = reading.completed - before.completed
      const answered = reading.answered - before.answered
      return {
        from,
        throughput: (completed / (at - from)) * 1000,
        meanMs: answered > 0 ? (reading.responseMs - before.responseMs) / answered : undefined,
        inFlight: (reading.inFlightMs - before.inFlightMs) / (at - from),
      }
    })
    // A window without replies has no mean, and takes that of the window before.
    const means = filled(windows.map(({ meanMs }) => meanMs))
    return windows.map((window, index) => ({ ...window, meanMs: means[index]! }))
  }

  /** What came from the server and what waited for it, between two times of a run that started at `startAt`. */
  activity(from: number, to: number, startAt: number): Activity[] {
    return this.#activity.between(from, to, startAt)
  }

  /** The part from `baseline` to `endedAt`; undefined when it has no length. `whole` are its bucket counts. */
  timeSeries(baseline: Baseline, endedAt: number, whole: Float64Array): TimeSeries | undefined {
    const lengthMs = endedAt - baseline.at
    if (lengthMs <= 0) return undefined
    const windows = this.windows(baseline.at, endedAt)
    const completed = whole.reduce((total, count) => total + count, 0)
    const since = (index: number) => this.#slabs.map(({ sums }, at) => sums[index]! - baseline.sums[at]![index]!)
    const total = (index: number) => since(index).reduce((all, part) => all + part, 0)
    const spans = total(sum.spans)
    const responseMeanMs = completed > 0 ? total(sum.responseMs) / completed : 0
    return {
      throughputs: windows.map(window => window.throughput),
      meansMs: windows.map(window => window.meanMs),
      inFlights: windows.map(window => window.inFlight),
      inFlightMean: total(sum.inFlightMs) / lengthMs,
      responseMeanMs,
      halfWidthsMs: {
        ...this.#halfWidths(baseline.at, endedAt, whole),
        ...this.#meanHalfWidth(baseline.at, endedAt, responseMeanMs),
      },
      busyShare: Math.max(...since(sum.idleMs).map(idleMs => Math.min(1, Math.max(0, 1 - idleMs / lengthMs)))),
      balance: jainIndex(
        this.#slabs.flatMap(({ completedByLink }, at) => [...wrappedDifference(completedByLink, baseline.byLink[at]!)]),
      ),
      ...(spans > 1 && { arrivals: { ...this.#arrivals(baseline, total), spans, gaps: total(sum.gaps) } }),
    }
  }

  #arrivals(baseline: Baseline, total: (index: number) => number) {
    const bins = this.#slabs.map(({ gapBins }, at) => wrappedDifference(gapBins, baseline.gapBins[at]!))
    const together = bins[0]!.map((_, bin) => bins.reduce((all, part) => all + part[bin]!, 0))
    return {
      distance: ksUniform(together),
      dispersion: dispersion({
        windows: total(sum.spans),
        sum: total(sum.spanSum),
        sumSquares: total(sum.spanSquares),
      }),
      variation: variationOfGaps({
        count: total(sum.gaps),
        sum: total(sum.gapSum),
        sumSquares: total(sum.gapSquares),
      }),
    }
  }

  /** Ten sections of about the same length, each with its own quantile (docs/measurement.md, check 11). */
  #halfWidths(from: number, to: number, whole: Float64Array): TimeSeries['halfWidthsMs'] {
    const readings = this.#counts.since(from).filter(({ at }) => at <= to)
    if (readings.length < sectionCount + 1) return {}
    const edges = sectionEdges(readings.length)
    const sections = edges.slice(1).map((edge, index) => {
      return intervalBuckets(sparseSince(readings[edge]!.reading, readings[edges[index]!]!.reading))
    })
    const all = intervalBuckets(sparse(whole))
    const found = Object.entries(quantilesWithInterval).flatMap(([name, q], index) => {
      const values = sections.flatMap(section => {
        return section !== undefined && section.count >= samplesPerSection(q)
          ? [bucketEndMs(section.buckets[index]!)]
          : []
      })
      if (all === undefined || values.length < sectionCount) return []
      return [[name, sectioningHalfWidth(bucketEndMs(all.buckets[index]!), values)]]
    })
    return Object.fromEntries(found)
  }

  /** The interval of the mean, from the means of the same sections. */
  #meanHalfWidth(from: number, to: number, whole: number): TimeSeries['halfWidthsMs'] {
    const readings = this.#readings.since(from).filter(({ at }) => at <= to)
    if (readings.length < sectionCount + 1) return {}
    const edges = sectionEdges(readings.length)
    const means = edges.slice(1).map((edge, index) => {
      const [after, before] = [readings[edge]!.reading, readings[edges[index]!]!.reading]
      return (after.responseMs - before.responseMs) / (after.answered - before.answered)
    })
    return means.every(Number.isFinite) ? { mean: sectioningHalfWidth(whole, means) } : {}
  }

  #total(index: number): number {
    return this.#slabs.reduce((all, { sums }) => all + sums[index]!, 0)
  }
}

/** The indexes of the readings between sections, and of the first and the last one. */
function sectionEdges(readings: number): number[] {
  return Array.from({ length: sectionCount + 1 }, (_, edge) => Math.round((edge * (readings - 1)) / sectionCount))
}

/** The samples that a section needs for its own quantile. */
function samplesPerSection(q: number): number {
  return Math.max(samplesPerSectionMin, Math.round(samplesBeyondPerSection / (1 - q)))
}

/** The samples of a part, and the buckets of the quantiles that have an interval; undefined without samples. */
function intervalBuckets(counted: SparseCounts): { count: number; buckets: number[] } | undefined {
  const count = counted.counts.reduce((total, count) => total + count, 0)
  if (count === 0) return undefined
  return { count, buckets: bucketsAt(Object.values(quantilesWithInterval), counted, count) }
}

/** The differences of 32-bit counts that may have wrapped. */
function wrappedDifference(after: Uint32Array, before: Uint32Array): Uint32Array {
  return after.map((value, index) => value - before[index]!)
}

/** Fills each gap with the value before it, and gaps at the start with the first value. */
function filled(values: readonly (number | undefined)[]): number[] {
  let last = values.find(value => value !== undefined) ?? 0
  return values.map(value => {
    last = value ?? last
    return last
  })
}
