import { field, type Slab, state } from './slab.ts'

/** The requests of one worker, each figure counted independently of the others; all of them wrap at 2^32. */
export interface WorkerAccount {
  readonly sent: number
  readonly completed: number
  readonly failed: number
  readonly inFlight: number
}

/** Whether a worker has stopped counting. */
export function hasStopped({ fields }: Slab): boolean {
  return Atomics.load(fields, field.state) === state.closed
}

/**
 * By worker: requests sent, completed and failed, and those in flight as it counted them in its slots when it stopped
 * counting, for the audit. If a worker died, its requests without a result count as in flight.
 */
export function accountsOf(slabs: readonly Slab[]): WorkerAccount[] {
  return slabs.map(slab => {
    const load = (name: number) => Atomics.load(slab.fields, name) >>> 0
    const [completed, failed, sent] = [load(field.completed), load(field.failed), load(field.sent)]
    const inFlight = hasStopped(slab) ? slab.fields[field.inFlightAtEnd]! : (sent - completed - failed) >>> 0
    return { sent, completed, failed, inFlight }
  })
}
