import { type FailureKind, failureKinds } from '../failures.ts'
import { Checkpoints } from './checkpoints.ts'
import { countsLength, difference } from './histogram.ts'
import { HistogramTotals, stepsTogether } from './histogramTotals.ts'
import { distributionsOf, type Measured } from './measured.ts'
import { distributionOf, quantilesOfCounts } from './quantiles.ts'
import { cpuBetween, type Reading, usageBetween } from './reading.ts'
import { type Replies, readReplies } from './replies.ts'
import { counterFields, field, instant, roleIndex, type Slab, state } from './slab.ts'
import type { Interval, Progress, Snapshot } from './snapshot.ts'
import { type SparseCounts, sparse, sparseSince, spread } from './sparseCounts.ts'
import { findSteadyState, type SteadyState } from './steadyState.ts'
import { type Baseline, TimeSeriesHistory } from './timeSeries.ts'

/** Seconds of throughput that a snapshot has. */
const historyMax = 300
/** How often all histograms are read: no 32-bit count can wrap in that time. */
const readAllSeconds = 60

export interface CollectorOptions {
  readonly slabs: readonly Slab[]
  readonly connections: number
  /** The time before the measured part; the minimum if the warm-up is automatic. */
  readonly warmupMs: number
  readonly isWarmupAutomatic: boolean
  /** User and system time of this process, and of the server's if it is known, in seconds. */
  readonly clientCpuSeconds: () => number
  readonly serverCpuSeconds: () => number | undefined
  readonly rssBytes: () => number
}

/** A reading at which the measured part may begin. */
interface Checkpoint extends Reading {
  /** Bucket counts of all histograms. */
  readonly counts: SparseCounts
  readonly baseline: Baseline
}

/**
 * Reads the slabs of all workers about ten times a second and adds up the differences to the previous reading. Keeps
 * what a screen, a journal and the report need: running totals, seconds, and checkpoints at which a warm-up may end.
 */
export class Collector {
  readonly intervals: Interval[] = []
  readonly #options: CollectorOptions
  readonly #counters: Float64Array
  readonly #histograms: HistogramTotals
  /** By slab, the fields of the last reading. */
  readonly #lastFields: Int32Array[]
  readonly #timeSeries: TimeSeriesHistory
  /** The time of the last reading. */
  #readAt = 0
  #startAt = Number.POSITIVE_INFINITY
  readonly #checkpoints: Checkpoints<Checkpoint>
  /** Response times until the first checkpoint, for the screen. */
  #responsesAtCheckpoint: SparseCounts | undefined
  /** The reading and the response times at the start of the current second. */
  #secondStart: Reading
  #responsesAtSecondStart: SparseCounts
  /** Bucket counts of all steps together as of the last reading, read on demand. */
  #responses: SparseCounts | undefined
  /** The readings of the last second, oldest first. */
  readonly #recent: Reading[] = []

  constructor(options: CollectorOptions) {
    this.#options = options
    const { slabs } = options
    this.#counters = new Float64Array(slabs[0]!.fields.length)
    this.#histograms = new HistogramTotals(slabs)
    this.#responsesAtSecondStart = sparse(new Float64Array(countsLength))
    this.#lastFields = slabs.map(slab => new Int32Array(slab.fields.length))
    this.#timeSeries = new TimeSeriesHistory(slabs)
    this.#checkpoints = new Checkpoints(options.warmupMs, options.isWarmupAutomatic)
    this.#secondStart = this.#newReading()
    this.#keepRecent()
  }

  /** The run starts at `startAt`, on the clock of the times given to `read`; before it connections are opened. */
  begin(startAt: number): void {
    this.#startAt = startAt
    this.#readAt = startAt
    this.#responses = undefined
    this.#secondStart = this.#newReading()
    this.#responsesAtSecondStart = this.#readResponses()
    this.#recent.length = 0
    this.#keepRecent()
    this.#timeSeries.begin()
    this.#readTimeSeries()
  }

  /** Adds what the workers counted since the last reading; histograms are read on demand only. */
  read(now: number): void {
    this.#readAt = now
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
    this.#keepRecent()
  }

