/** What becomes due at an instant; `sequence` puts in order what is due at the same one. */
export interface Due {
  dueMs: number
  sequence: number
}

/** Jobs with the soonest on top: a binary heap, of any length. */
export class DueJobs<Job extends Due> {
  readonly #heap: Job[] = []

  get count(): number {
    return this.#heap.length
  }

  /** The soonest due time; Infinity when there is none. */
  get soonestMs(): number {
    return this.#heap[0]?.dueMs ?? Number.POSITIVE_INFINITY
  }

  add(job: Job): void {
    const heap = this.#heap
    let place = heap.length
    heap.push(job)
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (!isSooner(job, heap[parent]!)) break
      heap[place] = heap[parent]!
      place = parent
    }
    heap[place] = job
  }

  /** Takes off the soonest job when it is due. */
  takeDue(nowMs: number): Job | undefined {
    const heap = this.#heap
    const taken = heap[0]
    if (taken === undefined || taken.dueMs > nowMs) return undefined
    const last = heap.pop()!
    if (heap.length > 0) this.#siftDown(last)
    return taken
  }

  #siftDown(job: Job): void {
    const heap = this.#heap
    let place = 0
    for (;;) {
      let child = 2 * place + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isSooner(heap[child + 1]!, heap[child]!)) child++
      if (!isSooner(heap[child]!, job)) break
      heap[place] = heap[child]!
      place = child
    }
    heap[place] = job
  }
}

function isSooner(a: Due, b: Due): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.sequence < b.sequence)
}
