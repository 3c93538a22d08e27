import type { Subject } from './subject.ts'
import type { Workbench } from './workbench.ts'

/** One thing that is done to a server. */
export interface Trial {
  readonly name: string
  /** One line: what it does, and what the server must do. */
  readonly does: string
  /** Why the trial does not apply to this server; undefined if it does. */
  readonly unfit?: (subject: Subject) => string | undefined
  /** Resolves with what a server that passes did; throws a ServerFault with what a server that fails did. */
  run(workbench: Workbench): Promise<string>
  /** Its messages announce far more bytes than they have: memory allocated for that is a fault even if it is never touched. */
  readonly announces?: true
  /** Bytes of memory that the server may use beyond what every trial allows. */
  readonly memoryBytes?: (subject: Subject) => number
}
