import type { Subject } from './subject.ts'
import type { Bench } from './workbench.ts'

/** How a server came through a trial. */
export type TrialVerdict = 'pass' | 'fail' | 'skipped'

/** One thing that is done to a server. */
export interface Trial {
  readonly name: string
  /** What it does, and what is wanted of the server, in one line. */
  readonly does: string
  /** Why it is not for such a server; undefined where it is. */
  readonly unfit?: (subject: Subject) => string | undefined
  /** Tells what was seen of a server that comes through; throws a ServerFault with what was seen of one that does not. */
  run(bench: Bench): Promise<string>
  /** Its messages announce far more than they have: memory set aside for that, though never touched, is a fault. */
  readonly announces?: true
  /** What the server may take besides what every trial allows, in bytes. */
  readonly memoryBytes?: (subject: Subject) => number
}

/** What came of a trial. */
export interface TrialResult {
  readonly name: string
  readonly does: string
  readonly verdict: TrialVerdict
  readonly detail: string
  readonly elapsedMs: number
  /** How far the server's memory rose over what it was before, where it is watched. */
  readonly memoryRoseBytes?: number
}

/** What a server did wrong, as seen from outside. */
export class ServerFault extends Error {
  override readonly name = 'ServerFault'
}
