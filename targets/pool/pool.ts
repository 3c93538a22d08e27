import { assert } from '../../harness/errors.ts'
import { type Due, DueJobs } from '../server/dueJobs.ts'
import { Replies } from '../server/replies.ts'
import type { Connection, Service } from '../server/service.ts'
import type { Schedule } from './schedule.ts'

/** Number of jobs that may be served or wait at the same time; a connection that sends one more is closed. */
const jobsMaxDefault = 1_000_000
/** Bytes of their replies, with the same consequence. */
const heldBytesMax = 256 * 1024 * 1024
/**
 * Timers of Node are late by a millisecond or more, but a job should end within some ten microseconds of its time. So the
 * pool sleeps until this long before the next due time, and then checks the clock in each turn of the event loop: an idle
 * turn takes a few microseconds, and incoming bytes are still read in each.
 */
const spinMs = 2
const sleepMsMin = 1
const sleepMsMax = 3_600_000
/** Finished jobs are reused, up to this number, with their buffers where those are small. */
const spareJobsMax = 65_536
const spareBytesMax = 1024
const smallestBytes = 64

/**
 * A service whose requests are jobs: each is answered when the schedule says that it is done. The reply is made on arrival
 * and kept until it is due. Replies with ids are sent when they are due; replies that are matched by their order also wait
 * for those before them on their connection, so that none overtakes another.
 *
 * A reply that is not a job, such as the one to a frame that is too long, takes no time but keeps the order. A job that
 * will never be done does not count as pending: nothing waits for it.
 */
export function poolService(service: Service, schedule: Schedule, jobsMax = jobsMaxDefault): Service {
  assert(service.finish === undefined, 'a service in a pool must not delay replies itself')
  const pool = new Pool(service.protocol.requestId === undefined, jobsMax)
  const { overlong, refuse } = service
  return {
    ...service,
    message(connection, bytes, from, end, replies) {
      if (pool.isFull) return connection.reject()
      const nowMs = performance.now()
      const place = pool.place(connection, schedule.admit(nowMs), nowMs, replies)
      if (place === undefined) return
      service.message(connection, bytes, from, end, place)
      pool.hold()
    },
    ...(overlong && {
      overlong(connection, bytes, from, replies) {
        const nowMs = performance.now()
        const place = pool.place(connection, nowMs, nowMs, replies)
        if (place === undefined) return
        overlong(connection, bytes, from, place)
        pool.hold()
      },
    }),
    ...(refuse && {
      refuse(connection, reason, replies) {
        const nowMs = performance.now()
        const place = pool.place(connection, nowMs, nowMs, replies)
        if (place === undefined) return
        refuse(connection, reason, place)
        pool.hold()
      },
    }),
    finish: (connection, replies) => pool.finish(connection, replies),
    pending: connection => pool.pending(connection),
    close(connection) {
      pool.closed(connection)
      service.close?.(connection)
    },
  }
}

/**
 * Keeps the process from ever sleeping. Waking up an idle machine takes tens of microseconds, which would be added to the
 * service times that the server is known to have.
 */
export function keepAwake(): void {
  setImmediate(keepAwake)
}

/** Keeps the replies that are not due yet. */
class Pool {
  readonly #inOrder: boolean
  readonly #jobsMax: number
  readonly #due = new DueJobs<Job>()
  readonly #spare: Job[] = []
  /** By link. */
  readonly #waiting: (Waiting | undefined)[] = []
  /** Connections with replies that are due and not written yet. */
  #ready: Waiting[] = []
  /** Collects the reply of `#held`. */
  readonly #gathered = new Replies()
  #held: Job | undefined
  #heldBytes = 0
  #sequence = 0
  /** When the clock is checked next: Infinity means never, minus Infinity at every turn of the event loop. */
  #wakeMs = Number.POSITIVE_INFINITY
  #timer: NodeJS.Timeout | undefined

  constructor(inOrder: boolean, jobsMax: number) {
    this.#inOrder = inOrder
    this.#jobsMax = jobsMax
  }

  get isFull(): boolean {
    return this.#due.count >= this.#jobsMax || this.#heldBytes > heldBytesMax
  }

