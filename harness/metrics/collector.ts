import { type FailureKind, failureKinds } from '../failures.ts'
import { Checkpoints } from './checkpoints.ts'
import { countsLength, difference, histogramAt } from './histogram.ts'
import { HistogramTotals } from './histogramTotals.ts'
import { LatencyDistribution } from './latencyDistribution.ts'
import type { Measured } from './measured.ts'
import { distributionOf, quantilesOfCounts } from './quantiles.ts'
import { counterFields, field, histogram, instant, roleIndex, type Slab, state } from './slab.ts'
import type { Interval, Progress, Snapshot } from './snapshot.ts'
import { type SparseCounts, sparse, sparseSince, spread } from './sparseCounts.ts'
import { findSteadyState, type SteadyState } from './steadyState.ts'
import { type Base, TimeSeriesHistory } from './timeSeries.ts'

/** Seconds of which a screen is told the throughput. */
const historyMax = 300
/** How often all histograms are read: none of their counts comes near 2^32 in that time. */
const readAllSeconds = 60

export interface CollectorOptions {
  readonly slabs: readonly Slab[]
  readonly connections: number
  /** How long is run before measuring: at least so long, where the warm-up's end is looked for in the run itself. */
  readonly warmupMs: number
  readonly isWarmupAutomatic: boolean
  /** User and system time of this process, and of the server's where that is known, in seconds. */
  readonly clientCpuSeconds: () => number
  readonly serverCpuSeconds: () => number | undefined
  readonly rssBytes: () => number
}

/** Totals as of a reading. */
interface Totals {
  readonly at: number
  readonly counters: Float64Array
  readonly clientCpu: number
  readonly serverCpu: number | undefined
}

/** What stood when the measured part may have begun. */
interface Checkpoint extends Totals {
  readonly counts: SparseCounts
  readonly base: Base
}

/**
 * Reads the slabs of all workers some ten times a second, adds up what was added since the last reading, and keeps
 * what a screen, a journal and the report need: the running totals, the seconds, and the totals at the warm-up's end.
 */
export class Collector {
  readonly intervals: Interval[] = []
  readonly #options: CollectorOptions
  readonly #counters: Float64Array
  readonly #histograms: HistogramTotals
  readonly #steps: number
  /** By slab, the last reading. */
  readonly #lastFields: Int32Array[]
  readonly #timeSeries: TimeSeriesHistory
  #now = 0
  #startAt = Number.POSITIVE_INFINITY
  readonly #checkpoints: Checkpoints<Checkpoint>
  /** Bucket counts at the first checkpoint, for the screen. */
  #responsesAtCheckpoint: SparseCounts | undefined
  /** As of the last second that is closed. */
  #second: Totals
  #responsesAtSecond: SparseCounts
  /** Bucket counts of all steps together as of this reading, once they were asked for. */
  #responses: SparseCounts | undefined
  /** Totals of the last second's readings, oldest first. */
  readonly #recent: Totals[] = []

  constructor(options: CollectorOptions) {
    this.#options = options
    const { slabs } = options
    this.#steps = slabs[0]!.histograms - histogram.steps
    this.#counters = new Float64Array(slabs[0]!.fields.length)
    this.#histograms = new HistogramTotals(slabs)
    this.#responsesAtSecond = sparse(new Float64Array(countsLength))
    this.#lastFields = slabs.map(slab => new Int32Array(slab.fields.length))
    this.#timeSeries = new TimeSeriesHistory(slabs)
    this.#checkpoints = new Checkpoints(options.warmupMs, options.isWarmupAutomatic)
    this.#second = this.#totals()
    this.#remember()
  }

  /** The run starts at `startAt`, on the clock of the times given to `read`; before it only connections are opened. */
  begin(startAt: number): void {
    this.#startAt = startAt
    this.#now = startAt
    this.#responses = undefined
    this.#second = this.#totals()
    this.#responsesAtSecond = this.#readResponses()
    this.#recent.length = 0
    this.#remember()
    this.#timeSeries.begin()
    this.#readTimeSeries()
  }

