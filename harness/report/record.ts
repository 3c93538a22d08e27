import type { CeilingRecord } from '../audit/ceiling.ts'
import type { Finding, Verdict } from '../audit/finding.ts'
import type { Environment } from '../host/processes.ts'
import type { Interval } from '../metrics/snapshot.ts'
import type { DatagramRecord, DeliveriesRecord, Latency, TcpRecord, Totals } from '../metrics/totals.ts'
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