  /** Ends a second, and keeps and returns its interval. Call it right after `read`. */
  endSecond(): Interval {
    const before = this.#secondStart
    this.#secondStart = this.#newReading()
    const { seconds, clientCores, serverCores } = usageBetween(before, this.#secondStart)
    const completed = this.#since(before, field.completed)
    const responses = this.#readResponses()
    const { p50, p90, p99, max } = quantilesOfCounts(sparseSince(responses, this.#responsesAtSecondStart))
    this.#responsesAtSecondStart = responses
    if (this.intervals.length % readAllSeconds === 0) this.#histograms.readAll()
    const interval: Interval = {
      second: this.intervals.length + 1,
      // By its planned start, because the reading that ends a second is always a little late.
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
      clientCores: round3(clientCores),
      ...(serverCores === undefined ? {} : { serverCores: round3(serverCores) }),
      rssBytes: this.#options.rssBytes(),
      heapBytes: this.level(field.heapKiB) * 1024,
    }
    this.intervals.push(interval)
    return interval
  }

  /** The figures of the run so far. */
  snapshot(progress: Progress): Snapshot {
    const sent = this.total(field.sent)
    const completed = this.total(field.completed)
    const failed = this.total(field.failed)
    const responses = this.#readResponses()
    const measured = this.#responsesAtCheckpoint && sparseSince(responses, this.#responsesAtCheckpoint)
    const window = measured?.buckets.length ? measured : responses
    const oldest = this.#recent[0]!
    const { seconds, clientCores, serverCores } = usageBetween(oldest, this.#recent.at(-1)!)
    const requests = this.#since(oldest, field.completed + roleIndex.request)
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
      clientCores,
      ...(serverCores === undefined
        ? {}
        : { server: { cores: serverCores, ...defined({ cpuMicrosPerRequest: micros }) } }),
    }
  }

  /** When the last worker stopped counting, on this thread's clock; undefined while one still counts. */
  endedAt(sharedOffsetMs: number): number | undefined {
    const ends = this.#options.slabs.map(slab => slab.instants[instant.end]!)
    return ends.includes(0) ? undefined : Math.max(...ends) - sharedOffsetMs
  }

  /** The steady state so far; undefined unless the warm-up is automatic and its minimum is over. */
  steadyState(now: number): SteadyState | undefined {
    const first = this.#checkpoints.first
    if (!this.#options.isWarmupAutomatic || first === undefined) return undefined
    return findSteadyState(this.#timeSeries.windows(first.checkpoint.at, now))
  }

  /** Mode rate: requests planned since the first checkpoint that have no reply, as a share of those planned. */
  fallenBehind(): number {
    const first = this.#checkpoints.first
    if (first === undefined) return 0
    const since = (counter: number) => this.#since(first.checkpoint, counter)
    const planned = since(field.planned)
    return planned === 0 ? 0 : (planned - since(field.completed) - since(field.failed)) / planned
  }

  /** The measured part, from the end of the warm-up to `endedAt`. */
  measured(endedAt: number): Measured {
    const steadyState = this.steadyState(endedAt)
    const reachedAt = steadyState?.reachedAt ?? this.#startAt
    const chosen = this.#checkpoints.from(reachedAt - this.#startAt)
    const start = chosen?.checkpoint ?? { ...this.#newCheckpoint(), ...this.#recent.at(-1)! }
    this.#histograms.readAll()
    const whole = this.#histograms.counts.slice()
    const since = difference(whole, spread(start.counts))
    const completedCounts = stepsTogether(since)
    // CPU time is that of the last reading, because the server may have exited by now.
    const { client, server } = cpuBetween(start, this.#recent.at(-1)!)
    return {
      ...distributionsOf(whole, since, completedCounts),
      elapsedMs: Math.max(0, endedAt - this.#startAt),
      warmupMs: chosen?.afterMs ?? this.#options.warmupMs,
      steadyState,
      windowMs: chosen === undefined ? 0 : Math.max(0, endedAt - start.at),
      completed: completedCounts.reduce((sum, count) => sum + count, 0),
      failed: this.#since(start, field.failed),
      planned: this.#since(start, field.planned),
      sent: this.#since(start, field.sent),
      deliveries: this.#since(start, field.deliveries),
      timeSeries: chosen && this.#timeSeries.timeSeries(start.baseline, endedAt, completedCounts),
      clientCpuSeconds: client,
      serverCpuSeconds: server,
    }
  }

  /** The total of a counter since the workers were started. */
  total(counter: number): number {
    return this.#counters[counter]!
  }

  /** The sum of a level over all workers; a worker that has stopped keeps its last level. */
  level(name: number): number {
    return this.#options.slabs.reduce((sum, slab) => sum + Atomics.load(slab.fields, name), 0)
  }

  /** What came back so far that was not as expected, and how often each status came. */
  replies(): Replies {
    return readReplies(this.#options.slabs)
  }

  /** When the run starts, on the clock that all threads share. */
  startsAt(): number {
    return this.#options.slabs[0]!.instants[instant.start]!
  }

  /** Requests in flight: as the workers counted them in their slots, or derived while one still counts. */
  inFlight(): number {
    if (this.#options.slabs.every(hasStopped)) return this.level(field.inFlightAtEnd)
    return this.total(field.sent) - this.total(field.completed) - this.total(field.failed)
  }

  /** Failures by kind; only kinds with a count. */
  failures(): Partial<Record<FailureKind, number>> {
    const counts = failureKinds.map((kind, index) => [kind, this.total(field.failures + index)] as const)
    return Object.fromEntries(counts.filter(([, count]) => count > 0))
  }

  /**
   * By worker: requests sent, completed and failed, and those in flight as it counted them in its slots when it stopped
   * counting, for the audit. All four wrap at 2^32. If a worker died, its requests without a result count as in flight.
   */
  accounts(): { sent: number; completed: number; failed: number; inFlight: number }[] {
    return this.#options.slabs.map(slab => {
      const load = (name: number) => Atomics.load(slab.fields, name) >>> 0
      const [completed, failed, sent] = [load(field.completed), load(field.failed), load(field.sent)]
      const inFlight = hasStopped(slab) ? slab.fields[field.inFlightAtEnd]! : (sent - completed - failed) >>> 0
      return { sent, completed, failed, inFlight }
    })
  }

  /** Reads the sums first, because they must be of the same moment as the counters. */
  #readTimeSeries(): void {
    const completed = this.total(field.completed + roleIndex.request)
    const hasBegun = this.#readAt >= this.#startAt
    if (hasBegun) this.#timeSeries.readSums(this.#readAt, completed)
    this.#passCheckpoint()
    if (hasBegun) this.#timeSeries.readCounts(this.#readAt, () => this.#readResponses())
  }

  #passCheckpoint(): void {
    this.#checkpoints.pass(this.#readAt - this.#startAt, () => this.#newCheckpoint())
    if (this.#checkpoints.first !== undefined) this.#responsesAtCheckpoint ??= this.#readResponses()
  }

  #newCheckpoint(): Checkpoint {
    const [baseline, reading] = [this.#timeSeries.baseline(this.#readAt), this.#newReading()]
    this.#histograms.readAll()
    return { ...reading, counts: sparse(this.#histograms.counts), baseline }
  }

  #newReading(): Reading {
    return {
      at: this.#readAt,
      counters: this.#counters.slice(),
      clientCpu: this.#options.clientCpuSeconds(),
      serverCpu: this.#options.serverCpuSeconds(),
    }
  }

  #keepRecent(): void {
    this.#recent.push(this.#newReading())
    while (this.#recent.length > 2 && this.#readAt - this.#recent[1]!.at >= 1000) this.#recent.shift()
  }

  #readResponses(): SparseCounts {
    if (this.#responses === undefined) {
      this.#histograms.readSteps()
      this.#responses = sparse(this.#histograms.steps)
    }
    return this.#responses
  }

  #since(before: Reading, counter: number): number {
    return this.total(counter) - before.counters[counter]!
  }
}

/** Whether a worker has stopped counting. */
function hasStopped({ fields }: Slab): boolean {
  return Atomics.load(fields, field.state) === state.closed
}

function defined<T extends Record<string, number | undefined>>(values: T): { [K in keyof T]?: number } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: number
  }
}

function round3(value: number): number {
  return Math.round(value * 1000) / 1000
}
