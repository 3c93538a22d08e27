import { type FailureCounts, failureCounts } from '../failures.ts'
import { accountsOf, hasStopped, type WorkerAccount } from './accounts.ts'
import { Checkpoints } from './checkpoints.ts'
import { countsLength, difference } from './histogram.ts'
import { HistogramTotals, stepsTogether } from './histogramTotals.ts'
import { distributionsOf, type Measured } from './measured.ts'
import { distributionOf, quantilesOfCounts } from './quantiles.ts'
import { availabilityBetween, cpuBetween, type Reading, usageBetween } from './reading.ts'
import { type Replies, readReplies } from './replies.ts'
import { type Counted, countedBetween, divided, secondLengths } from './seconds.ts'
import { counterFields, field, instant, roleIndex, type Slab, sum } from './slab.ts'
import { historyMax, type Interval, type Progress, type Snapshot } from './snapshot.ts'
import { type SparseCounts, sparse, sparseSince, spread } from './sparseCounts.ts'
import { type Gap, LongestGaps, StallHistory } from './stallHistory.ts'
import { findSteadyState, type SteadyState } from './steadyState.ts'
import { type Baseline, TimeSeriesHistory } from './timeSeries.ts'

/** How often all histograms are read: no 32-bit count can wrap in that time. */
const readAllSeconds = 60
/** Readings are due every 100 ms: a longer time between two of them shows that this thread stood still. */
const readingGapMsMin = 200
/** The longest that the measured part of a constant plan begins before a request that is due at its start. */
const earlyMsMax = 25

