import { failureKinds } from '../failures.ts'
import { countsLength } from './histogram.ts'

/**
 * The memory that a worker shares with the main thread: one writer, any number of readers. The fields are 32-bit
 * counters that wrap; a reader adds up the differences between two readings modulo 2^32, which at ten readings a second
 * holds for up to 42 GB/s. The histograms are 32-bit counts with the same rule. The worker adds plainly, but for one
 * atomic addition to `completed` for all replies of a readable event: a reader that loads `completed` with Atomics also
 * sees what was counted for those requests before, such as that they were sent. Nothing is posted for a request, and
 * merging workers is addition.
 */
export interface Slab {
  readonly memory: SharedArrayBuffer
  readonly fields: Int32Array
  /** Instants on the clock that all threads share: by `instant`. */
  readonly instants: Float64Array
  /** Sums that only grow, as floats: by `sum`. */
  readonly sums: Float64Array
  /** With a plan: how the gaps between requests lie in their distribution, from 0 to 1 in equal bins. */
  readonly gapBins: Uint32Array
  /** By link: requests completed. */
  readonly completedByLink: Uint32Array
  /** Bucket counts, a histogram after the other: those of `histogram`, then one for each step. */
  readonly counts: Uint32Array
  readonly histograms: number
}

/** Requests of the loop, of the connect handshake and of the heartbeat are counted apart. */
export const roles = ['request', 'handshake', 'heartbeat'] as const
export type Role = (typeof roles)[number]
export const roleIndex = { request: 0, handshake: 1, heartbeat: 2 } as const satisfies Record<Role, number>

/** Indexes into `Slab.fields`. The fields that stand for a role or a failure kind are the first of a row. */
export const field = {
  /** Written by the main thread: one of `control`. */
  control: 0,
  /** Written by the worker: one of `state`. */
  state: 1,
  sent: 2,
  completed: 5,
  failed: 8,
  bytesSent: 11,
  bytesReceived: 12,
  connects: 13,
  /** Open connections whose handshake is done: a level, not a count. */
  open: 14,
  /** The JavaScript heap of the worker in KiB: a level. */
  heapKiB: 15,
  /** Requests without an answer when the books were closed, counted in the slots and not derived. */
  inFlightAtEnd: 16,
  /** TCP segments sent anew over all connections that are closed by now; where the transport knows. */
  retransmits: 17,
  /** Requests that the plan has had so far; in a closed loop there is no plan. */
  planned: 18,
  /** Written by the main thread before the end: by how many milliseconds it is put off. */
  extensionMs: 19,
  /** UDP: replies that came a second time, and replies that one to a later request came before. */
  duplicates: 20,
  reordered: 21,
  /** Messages that came without being asked for, up to the end and after it, and replies to them that complete nothing. */
  deliveries: 22,
  deliveriesAfter: 23,
  answeredApart: 24,
  /** Deliveries that may not have come, as the server need not have taken their connections by then. */
  possiblyMissed: 25,
  /** 1 when some may still have been on their way as the worker left, else 0: a level. */
  deliveriesCut: 26,
  /** Replies to requests that had timed out: no failures, as those are counted. */
  late: 27,
  /** By kind, up to the end of the fields. */
  failures: 28,
} as const

/** The histograms that come before those of the steps. */
export const histogram = {
  connect: 0,
  /** The kernel's round-trip time when a connection stood, before it carried anything. */
  roundTripAtOpen: 1,
  /** The kernel's smoothed and its least round-trip time at the end. */
  roundTripAtEnd: 2,
  leastRoundTripAtEnd: 3,
  /** From the bytes given to the kernel to the reply; in a closed loop the response time is that, and this is empty. */
  service: 4,
  /** By how much a request left after its time though a connection was free: our own fault. */
  clientLag: 5,
  /** How long a request waited because no connection was free. */
  admissionWait: 6,
  /** The age of requests that failed or were given up, and of those without an answer at the end: not less than that. */
  censored: 7,
  /** Response times of requests that were in flight when the books were closed, and answered soon after. */
  drained: 8,
  /** How long requests took to fail: by a timeout, a broken connection, or a reply that was not as expected. */
  failed: 9,
  /** How long deliveries took, by the stamp in them. */
  delivery: 10,
  steps: 11,
} as const

