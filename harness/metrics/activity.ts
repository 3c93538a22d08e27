import { History } from './history.ts'
import { field, type Slab } from './slab.ts'

const windowMs = 100
const windowsMax = 4096

/** A part of a run, of 100 ms or longer in a long run: whether the server sent anything, and what waited for it. */
export interface Activity {
  /** Since the start of the run. */
  readonly fromMs: number
  readonly toMs: number
  readonly bytesReceived: number
  /** Requests without a reply that the kernel took, as the server had read what was before them. */
  readonly oneWay: number
  /** At its end: requests without a reply, planned requests without a connection, and links that are being opened. */
  readonly awaited: number
  /** At its end: links that are wanted, and those of them that are down. */
  readonly wanted: number
  readonly down: number
}

type Levels = Omit<Activity, 'fromMs' | 'toMs'>

/** A bounded history of what came from the server and what waited for it. */
export class ActivityHistory {
  readonly #slabs: readonly Slab[]
  readonly #readings = new History<Levels>(windowMs, windowsMax)
  /** The latest reading, which may be too soon after the one before to be kept. */
  #last: { readonly at: number; readonly reading: Levels } | undefined

  constructor(slabs: readonly Slab[]) {
    this.#slabs = slabs
  }

  /** Takes the levels of the slabs at the moment at which the counters had these totals. */
  read(at: number, total: (counter: number) => number): void {
    const inFlight = total(field.sent) - total(field.completed) - total(field.failed)
    const level = (name: number) => this.#slabs.reduce((sum, { fields }) => sum + Atomics.load(fields, name), 0)
    const reading = {
      bytesReceived: total(field.bytesReceived),
      oneWay: total(field.oneWay),
      awaited: inFlight + level(field.opening) + level(field.waiting),
      wanted: level(field.wanted),
      down: level(field.down),
    }
    this.#last = { at, reading }
    this.#readings.add(at, () => reading)
  }

  /** The windows between two times, up to the very end: the last of them may be shorter. */
  between(from: number, to: number, startAt: number): Activity[] {
    const kept = this.#readings.since(from)
    const last = this.#last
    const readings = last !== undefined && last.at > (kept.at(-1)?.at ?? last.at) ? [...kept, last] : kept
    return readings.slice(1).flatMap(({ at, reading }, index) => {
      const { at: fromAt, reading: before } = readings[index]!
      // Counting has stopped by then: a reading after the end has what there was at the end.
      if (fromAt >= to) return []
      const bytesReceived = reading.bytesReceived - before.bytesReceived
      const oneWay = reading.oneWay - before.oneWay
      return [{ ...reading, fromMs: fromAt - startAt, toMs: Math.min(at, to) - startAt, bytesReceived, oneWay }]
    })
  }
}
