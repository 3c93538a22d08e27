import type { FailureCounts } from '../failures.ts'

/** Seconds of throughput that a snapshot has. */
export const historyMax = 300

export type Phase = 'opening' | 'warm-up' | 'measuring' | 'draining'

/** In milliseconds; quantiles with too few samples are absent. */
export interface Quantiles {
  readonly count: number
  readonly mean: number
  readonly p50?: number
  readonly p75?: number
  readonly p90?: number
  readonly p95?: number
  readonly p99?: number
  readonly p999?: number
  readonly p9999?: number
  readonly max: number
  /** Names of quantiles with fewer than 100 samples beyond them, which are only an indication. */
  readonly indicative?: readonly string[]
  /** Requests without a reply, if there are any: failed, given up, or in flight at the end. */
  readonly censored?: number
  /** Names of quantiles among those requests; their values are lower bounds. */
  readonly lowerBounds?: readonly string[]
}

/** The progress of a run. */
export interface Progress {
  /** Since the start of the run, when the first request was sent. */
  readonly elapsedMs: number
  readonly phase: Phase
  /** Length of warm-up and measured part together; absent if a number of requests ends the run. */
  readonly totalMs?: number
}

/** The figures of a run at one moment; plain data, so that it can be shown, saved or sent to another machine. */
export interface Snapshot extends Progress {
  /** Since the start, warm-up included. */
  readonly sent: number
  readonly completed: number
  readonly failed: number
  readonly inFlight: number
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly failures: FailureCounts
  readonly connections: { readonly open: number; readonly wanted: number }
  /** Requests completed per second, and bytes written and read per second, over the last second. */
  readonly requestsPerSecond: number
  readonly bytesPerSecond: { readonly sent: number; readonly received: number }
  /** Messages per second that no request asked for, if there are any. */
  readonly deliveriesPerSecond?: number
  /** Requests per second for each of the last 300 seconds (`historyMax`), the newest last. */
  readonly history: readonly number[]
  /** Response times since the end of the warm-up, or since the start during the warm-up. */
  readonly response: Quantiles
  /** Counts of response times in equal logarithmic steps from `fromMs` to `toMs`, for a bar chart. */
  readonly distribution: { readonly fromMs: number; readonly toMs: number; readonly counts: readonly number[] }
  /** Cores in use over the last second: 0.92 is 92 % of one core. */
  readonly clientCores: number
  /** Absent if the target's process is not known. */
  readonly server?: { readonly cores: number; readonly cpuMicrosPerRequest?: number }
}

/** What stays the same during a run, for the top of a screen. */
export interface RunTitle {
  readonly name: string
  /** Such as `tlv over tcp://127.0.0.1:41233`. */
  readonly what: string
  /** Such as `loop, 10 connections x 1`. */
  readonly load: string
  /** Such as `node, 1 worker`. */
  readonly how: string
  readonly warmupMs: number
  readonly requests?: number
  /** The time after which a run ends that has not made all of its requests before, where one is set. */
  readonly countedMsMax?: number
}

/** One second of the run, or the part of one with which it ends. */
export interface Interval {
  /** 1 for the first second since the start. */
  readonly second: number
  /** Its length where that is less than a second: the last one of a run that ends within it. */
  readonly seconds?: number
  readonly warmup: boolean
  readonly completed: number
  readonly failed: number
  /** Failures of the second by kind, those of connects included; absent if there were none. */
  readonly failures?: FailureCounts
  /** The share of the wanted connection time in which the connections could be used; absent where that is all of it. */
  readonly availability?: number
  /** No connection was wanted in it, as between the stages of a load: it says nothing about the server. */
  readonly unwanted?: true
  readonly perSecond: number
  /** Written and read in this second, including handshakes and heartbeats. */
  readonly bytesSent: number
  readonly bytesReceived: number
  /** Connections open at the end of the second, and those opened during it. */
  readonly connections: number
  readonly connects: number
  readonly p50?: number
  readonly p90?: number
  readonly p99?: number
  readonly max?: number
  readonly clientCores: number
  readonly serverCores?: number
  /** Cores that programs used which are neither the client nor the server, from the kernel's ticks; absent where unknown. */
  readonly otherCores?: number
  /** A round trip of a cache line between two cores, in nanoseconds; absent where it was not measured in this second. */
  readonly coreDistanceNs?: number
  /** Resident memory of the client process, and the heap of its workers, including garbage. */
  readonly rssBytes: number
  readonly heapBytes: number
}
