import { field, type Slab, stallRecord } from '../../metrics/slab.ts'
import type { DueTimes } from './due.ts'
import type { OneWayRequests } from './oneWay.ts'

/** A loop that wakes less late than this is not worth a record: timers and batches of replies account for it. */
const lateMsMin = 5

/** What counts the requests that a stall has delayed although they are not in flight; undefined where there are none. */
export function delayedRequests(
  planned: { dueBy(time: number): number } | undefined,
  oneWay: OneWayRequests | undefined,
  due: DueTimes,
): ((time: number) => number) | undefined {
  if (planned !== undefined) return time => planned.dueBy(time)
  // Requests without a reply are never in flight for long: their links are due again at once.
  return oneWay && (time => due.countDue(time))
}

/**
 * How late a worker's loop woke while requests were in flight or came due: what stops it (a stopped process, another
 * program on its core, a collection of garbage, a long batch) is in the response times of those requests, and not the
 * server's. Looked at once a wake.
 */
export class StallWatch {
  readonly #slab: Slab
  readonly #sharedOffsetMs: number
  readonly #dueBy: (time: number) => number
  #askedFor = Number.POSITIVE_INFINITY
  #inFlight = 0

  /** `dueBy` counts the requests that are due by a time and not taken up; it is called after a stall only. */
  constructor(slab: Slab, sharedOffsetMs: number, dueBy: (time: number) => number = () => 0) {
    this.#slab = slab
    this.#sharedOffsetMs = sharedOffsetMs
    this.#dueBy = dueBy
  }

  /** The loop has asked to be woken at a time, with so many requests in flight. */
  asked(time: number, inFlight: number): number {
    this.#askedFor = time
    this.#inFlight = inFlight
    return time
  }

  /** The loop runs again. */
  woke(now: number): void {
    const lateMs = now - this.#askedFor
    if (lateMs >= lateMsMin) this.#record(lateMs, this.#inFlight + this.#dueBy(now), now)
    this.#askedFor = Number.POSITIVE_INFINITY
  }

  #record(lateMs: number, requests: number, now: number): void {
    if (requests === 0) return
    const { fields, stalls } = this.#slab
    const place = ((fields[field.stalls]! >>> 0) % stallRecord.count) * stallRecord.length
    stalls[place + stallRecord.lateMs] = lateMs
    stalls[place + stallRecord.endAt] = now + this.#sharedOffsetMs
    stalls[place + stallRecord.requests] = requests
    // Atomic, so that a reader which sees the number also sees the record.
    Atomics.add(fields, field.stalls, 1)
  }
}
