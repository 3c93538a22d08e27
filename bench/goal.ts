import type { Limit } from './limit/limit.ts'
import type { Peers } from './peers/peers.ts'
import type { Processes } from './processes.ts'
import type { GoalRecord, Settings } from './results.ts'

/** Everything that a goal needs to measure. */
export interface Bench {
  readonly settings: Settings
  readonly cores: Cores
  readonly peers: Peers
  /** The C programs, or the reason why there are none. */
  readonly limit: Limit | string
  readonly processes: Processes
  /** For temporary files, removed with the bench. */
  readonly folder: string
  readonly signal: AbortSignal
  /** Reports progress. */
  log(text: string): void
}

/** The cores that clients and servers are pinned to; undefined if they are not pinned. */
export interface Cores {
  readonly count: number
  readonly client: string | undefined
  readonly server: string | undefined
}

/** One of P1 to P12. */
export interface Goal {
  readonly id: string
  readonly title: string
  /** Measures the goal; a row that cannot be measured says why. */
  measure(bench: Bench): Promise<Omit<GoalRecord, 'id' | 'title'>>
}