  /**
   * Returns where to write a reply that is due at `dueMs`: `replies` if it can be sent now; otherwise a place where it is
   * kept, and `hold` must be called afterwards. Undefined when it will never be due.
   */
  place(connection: Connection, dueMs: number, nowMs: number, replies: Replies): Replies | undefined {
    let waiting = this.#waiting[connection.link]
    if (waiting === undefined) {
      waiting = new Waiting(connection)
      this.#waiting[connection.link] = waiting
    }
    if (this.#inOrder) {
      dueMs = Math.max(dueMs, waiting.lastDueMs)
      waiting.lastDueMs = dueMs
    }
    if (dueMs === Number.POSITIVE_INFINITY) return undefined
    if (dueMs <= nowMs && (waiting.count === 0 || !this.#inOrder)) return replies
    this.#held = this.#spare.pop() ?? new Job()
    this.#held.start(waiting, dueMs, this.#sequence++)
    this.#gathered.start(this.#held)
    return this.#gathered
  }

  /** Keeps what was written to the place that `place` returned, if it was one for that. */
  hold(): void {
    const job = this.#held
    if (job === undefined) return
    this.#held = undefined
    this.#gathered.flush()
    this.#heldBytes += job.length
    job.waiting!.count++
    this.#due.add(job)
    if (job.dueMs - spinMs < this.#wakeMs) this.#wakeAt(job.dueMs - spinMs)
  }

  finish({ link }: Connection, replies: Replies): void {
    const waiting = this.#waiting[link]
    if (waiting?.firstReady === undefined) return
    let job: Job | undefined = waiting.firstReady
    waiting.firstReady = undefined
    while (job !== undefined) {
      replies.append(job.bytes, 0, job.length)
      waiting.count--
      const { next }: Job = job
      this.#reuse(job)
      job = next
    }
  }

  pending({ link }: Connection): number {
    return this.#waiting[link]?.count ?? 0
  }

  closed({ link }: Connection): void {
    const waiting = this.#waiting[link]
    if (waiting !== undefined) waiting.isClosed = true
    this.#waiting[link] = undefined
  }

  /** Answers every connection that has due replies, with one write for all of them. */
  readonly #wake = (): void => {
    this.#wakeMs = Number.POSITIVE_INFINITY
    const nowMs = performance.now()
    for (;;) {
      const job = this.#due.takeDue(nowMs)
      if (job === undefined) break
      this.#heldBytes -= job.length
      this.#makeReady(job, job.waiting!)
    }
    const ready = this.#ready
    for (const waiting of ready) waiting.connection.finishNow()
    ready.length = 0
    if (this.#due.count > 0) this.#wakeAt(this.#due.soonestMs - spinMs)
  }

  #makeReady(job: Job, waiting: Waiting): void {
    if (waiting.isClosed) {
      this.#reuse(job)
      return
    }
    if (waiting.firstReady === undefined) {
      waiting.firstReady = job
      this.#ready.push(waiting)
    } else waiting.lastReady!.next = job
    waiting.lastReady = job
  }

  #wakeAt(wakeMs: number): void {
    clearTimeout(this.#timer)
    const sleepMs = Math.floor(wakeMs - performance.now())
    if (sleepMs < sleepMsMin) {
      this.#wakeMs = Number.NEGATIVE_INFINITY
      setImmediate(this.#wake)
    } else {
      this.#wakeMs = wakeMs
      this.#timer = setTimeout(this.#wake, Math.min(sleepMs, sleepMsMax)).unref()
    }
  }

  #reuse(job: Job): void {
    if (this.#spare.length >= spareJobsMax) return
    job.clear()
    this.#spare.push(job)
  }
}

/** A connection as a pool sees it. */
class Waiting {
  readonly connection: Connection
  /** Replies that are kept, or due and not written yet. */
  count = 0
  lastDueMs = Number.NEGATIVE_INFINITY
  isClosed = false
  firstReady: Job | undefined
  lastReady: Job | undefined

  constructor(connection: Connection) {
    this.connection = connection
  }
}

/** A reply that is kept; `Replies` writes to it as to a socket. */
class Job implements Due {
  dueMs = 0
  sequence = 0
  bytes = new Uint8Array(0)
  length = 0
  waiting: Waiting | undefined
  /** The next due reply of the same connection. */
  next: Job | undefined
  readonly queuedBytes = 0

  start(waiting: Waiting, dueMs: number, sequence: number): void {
    this.waiting = waiting
    this.dueMs = dueMs
    this.sequence = sequence
  }

  write(bytes: Uint8Array): boolean {
    const length = this.length + bytes.length
    if (length > this.bytes.length) {
      const grown = new Uint8Array(length > spareBytesMax ? length : roundUp(length))
      grown.set(this.bytes.subarray(0, this.length))
      this.bytes = grown
    }
    this.bytes.set(bytes, this.length)
    this.length = length
    return true
  }

  clear(): void {
    this.waiting = undefined
    this.next = undefined
    this.length = 0
    if (this.bytes.length > spareBytesMax) this.bytes = new Uint8Array(0)
  }
}

/** The next power of two, so that there are only a few lengths of buffers. */
function roundUp(length: number): number {
  return Math.max(smallestBytes, 2 ** Math.ceil(Math.log2(length)))
}
