import type { CeilingRecord } from '../audit/ceiling.ts'
import type { Finding, Verdict } from '../audit/finding.ts'
import type { WorkerTrial } from '../audit/workerTrial.ts'
import type { Environment } from '../host/processes.ts'
import type { SampleRecord } from '../metrics/replies.ts'
import type { Interval } from '../metrics/snapshot.ts'
import type { Gap, Stall } from '../metrics/stallHistory.ts'
import type { DatagramRecord, DeliveriesRecord, Latency, TcpRecord, Totals } from '../metrics/totals.ts'
import type { Scenario } from '../scenario/scenario.ts'
import type { BufferSizes } from '../socketOptions.ts'

export type { Environment, Finding, Interval, SampleRecord, Verdict }

/** The part of a report that is known when the run begins. */
export type RunFacts = Pick<
  Report,
  | 'tool'
  | 'scenario'
  | 'target'
  | 'seed'
  | 'environment'
  | 'startedAt'
  | 'transport'
  | 'transportReason'
  | 'workers'
  | 'sourceAddresses'
  | 'socketBuffers'
>

export const reportSchema = 'volley.report/1'

/** The record of one run: the content of report.json, and all that formats and `compare` see of a run. */
export interface Report {
  readonly schema: typeof reportSchema
  readonly tool: { readonly name: 'volley'; readonly version: string }
  /** Resolved, in milliseconds and bytes; values from environment variables are `***`. */
  readonly scenario: Scenario
  /** The address that was connected to, or `***`. */
  readonly target: string
  readonly seed: number
  readonly environment: Environment
  readonly startedAt: string
  readonly transport: string
  /** Why the epoll transport was not used, if it was asked for or left open. */
  readonly transportReason?: string
  readonly workers: number
  /** Addresses that the run connected from by itself, because one has too few ports for it; absent where the scenario decides. */
  readonly sourceAddresses?: readonly string[]
  /** What the kernel gives in place of the buffers that the scenario asks for, in bytes; absent where it asks for none. */
  readonly socketBuffers?: BufferSizes
  /** The measured part. */
  readonly window: {
    readonly seconds: number
    readonly warmupSeconds: number
    readonly completed: number
    readonly failed: number
    /** From the start to the end, warm-up included. */
    readonly elapsedSeconds: number
    /** The run had no steady state at its end, and was extended by its own length. */
    readonly extended?: boolean
    /** Mode rate: requests planned in the measured part, and those of them that were sent. */
    readonly planned?: number
    readonly sent?: number
  }
  /** The whole run, warm-up included: sent = completed + failed + inFlightAtEnd. */
  readonly totals: Totals
  readonly throughput: { readonly mean: number; readonly perSecond: readonly number[] }
  /**
   * For the measured part: the share of the connection time wanted in which connections could be used. A connection that
   * was lost by a failure, or cannot be opened, is missing until it is ready again.
   */
  readonly availability?: number
  readonly latencyMs: {
    /** For the measured part. In a closed loop the service time is the response time. */
    readonly response: Latency
    readonly service: Latency
    /** Mode rate: how late requests left although a connection was free, and how long others waited for one. */
    readonly clientLag?: Latency
    readonly admissionWait?: Latency
    /** How long requests took to fail, if any did: by a timeout, a broken connection or a wrong reply. */
    readonly failed?: Latency
    /** From the start of a connect to the open connection, for the whole run. */
    readonly connect: Latency
  }
  /** Only for protocols with deliveries: messages that no request asked for. */
  readonly deliveries?: DeliveriesRecord
  /** Kernel statistics of the TCP connections; absent with the transport `node`, which cannot read them. */
  readonly tcp?: TcpRecord
  /** UDP: lost, duplicate and reordered datagrams of the whole run. */
  readonly datagrams?: DatagramRecord
  /** One for each step of the scenario, if there are several. */
  readonly steps: readonly {
    readonly name: string
    readonly response: Latency
    /** Requests that failed after they were sent, in the whole run. */
    readonly failed?: number
    /** Requests sent that expect no reply, in the whole run. */
    readonly oneWay?: number
  }[]
  /** The first reply of each kind that was not as expected; absent in reports of earlier versions. */
  readonly samples?: readonly SampleRecord[]
  /** Mode once: what came of the pass over the steps; the verdict is about accounts alone. */
  readonly pass?: PassOutcome
  /** Mode once: the first reply to each step, in their order. */
  readonly replies?: readonly SampleRecord[]
  /** HTTP: how many replies to requests of the loop came with each status. */
  readonly statusCodes?: Readonly<Record<string, number>>
  /** RESP: errors that failed their requests, by their first word. */
  readonly errorReplies?: Readonly<Record<string, number>>
  /** Only if not one whole message came back: what came to what was sent, and what to try. */
  readonly silence?: string
  readonly intervals: readonly Interval[]
  readonly client: {
    readonly cpuMicrosPerRequest: number
    readonly cores: number
    /** In the measured part, the longest time that a worker's loop woke late with requests in flight: 5 ms or more. */
    readonly stall?: Stall
    /** In the measured part, the longest time between two readings by the main thread, due every 100 ms: 200 ms or more. */
    readonly readingGap?: Gap
    readonly ceiling?: CeilingRecord
    /** What one worker more found in a short trial after the run. */
    readonly trial?: WorkerTrial
  }
  /** For a reference server, or when the target's process is known. */
  readonly server?: ServerRecord
  /** What other programs did on this machine in the measured part; absent where the system does not say. */
  readonly machine?: MachineRecord
  /** Mode search: the rest of the report is of the highest rate that passed, or of the last probe if none did. */
  readonly search?: SearchRecord
  readonly findings: readonly Finding[]
  readonly verdict: Verdict
  readonly thresholds: readonly ThresholdResult[]
  readonly interrupted: boolean
  /** Why the run stopped early, such as a worker that exited. */
  readonly error?: string
}