export interface CollectorOptions {
  readonly slabs: readonly Slab[]
  readonly connections: number
  /** The time before the measured part; the minimum if the warm-up is automatic. */
  readonly warmupMs: number
  readonly isWarmupAutomatic: boolean
  /** Mode rate with one rate and constant gaps: that rate. */
  readonly constantPerSecond?: number | undefined
  /** User and system time of this process, and of the server's if it is known, in seconds. */
  readonly clientCpuSeconds: () => number
  readonly serverCpuSeconds: () => number | undefined
  readonly rssBytes: () => number
  /** Cores that other programs used since it was last asked, once a second. */
  readonly otherCores?: () => number | undefined
  /** How far the cores were apart since it was last asked, once a second. */
  readonly coreDistanceNs?: () => number | undefined
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
  readonly #stalls: StallHistory
  readonly #readingGaps = new LongestGaps<Gap>()
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
    this.#stalls = new StallHistory(slabs)
    this.#checkpoints = new Checkpoints(options.warmupMs, options.isWarmupAutomatic, this.#earlyMs)
    this.#secondStart = this.#newReading()
    this.#keepRecent()
  }

  /**
   * When the reading is due with which the measured part begins, since the start. In a constant plan a request is due
   * exactly at the end of the warm-up: half a gap before it, the reading has it for certain in the measured part.
   */
  get measuredAfterMs(): number {
    return Math.max(0, this.#options.warmupMs - this.#earlyMs)
  }

  get #earlyMs(): number {
    const { constantPerSecond } = this.#options
    return constantPerSecond === undefined ? 0 : Math.min(earlyMsMax, 500 / constantPerSecond)
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
    const gapMs = now - this.#readAt
    if (gapMs >= readingGapMsMin && this.#readAt >= this.#startAt) {
      this.#readingGaps.add({ ms: gapMs, atMs: this.#readAt - this.#startAt })
    }
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
    this.#stalls.read()
    this.#readTimeSeries()
    this.#keepRecent()
  }

  /**
   * Ends the seconds that are over as of the last reading, and where the run has ended at `endedAt` all that is left of it;
   * that reading must be of a later moment than the end. Keeps and returns their intervals.
   */
  endSeconds(endedAt?: number): Interval[] {
    const first = this.intervals.length
    const elapsedMs = (endedAt ?? this.#readAt) - this.#startAt - first * 1000
    const lengths = secondLengths(elapsedMs, endedAt !== undefined)
    if (lengths.length === 0) return []
    // Of so many seconds together one may be that in which all histograms are due.
    if ((readAllSeconds - (first % readAllSeconds)) % readAllSeconds < lengths.length) this.#histograms.readAll()
    const counted = this.#endSecond(endedAt ?? Number.POSITIVE_INFINITY)
    const intervals = divided(counted, lengths).map((part, at) => ({
      second: first + at + 1,
      ...(lengths[at]! < 1 && { seconds: Math.round(lengths[at]! * 1000) / 1000 }),
      // By its planned start, because the reading that ends a second is always a little late.
      warmup: (first + at) * 1000 < this.#options.warmupMs,
      ...part,
    }))
    this.intervals.push(...intervals)
    return intervals
  }

  /** What was counted since the reading that ended the last second, of a run that ends at `endedAt`. */
  #endSecond(endedAt: number): Counted {
    const [before, after, responses] = [this.#secondStart, this.#newReading(), this.#readResponses()]
    const response = quantilesOfCounts(sparseSince(responses, this.#responsesAtSecondStart))
    this.#secondStart = after
    this.#responsesAtSecondStart = responses
    return countedBetween(before, after, {
      endedAt,
      response,
      connections: this.level(field.open),
      otherCores: this.#options.otherCores?.(),
      coreDistanceNs: this.#options.coreDistanceNs?.(),
      rssBytes: this.#options.rssBytes(),
      heapBytes: this.level(field.heapKiB) * 1024,
    })
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
    const { slabs } = this.#options
    return slabs.every(hasStopped)
      ? Math.max(...slabs.map(({ instants }) => instants[instant.end]!)) - sharedOffsetMs
      : undefined
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
    const last = this.#recent.at(-1)!
    const { client, server } = cpuBetween(start, last)
    const startMs = start.at - this.#startAt
    return {
      ...distributionsOf(whole, since, completedCounts),
      elapsedMs: Math.max(0, endedAt - this.#startAt),
      warmupMs: chosen?.afterMs ?? this.#options.warmupMs,
      steadyState,
      windowMs: chosen === undefined ? 0 : this.#windowMs(start, endedAt),
      completed: completedCounts.reduce((sum, count) => sum + count, 0) + this.#since(start, field.oneWay),
      failed: this.#since(start, field.failed),
      planned: this.#since(start, field.planned),
      sent: this.#since(start, field.sent),
      deliveries: this.#since(start, field.deliveries),
      timeSeries: chosen && this.#timeSeries.timeSeries(start.baseline, endedAt, completedCounts),
      activity: chosen === undefined ? [] : this.#timeSeries.activity(start.at, endedAt, this.#startAt),
      availability: availabilityBetween(start, last),
      stall: this.#stalls.since(startMs),
      readingGap: this.#readingGaps.since(startMs),
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
  failures(): FailureCounts {
    return failureCounts(index => this.total(field.failures + index))
  }

  /** Whether no connection of a worker that still counts has answered a request since its last failure. */
  isFailing(): boolean {
    const counting = this.#options.slabs.filter(slab => !hasStopped(slab))
    return counting.length > 0 && counting.every(({ fields }) => Atomics.load(fields, field.linksInService) === 0)
  }

  /** By worker: its requests, for the audit. */
  accounts(): WorkerAccount[] {
    return accountsOf(this.#options.slabs)
  }

  /** Reads the sums first, because they must be of the same moment as the counters. */
  #readTimeSeries(): void {
    const hasBegun = this.#readAt >= this.#startAt
    if (hasBegun) this.#timeSeries.readSums(this.#readAt, counter => this.total(counter))
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
      wantedMs: this.#sum(sum.wantedMs),
      downMs: this.#sum(sum.downMs),
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

  /**
   * The length of the part since a reading. With constant gaps it is that of its planned requests: cut anywhere else, a
   * part of a few requests would show a rate that was never asked for.
   */
  #windowMs(start: Reading, endedAt: number): number {
    const windowMs = Math.max(0, endedAt - start.at)
    const { constantPerSecond } = this.#options
    if (constantPerSecond === undefined) return windowMs
    const planned = this.#since(start, field.planned)
    const gapMs = 1000 / constantPerSecond
    return planned > 0 && Math.abs(planned * gapMs - windowMs) <= gapMs ? planned * gapMs : windowMs
  }

  #sum(name: number): number {
    return this.#options.slabs.reduce((total, { sums }) => total + sums[name]!, 0)
  }
}

function defined<T extends Record<string, number | undefined>>(values: T): { [K in keyof T]?: number } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: number
  }
}