  /** Adds what the workers have counted since the last reading; of the histograms only what somebody asks for. */
  read(now: number): void {
    this.#now = now
    this.#responses = undefined
    this.#options.slabs.forEach((slab, index) => {
      const lastFields = this.#lastFields[index]!
      for (const name of counterFields) {
        const value = Atomics.load(slab.fields, name)
        this.#counters[name]! += (value - lastFields[name]!) >>> 0
        lastFields[name] = value
      }
    })
    this.#readTimeSeries()
    this.#remember()
  }

  /** Closes a second: its interval is kept and handed back. To be called right after `read`. */
  endSecond(): Interval {
    const now = this.#totals()
    const before = this.#second
    const seconds = Math.max(1e-3, (now.at - before.at) / 1000)
    const completed = this.#since(before, field.completed)
    const responses = this.#readResponses()
    const { p50, p90, p99, max } = quantilesOfCounts(sparseSince(responses, this.#responsesAtSecond))
    this.#responsesAtSecond = responses
    if (this.intervals.length % readAllSeconds === 0) this.#histograms.readAll()
    const serverCores = coresBetween(before.serverCpu, now.serverCpu, seconds)
    const interval: Interval = {
      second: this.intervals.length + 1,
      // Named by when it was to begin: the reading that closes a second is always a little late.
      warmup: this.intervals.length * 1000 < this.#options.warmupMs,
      completed,
      failed: this.#since(before, field.failed),
      perSecond: Math.round((completed / seconds) * 10) / 10,
      bytesSent: this.#since(before, field.bytesSent),
      bytesReceived: this.#since(before, field.bytesReceived),
      connections: this.level(field.open),
      connects: this.#since(before, field.connects),
      ...defined({ p50, p90, p99 }),
      ...(completed > 0 ? { max } : {}),
      clientCores: round3((now.clientCpu - before.clientCpu) / seconds),
      ...(serverCores === undefined ? {} : { serverCores: round3(serverCores) }),
      rssBytes: this.#options.rssBytes(),
      heapBytes: this.level(field.heapKiB) * 1024,
    }
    this.#second = now
    this.intervals.push(interval)
    return interval
  }

  snapshot(progress: Progress): Snapshot {
    const sent = this.total(field.sent)
    const completed = this.total(field.completed)
    const failed = this.total(field.failed)
    const responses = this.#readResponses()
    const measured = this.#responsesAtCheckpoint && sparseSince(responses, this.#responsesAtCheckpoint)
    const window = measured?.buckets.length ? measured : responses
    const oldest = this.#recent[0]!
    const newest = this.#recent.at(-1)!
    const seconds = Math.max(1e-3, (newest.at - oldest.at) / 1000)
    const requests = this.#since(oldest, field.completed + roleIndex.request)
    const serverCores = coresBetween(oldest.serverCpu, newest.serverCpu, seconds)
    const micros = requests > 0 && serverCores !== undefined ? (serverCores * seconds * 1e6) / requests : undefined
    return {
      ...progress,
      sent,
      completed,
      failed,
      inFlight: sent - completed - failed,
      bytesSent: this.total(field.bytesSent),
      bytesReceived: this.total(field.bytesReceived),
      failures: this.failures(),
      connections: { open: this.level(field.open), wanted: this.#options.connections },
      requestsPerSecond: requests / seconds,
      ...(this.total(field.deliveries) > 0 && {
        deliveriesPerSecond: this.#since(oldest, field.deliveries) / seconds,
      }),
      bytesPerSecond: {
        sent: this.#since(oldest, field.bytesSent) / seconds,
        received: this.#since(oldest, field.bytesReceived) / seconds,
      },
      history: this.intervals.slice(-historyMax).map(interval => interval.perSecond),
      response: quantilesOfCounts(window),
      distribution: distributionOf(window),
      clientCores: (newest.clientCpu - oldest.clientCpu) / seconds,
      ...(serverCores === undefined
        ? {}
        : { server: { cores: serverCores, ...defined({ cpuMicrosPerRequest: micros }) } }),
    }
  }

  /** When the last worker closed its books, on this thread's clock; undefined while one has not. */
  endedAt(sharedOffsetMs: number): number | undefined {
    const ends = this.#options.slabs.map(slab => slab.instants[instant.end]!)
    return ends.includes(0) ? undefined : Math.max(...ends) - sharedOffsetMs
  }

  /** How the run settles, as far as it has come; undefined where the warm-up is set, or has not ended. */
  steadyState(now: number): SteadyState | undefined {
    const first = this.#checkpoints.first
    if (!this.#options.isWarmupAutomatic || first === undefined) return undefined
    return findSteadyState(this.#timeSeries.windows(first.checkpoint.at, now))
  }

  /** By a plan: by how much more requests are unanswered than after the warm-up, as a share of what it has had since. */
  fallenBehind(): number {
    const first = this.#checkpoints.first
    if (first === undefined) return 0
    const since = (counter: number) => this.#since(first.checkpoint, counter)
    const planned = since(field.planned)
    return planned === 0 ? 0 : (planned - since(field.completed) - since(field.failed)) / planned
  }

  /** The measured part: what was added between the warm-up's end and `endedAt`. */
  measured(endedAt: number): Measured {
    const steadyState = this.steadyState(endedAt)
    const reachedAt = steadyState?.reachedAt ?? this.#startAt
    const chosen = this.#checkpoints.from(reachedAt - this.#startAt)
    const start = chosen?.checkpoint ?? { ...this.#newCheckpoint(), ...this.#recent.at(-1)! }
    this.#histograms.readAll()
    const whole = this.#histograms.counts.slice()
    const steps = difference(whole, spread(start.counts))
    // As of the last reading: by now the server may be gone, and its CPU time with it.
    const end = this.#recent.at(-1)!
    const completedCounts = this.#stepsTogether(steps)
    const completed = completedCounts.reduce((sum, count) => sum + count, 0)
    // Without those in flight at the end the slowest requests would be the likeliest to be missing.
    const responseCounts = completedCounts.map(
      (count, bucket) => count + steps[histogram.drained * countsLength + bucket]!,
    )
    const measured = (index: number) => new LatencyDistribution(histogramAt(steps, index))
    const ofWholeRun = (index: number) => new LatencyDistribution(histogramAt(whole, index))
    return {
      elapsedMs: Math.max(0, endedAt - this.#startAt),
      warmupMs: chosen?.afterMs ?? this.#options.warmupMs,
      steadyState,
      windowMs: chosen === undefined ? 0 : Math.max(0, endedAt - start.at),
      completed,
      failed: this.#since(start, field.failed),
      planned: this.#since(start, field.planned),
      sent: this.#since(start, field.sent),
      response: new LatencyDistribution(responseCounts, histogramAt(steps, histogram.censored)),
      timeSeries: chosen && this.#timeSeries.timeSeries(start.base, endedAt, completedCounts),
      deliveries: this.#since(start, field.deliveries),
      delivery: measured(histogram.delivery),
      service: measured(histogram.service),
      timeToFailure: measured(histogram.failed),
      clientLag: measured(histogram.clientLag),
      admissionWait: measured(histogram.admissionWait),
      steps: Array.from({ length: this.#steps }, (_, step) => measured(histogram.steps + step)),
      connect: ofWholeRun(histogram.connect),
      roundTripAtOpen: ofWholeRun(histogram.roundTripAtOpen),
      roundTripAtEnd: ofWholeRun(histogram.roundTripAtEnd),
      leastRoundTripAtEnd: ofWholeRun(histogram.leastRoundTripAtEnd),
      clientCpuSeconds: end.clientCpu - start.clientCpu,
      serverCpuSeconds:
        end.serverCpu === undefined || start.serverCpu === undefined ? undefined : end.serverCpu - start.serverCpu,
    }
  }

  /** The total of a counter since the run's beginning. */
  total(counter: number): number {
    return this.#counters[counter]!
  }

  /** What a field that is a level, not a count, comes to over all workers; of a closed one it is what was last so. */
  level(name: number): number {
    return this.#options.slabs.reduce((sum, slab) => sum + Atomics.load(slab.fields, name), 0)
  }

  /** Requests in flight: as counted when the books were closed, and before that what the last reading leaves over. */
  inFlight(): number {
    const open = this.#options.slabs.some(({ fields }) => Atomics.load(fields, field.state) !== state.closed)
    if (open) return this.total(field.sent) - this.total(field.completed) - this.total(field.failed)
    return this.level(field.inFlightAtEnd)
  }

  failures(): Partial<Record<FailureKind, number>> {
    const counts = failureKinds.map((kind, index) => [kind, this.total(field.failures + index)] as const)
    return Object.fromEntries(counts.filter(([, count]) => count > 0))
  }

  /**
   * By worker: sent, completed, failed, and in flight as it counted them in its slots when it closed its books, for
   * the books to be checked. A worker that died could not count: what is not accounted for was in flight.
   */
  accounts(): { sent: number; completed: number; failed: number; inFlight: number }[] {
    return this.#options.slabs.map(({ fields }) => {
      const [completed, failed, sent] = [field.completed, field.failed, field.sent].map(
        name => Atomics.load(fields, name) >>> 0,
      )
      const closed = Atomics.load(fields, field.state) === state.closed
      const inFlight = closed ? fields[field.inFlightAtEnd]! : (sent! - completed! - failed!) >>> 0
      return { sent: sent!, completed: completed!, failed: failed!, inFlight }
    })
  }

  /** The sums before all else, for they have to be of the same moment as the counters. */
  #readTimeSeries(): void {
    const completed = this.total(field.completed + roleIndex.request)
    const hasBegun = this.#now >= this.#startAt
    if (hasBegun) this.#timeSeries.readSums(this.#now, completed)
    this.#checkpoint()
    if (hasBegun) this.#timeSeries.readCounts(this.#now, () => this.#readResponses())
  }

  #checkpoint(): void {
    this.#checkpoints.pass(this.#now - this.#startAt, () => this.#newCheckpoint())
    if (this.#checkpoints.first !== undefined) this.#responsesAtCheckpoint ??= this.#readResponses()
  }

  #newCheckpoint(): Checkpoint {
    const [base, totals] = [this.#timeSeries.base(this.#now), this.#totals()]
    this.#histograms.readAll()
    return { ...totals, counts: sparse(this.#histograms.counts), base }
  }

  #totals(): Totals {
    return {
      at: this.#now,
      counters: this.#counters.slice(),
      clientCpu: this.#options.clientCpuSeconds(),
      serverCpu: this.#options.serverCpuSeconds(),
    }
  }

  #remember(): void {
    this.#recent.push(this.#totals())
    while (this.#recent.length > 2 && this.#now - this.#recent[1]!.at >= 1000) this.#recent.shift()
  }

  #readResponses(): SparseCounts {
    if (this.#responses === undefined) {
      this.#histograms.readSteps()
      this.#responses = sparse(this.#histograms.steps)
    }
    return this.#responses
  }

  #stepsTogether(counts: Float64Array): Float64Array {
    const sum = histogramAt(counts, histogram.steps).slice()
    for (let step = 1; step < this.#steps; step++) {
      const ofStep = histogramAt(counts, histogram.steps + step)
      for (let bucket = 0; bucket < countsLength; bucket++) sum[bucket]! += ofStep[bucket]!
    }
    return sum
  }

  #since(before: Totals, counter: number): number {
    return this.total(counter) - before.counters[counter]!
  }
}

function coresBetween(before: number | undefined, after: number | undefined, seconds: number): number | undefined {
  return before === undefined || after === undefined ? undefined : (after - before) / seconds
}

function defined<T extends Record<string, number | undefined>>(values: T): { [K in keyof T]?: number } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: number
  }
}

function round3(value: number): number {
  return Math.round(value * 1000) / 1000
}
