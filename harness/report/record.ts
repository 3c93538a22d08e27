import type { Finding, Verdict } from '../audit/finding.ts'
import type { FailureKind } from '../failures.ts'
import type { Environment } from '../host/processes.ts'
import type { Interval, Quantiles } from '../metrics/snapshot.ts'
import type { Scenario } from '../scenario/scenario.ts'

export type { Environment, Finding, Interval, Verdict }

/** What is known of a run when it begins. */
export type RunFacts = Pick<
  Report,
  'tool' | 'scenario' | 'target' | 'seed' | 'environment' | 'startedAt' | 'transport' | 'transportReason' | 'workers'
>

export const reportSchema = 'volley.report/1'

/** The record of one run: what report.json holds, and all that the formats, `compare` and `check` see of it. */
export interface Report {
  readonly schema: typeof reportSchema
  readonly tool: { readonly name: 'volley'; readonly version: string }
  /** Resolved, in milliseconds and bytes; values out of the environment are `***`. */
  readonly scenario: Scenario
  /** The target's address as reached, or `***`. */
  readonly target: string
  readonly seed: number
  readonly environment: Environment
  readonly startedAt: string
  readonly transport: string
  /** Why it was not the epoll transport, where that was asked for or left open. */
  readonly transportReason?: string
  readonly workers: number
  /** The measured part. */
  readonly window: {
    readonly seconds: number
    readonly warmupSeconds: number
    readonly completed: number
    readonly failed: number
    /** From the start to the end, warm-up included. */
    readonly elapsedSeconds: number
    /** The run had not settled at its end, and went on for as long again. */
    readonly extended?: boolean
    /** Mode rate: requests that the plan had in the measured part, and those of them that were sent. */
    readonly planned?: number
    readonly sent?: number
  }
  /** The whole run, warm-up included: sent = completed + failed + inFlightAtEnd. */
  readonly totals: Totals
  readonly throughput: { readonly mean: number; readonly perSecond: readonly number[] }
  readonly latencyMs: {
    /** Of the measured part. In a closed loop the response time is the service time. */
    readonly response: Latency
    readonly service: Latency
    /** Mode rate: how late requests left though a connection was free, and how long others waited for one. */
    readonly clientLag?: Latency
    readonly admissionWait?: Latency
    /** How long requests took to fail, where any did: by a timeout, a broken connection, or a reply not as expected. */
    readonly failed?: Latency
    /** From the start of a connect to the open connection, of the whole run. */
    readonly connect: Latency
  }
  /** Where the protocol has messages that come without being asked for. */
  readonly deliveries?: DeliveriesRecord
  /** What the kernel knew of the TCP connections; the transport `node` cannot ask it. */
  readonly tcp?: TcpRecord
  /** UDP: what became of datagrams, over the whole run. */
  readonly datagrams?: DatagramRecord
  /** One for each step of the scenario, in its order, where there is more than one. */
  readonly steps: readonly { readonly name: string; readonly response: Latency }[]
  readonly intervals: readonly Interval[]
  readonly client: {
    readonly cpuMicrosPerRequest: number
    readonly cores: number
    readonly ceiling?: CeilingRecord
  }
  /** Where the target is ours or its process is known. */
  readonly server?: ServerRecord
  /** Mode search: all else in the report is of the highest rate that held, or of the last probe when none did. */
  readonly search?: SearchRecord
  readonly findings: readonly Finding[]
  readonly verdict: Verdict
  readonly thresholds: readonly ThresholdResult[]
  readonly interrupted: boolean
  /** Why the run could not go on to its end, such as a worker that died. */
  readonly error?: string
}

/** How the highest rate was looked for at which all thresholds hold, in requests a second. */
export interface SearchRecord {
  readonly highestHeld?: number
  readonly lowestFailed?: number
  readonly end: 'found' | 'client-limited' | 'bounds' | 'interrupted'
  readonly probes: readonly ProbeRecord[]
}

