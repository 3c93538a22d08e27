import { Heap } from '../../harness/heap.ts'

/** A job with a due time; of jobs that are due at the same instant the one with the lower `sequence` comes first. */
export interface Due {
  dueMs: number
  sequence: number
}

/** Jobs in the order of their due times. */
export class DueJobs<Job extends Due> {
  readonly #jobs = new Heap<Job>(isSooner)

  get count(): number {
    return this.#jobs.length
  }

  /** The soonest due time; Infinity when there is no job. */
  get soonestMs(): number {
    return this.#jobs.first?.dueMs ?? Number.POSITIVE_INFINITY
  }

  add(job: Job): void {
    this.#jobs.add(job)
  }

  /** Removes and returns the soonest job if it is due; otherwise returns undefined. */
  takeDue(nowMs: number): Job | undefined {
    return this.soonestMs <= nowMs ? this.#jobs.takeFirst() : undefined
  }
}

function isSooner(a: Due, b: Due): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.sequence < b.sequence)
}