/** What came of a run in mode once: a pass over the steps on each connection. */
export interface PassOutcome {
  /** Steps that were answered as expected, over all connections, and all that there were. */
  readonly answered: number
  readonly steps: number
  /** Of the former, those that expect no reply and were sent; absent where there are none. */
  readonly oneWay?: number
  readonly isAsExpected: boolean
}

/** A search for the highest rate that passes all thresholds, in requests per second. */
export interface SearchRecord {
  readonly highestHeld?: number
  readonly lowestFailed?: number
  /** The lowest rate at which the client could not tell whether the server holds it. */
  readonly clientLimitedAt?: number
  /** `interrupted` also where a probe ended early or could not begin. */
  readonly end: 'found' | 'client-limited' | 'bounds' | 'interrupted'
  readonly probes: readonly ProbeRecord[]
}

export interface ProbeRecord {
  readonly rate: number
  /**
   * `client-limited`: neither held nor failed, because the failure was the client's own or its machine's; `cut-short`:
   * the probe was stopped before its end, which says nothing of the rate.
   */
  readonly outcome: 'held' | 'failed' | 'client-limited' | 'cut-short'
  readonly throughput: number
  /** Response times in milliseconds. */
  readonly p50?: number
  readonly p99?: number
  /** Names of those that are only lower bounds, as in `Quantiles`. */
  readonly lowerBounds?: readonly string[]
  readonly verdict: Verdict
  /** Thresholds that were missed, and codes of findings that count against the probe. */
  readonly why: readonly string[]
}

export interface ServerRecord {
  /** Counted by the server itself; absent unless it is a reference server. */
  readonly requests?: number
  readonly cpuMicrosPerRequest?: number
  readonly cores?: number
}

/** Other programs, and waits for a core; shares are of the time, and cores of the machine that the client runs on. */
export interface MachineRecord {
  readonly otherCores: number
  /** How many cores the client may use, where the machine has more: `otherCores` are of these. */
  readonly cores?: number
  /** The busiest programs besides client and server. */
  readonly programs: readonly { readonly name: string; readonly cores: number }[]
  /** For how long a busy thread of the client, and of a local server, waited for a core. */
  readonly waitShare?: number
  readonly serverWaitShare?: number
  /** In place of both, where the kernel does not say them: the time in which any thread waited. */
  readonly pressureShare?: number
  /** The program that was taken for the server and left out, because the process at the target's address was not found. */
  readonly takenForServer?: string
}

export interface ThresholdResult {
  readonly expression: string
  /** In the unit of the threshold: requests per second, a fraction, or milliseconds; absent if nothing was measured. */
  readonly actual?: number
  /** `actual` is a lower bound: requests without a reply may have taken any time. */
  readonly isBound?: true
  readonly ok: boolean
}
