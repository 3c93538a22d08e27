import type { Limit } from './limit/limit.ts'
import type { Peers } from './peers/peers.ts'
import type { Processes } from './processes.ts'
import type { GoalRecord, Settings } from './results.ts'

/** What a goal measures with. */
export interface Bench {
  readonly settings: Settings
  readonly cores: Cores
  readonly peers: Peers
  /** The C programs; a text says why there are none. */
  readonly limit: Limit | string
  readonly processes: Processes
  /** For files that go with the bench. */
  readonly folder: string
  readonly signal: AbortSignal
  /** Tells how it goes. */
  log(text: string): void
}

/** Which cores clients and servers are held to; undefined where they run where they like. */
export interface Cores {
  readonly count: number
  readonly client: string | undefined
  readonly server: string | undefined
}

/** One of P1 to P9. */
export interface Goal {
  readonly id: string
  readonly title: string
  /** Measures it; what cannot be measured is a row that says why. */
  measure(bench: Bench): Promise<Omit<GoalRecord, 'id' | 'title'>>
}