export interface ProbeRecord {
  readonly rate: number
  readonly outcome: 'held' | 'failed' | 'client-limited'
  readonly throughput: number
  /** Of the response time, in milliseconds. */
  readonly p50?: number
  readonly p99?: number
  /** Of those the ones that are only known to be more, as in `Latency`. */
  readonly lowerBounds?: readonly string[]
  readonly verdict: Verdict
  /** Thresholds that were missed, and codes of findings that told against it. */
  readonly why: readonly string[]
}

export interface Totals {
  readonly sent: number
  readonly completed: number
  readonly failed: number
  readonly inFlightAtEnd: number
  readonly bytesSent: number
  readonly bytesReceived: number
  /** Kinds with a count; kinds that concern a connect stand here but are not part of `failed`. */
  readonly failures: Readonly<Partial<Record<FailureKind, number>>>
  /** Replies to requests that had timed out, told by their ids; such a request has failed all the same. */
  readonly late?: number
  /** Connections opened, reopened ones included. */
  readonly connects: number
  /** What was sent besides the requests; counted apart. */
  readonly handshakes: { readonly sent: number; readonly completed: number }
  readonly heartbeats: { readonly sent: number; readonly completed: number }
}

/** Round-trip times as the kernel measured them, in milliseconds, over all connections that were asked. */
export interface TcpRecord {
  /** Right after the handshake, before anything was sent: the network alone. */
  readonly roundTripAtOpenMs: Spread
  /** Smoothed, at the end: under load it has the server's time in it. */
  readonly roundTripAtEndMs: Spread
  readonly leastRoundTripAtEndMs: Spread
  /** Segments sent anew over all connections. */
  readonly retransmits: number
}

/** What UDP does and TCP does not. */
export interface DatagramRecord {
  /** Requests that had no reply, not even a late one: they, or their replies, are taken for lost. Failures of kind `timeout`. */
  readonly lost: number
  /** Replies that came once more; no failures. */
  readonly duplicates: number
  /** Replies that one to a later request of the connection came before (RFC 4737), told by their ids. */
  readonly reordered: number
}

export interface Spread {
  readonly count: number
  readonly min: number
  readonly mean: number
  readonly max: number
}

/** Messages that came without being asked for, such as those of other clients. */
export interface DeliveriesRecord {
  /** In the whole run, the moment after its end included. */
  readonly count: number
  /** One to every other connection for each message that was acknowledged. */
  readonly expected: number
  /** Why that need not be so many. */
  readonly inexact?: string
  /** What a server of ours counted. */
  readonly serverSent?: number
  /** Of the measured part. */
  readonly perSecond: number
  /** Of the measured part and the moment after its end: from the stamp in a message to its delivery; nothing without stamps. */
  readonly latencyMs: Latency
}

export interface Latency extends Quantiles {
  /** Half of the 95 % interval of a quantile, in milliseconds, by its name; where the run was long enough for one. */
  readonly halfWidths?: Readonly<Record<string, number>>
  /** HdrHistogram, V2 compressed, base64; its unit is 100 ns. Absent where nothing was recorded. */
  readonly hdr?: string
}

/** What the client itself can do at most, where the throughput may be its limit and not the server's. */
export interface CeilingRecord {
  /** Requests of the same plan against a server that does nothing, for each second that the client was busy. */
  readonly nullPerSecond: number
  /** It was measured at an earlier run on this machine. */
  readonly cached: boolean
}

export interface ServerRecord {
  /** What the server counted itself; absent for a server that is not ours. */
  readonly requests?: number
  readonly cpuMicrosPerRequest?: number
  readonly cores?: number
}

export interface ThresholdResult {
  readonly expression: string
  /** In the threshold's own unit: requests a second, a fraction, or milliseconds; absent where nothing was measured. */
  readonly actual?: number
  /** What was measured is more than `actual`: requests without a reply may have taken any time. */
  readonly isBound?: true
  readonly ok: boolean
}
