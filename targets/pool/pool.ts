import { assert } from '../../harness/errors.ts'
import { type Due, DueJobs } from '../server/dueJobs.ts'
import { Replies } from '../server/replies.ts'
import type { Connection, Service } from '../server/service.ts'
import type { Schedule } from './schedule.ts'

/** Jobs in hand, served or waiting; a connection that brings one more is closed. */
const jobsMaxDefault = 1_000_000
/** Bytes of their replies, in the same way. */
const heldBytesMax = 256 * 1024 * 1024
/**
 * A timer of Node is up to a millisecond late or more, and a job's end is to be met within some ten microseconds. So
 * the pool sleeps until this long before the next one, then has each turn of the event loop look at the clock: a turn
 * with nothing to do takes a few microseconds, and what comes in is still read in each.
 */
const spinMs = 2
const sleepMsMin = 1
const sleepMsMax = 3_600_000
/** Jobs whose replies are out are used again, up to so many, with their bytes where those are few. */
const spareJobsMax = 65_536
const spareBytesMax = 1024
const smallestBytes = 64

/**
 * A service whose requests are jobs: each is answered when the schedule has it done. The reply is made on arrival and
 * held back until it is due. Where replies carry ids each leaves when it is done; where they are told by their order, it
 * also waits for those before it on its connection, so that none overtakes.
 *
 * What is no job, such as the answer to a frame that is too long, takes no time, but keeps the order. A job that will
 * never be done is not in hand: nothing waits for it.
 */
export function poolService(service: Service, schedule: Schedule, jobsMax = jobsMaxDefault): Service {
  assert(service.finish === undefined, 'a service in a pool holds back no replies of its own')
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
 * From now on the process never sleeps: to wake up takes a machine that has nothing else to do tens of microseconds, and a
 * server that is idle between two requests would add them to the times that it is known by.
 */
export function keepAwake(): void {
  setImmediate(keepAwake)
}

/** The replies that are not due yet. */
class Pool {
  readonly #inOrder: boolean
  readonly #jobsMax: number
  readonly #due = new DueJobs<Job>()
  readonly #spare: Job[] = []
  /** By link. */
  readonly #waiting: (Waiting | undefined)[] = []
  /** Connections with replies that are due and not written. */
  #ready: Waiting[] = []
  /** Gathers the replies to be held in `#held`. */
  readonly #gathered = new Replies()
  #held: Job | undefined
  #heldBytes = 0
  #sequence = 0
  /** When the next look at the clock comes: Infinity when none does, minus Infinity when one does at every turn. */
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
   * Where to write a reply that is due at `dueMs`: to `replies` when nothing keeps it, else to be held back, for which
   * `hold` is to follow. Undefined when it will never be due.
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

  /** Holds back what was written to the place that `place` gave, if it was one for that. */
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
      this.#letGo(job)
      job = next
    }
  }

  pending({ link }: Connection): number {
    return this.#waiting[link]?.count ?? 0
  }

  closed({ link }: Connection): void {
    const waiting = this.#waiting[link]
    if (waiting !== undefined) waiting.isGone = true
    this.#waiting[link] = undefined
  }

  /** Has every connection answered that has something due, with one write for all of it. */
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
    if (waiting.isGone) {
      this.#letGo(job)
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

  #letGo(job: Job): void {
    if (this.#spare.length >= spareJobsMax) return
    job.clear()
    this.#spare.push(job)
  }
}

/** What a pool knows of a connection. */
class Waiting {
  readonly connection: Connection
  /** Replies that are held back, or due and not written. */
  count = 0
  lastDueMs = Number.NEGATIVE_INFINITY
  isGone = false
  firstReady: Job | undefined
  lastReady: Job | undefined

  constructor(connection: Connection) {
    this.connection = connection
  }
}

/** A reply that is held back; `Replies` write to it as to a socket. */
class Job implements Due {
  dueMs = 0
  sequence = 0
  bytes = new Uint8Array(0)
  length = 0
  waiting: Waiting | undefined
  /** The reply behind it, of those of its connection that are due. */
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

/** The next power of two, so that few lengths come to the same. */
function roundUp(length: number): number {
  return Math.max(smallestBytes, 2 ** Math.ceil(Math.log2(length)))
}
