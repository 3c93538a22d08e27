import type { FailureKind } from '../failures.ts'

export type Phase = 'opening' | 'warm-up' | 'measuring' | 'draining'

/** Milliseconds; a quantile that too few samples stand behind is absent. */
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
  /** Quantiles with fewer than a hundred samples beyond them, by name: they are an indication. */
  readonly indicative?: readonly string[]
  /** Requests without a reply, where there are any: failed, given up, or waiting when the books were closed. */
  readonly censored?: number
  /** Quantiles that lie among those, by name: they are more than the value given. */
  readonly lowerBounds?: readonly string[]
}

/** How far a run is. */
export interface Progress {
  /** Since the run's start, which is when the first request was let go. */
  readonly elapsedMs: number
  readonly phase: Phase
  /** Warm-up and measured part together; absent where the number of requests ends the run. */
  readonly totalMs?: number
}

/** What the run looks like at one moment; plain, so that a screen, a journal or another machine can take it. */
export interface Snapshot extends Progress {
  /** Since the start, warm-up included. */
  readonly sent: number
  readonly completed: number
  readonly failed: number
  readonly inFlight: number
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly failures: Readonly<Partial<Record<FailureKind, number>>>
  readonly connections: { readonly open: number; readonly wanted: number }
  /** Completed requests a second over the last second, and what was written and read meanwhile. */
  readonly requestsPerSecond: number
  readonly bytesPerSecond: { readonly sent: number; readonly received: number }
  /** Messages a second that came without being asked for, where any do. */
  readonly deliveriesPerSecond?: number
  /** One value a second since the start, the newest last; at most as many as a screen is wide. */
  readonly history: readonly number[]
  /** Response times since the warm-up's end, or since the start while it lasts. */
  readonly response: Quantiles
  /** Response times in equal logarithmic steps from `fromMs` to `toMs`, for a small picture. */
  readonly distribution: { readonly fromMs: number; readonly toMs: number; readonly counts: readonly number[] }
  /** Cores in use over the last second: 0.92 is 92 % of one core. */
  readonly clientCores: number
  /** Absent where the target's process is not known. */
  readonly server?: { readonly cores: number; readonly cpuMicrosPerRequest?: number }
}

/** What stays the same over a run, for the head of a screen. */
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
}

/** One second of the run. */
export interface Interval {
  /** 1 for the first second since the start. */
  readonly second: number
  readonly warmup: boolean
  readonly completed: number
  readonly failed: number
  readonly perSecond: number
  /** Written and read in this second, handshakes and heartbeats included. */
  readonly bytesSent: number
  readonly bytesReceived: number
  /** Connections that were open at its end, and those opened in it. */
  readonly connections: number
  readonly connects: number
  readonly p50?: number
  readonly p90?: number
  readonly p99?: number
  readonly max?: number
  readonly clientCores: number
  readonly serverCores?: number
  /** Resident memory of the client process; the heap of its workers, but for what the next collection takes away. */
  readonly rssBytes: number
  readonly heapBytes: number
}
