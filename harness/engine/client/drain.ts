import { control, field, type Slab } from '../../metrics/slab.ts'
import type { WorkerPlan } from '../../plan/plan.ts'

/** How long replies still on their way are waited for at the end, so that the server has seen every request. */
const drainMsMax = 1000
/** How soon it is noticed that all workers are done. */
const controlMs = 100

/**
 * How long a client waits after it has stopped counting. One that has links which only listen, and whose requests were done
 * before those of other workers, waits for these as well: what they send is due on its links.
 */
export class Drain {
  readonly #fields: Int32Array
  #awaitsOthers: boolean
  #waitMs = 0
  #until = Number.POSITIVE_INFINITY

  constructor({ fields }: Slab, { awaitsOthers }: Pick<WorkerPlan, 'awaitsOthers'>) {
    this.#fields = fields
    this.#awaitsOthers = awaitsOthers === true
  }

  /** Counting has stopped; no reply is worth waiting for longer than `replyWaitMsMax`. */
  begin(now: number, replyWaitMsMax: number): void {
    this.#waitMs = Math.min(drainMsMax, replyWaitMsMax)
    this.#until = now + this.#waitMs
  }

  /** When to leave, or to ask again. */
  until(now: number): number {
    if (!this.#awaitsOthers) return this.#until
    if (Atomics.load(this.#fields, field.control) !== control.stop) return now + controlMs
    this.#awaitsOthers = false
    this.#until = now + this.#waitMs
    return this.#until
  }
}