/** Indexes into `Slab.instants`. */
export const instant = {
  /** When the run starts; written by the main thread before `control` says `start`. */
  start: 0,
  /** When the worker closed its books; written before `state` says so. */
  end: 1,
} as const

/** Indexes into `Slab.sums`. */
export const sum = {
  /** The response times of completed requests. */
  responseMs: 0,
  /** Requests in flight, times the milliseconds that so many were. */
  inFlightMs: 1,
  /** How long the worker had nothing to do. */
  idleMs: 2,
  /** With a plan: gaps between requests as they were sent, in parts of the mean gap that was planned. */
  gaps: 3,
  gapSum: 4,
  gapSquares: 5,
  /** With a plan: requests sent in each of equal spans of time. */
  spans: 6,
  spanSum: 7,
  spanSquares: 8,
} as const

/** Fine enough for a distance of 0.05 between distributions. */
const gapBinCount = 200

/** Room for fields to come, so that the histograms keep their place. */
const fieldsLength = 64
/** The last field says how many connections there is room for. */
const connectionsWord = fieldsLength - 1
const instantsByte = fieldsLength * Int32Array.BYTES_PER_ELEMENT
const sumsLength = 16
const sumsByte = instantsByte + 2 * Float64Array.BYTES_PER_ELEMENT
const gapBinsByte = sumsByte + sumsLength * Float64Array.BYTES_PER_ELEMENT
const countsByte = gapBinsByte + gapBinCount * Uint32Array.BYTES_PER_ELEMENT

/** The fields that only grow; what was sent is read last, so that a reading never has more answers than requests. */
export const counterFields: readonly number[] = [
  ...roles.flatMap((_, role) => [field.completed + role, field.failed + role]),
  ...roles.map((_, role) => field.sent + role),
  field.bytesSent,
  field.bytesReceived,
  field.connects,
  field.retransmits,
  field.planned,
  field.duplicates,
  field.reordered,
  field.deliveries,
  field.deliveriesAfter,
  field.answeredApart,
  field.possiblyMissed,
  field.late,
  ...failureKinds.map((_, kind) => field.failures + kind),
]

/** What the main thread asks of a worker. */
export const control = { open: 0, start: 1, stop: 2 } as const

/** How far a worker is: `ready` once its connections are open or have failed, `closed` once its books are closed. */
export const state = { opening: 0, ready: 1, running: 2, closed: 3 } as const

/** A slab for a worker whose scenario has `steps` steps, and which has so many connections. */
export function createSlab(steps: number, connections = 1): Slab {
  const words = (histogram.steps + steps) * countsLength + connections
  const memory = new SharedArrayBuffer(countsByte + words * Uint32Array.BYTES_PER_ELEMENT)
  new Int32Array(memory)[connectionsWord] = connections
  return openSlab(memory)
}

/** The same slab in another thread. */
export function openSlab(memory: SharedArrayBuffer): Slab {
  const connections = new Int32Array(memory)[connectionsWord]!
  const wordsByte = Uint32Array.BYTES_PER_ELEMENT
  const counts = new Uint32Array(memory, countsByte, (memory.byteLength - countsByte) / wordsByte - connections)
  return {
    memory,
    fields: new Int32Array(memory, 0, fieldsLength),
    instants: new Float64Array(memory, instantsByte, 2),
    sums: new Float64Array(memory, sumsByte, sumsLength),
    gapBins: new Uint32Array(memory, gapBinsByte, gapBinCount),
    completedByLink: new Uint32Array(memory, countsByte + counts.byteLength, connections),
    counts,
    histograms: counts.length / countsLength,
  }
}
