import type { Subject } from './subject.ts'
import type { Workbench } from './workbench.ts'

/** One thing that is done to a server. */
export interface Trial {
  readonly name: string
  /** What it does, and what is wanted of the server, in one line. */
  readonly does: string
  /** Why it is not for such a server; undefined where it is. */
  readonly unfit?: (subject: Subject) => string | undefined
  /** Tells what was seen of a server that comes through; throws a ServerFault with what was seen of one that does not. */
  run(workbench: Workbench): Promise<string>
  /** Its messages announce far more than they have: memory set aside for that, though never touched, is a fault. */
  readonly announces?: true
  /** What the server may take besides what every trial allows, in bytes. */
  readonly memoryBytes?: (subject: Subject) => number
}
