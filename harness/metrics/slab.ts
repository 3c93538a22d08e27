import { failureKinds } from '../failures.ts'
import { FirstReplies, firstRepliesBytes } from './firstReplies.ts'
import { countsLength } from './histogram.ts'
import { SampleTable, sampleEntries, sampleTableBytes } from './samples.ts'

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
  /** Instants on the clock that all threads share, in milliseconds; indexed by `instant`. */
  readonly instants: Float64Array
  /** Sums that only grow, as floats; indexed by `sum`. */
  readonly sums: Float64Array
  /** The latest stalls, as a ring of records; see `stallRecord`. */
  readonly stalls: Float64Array
  /** Mode rate: how the gaps between requests are distributed, by their quantile from 0 to 1 in equal bins. */
  readonly gapBins: Uint32Array
  /** By link: requests completed. */
  readonly completedByLink: Uint32Array
  /** Bucket counts, one histogram after the other: those of `histogram`, then one for each step. */
  readonly counts: Uint32Array
  readonly histograms: number
  /** The first reply of each kind that was not as expected, and the first words of errors such as those of Redis. */
  readonly samples: SampleTable
  readonly errorWords: SampleTable
  /** In a single pass over the steps: the first reply to each. */
  readonly replies: SampleTable
  /** The first reply to each step of the loop that was as expected; absent where nobody wants them. */
  readonly firstReplies: FirstReplies | undefined
  /** By HTTP status: replies to requests of the loop. These are floats because they must not wrap. */
  readonly statusCodes: Float64Array
  /** By step, heartbeat and handshakes included: requests that failed after they were sent. */
  readonly failedByStep: Float64Array
  /** By step: requests that were sent and expect no reply. */
  readonly oneWayByStep: Float64Array
}

/**
 * Requests of the loop, messages of the connect handshake, heartbeats, and what is sent in answer to messages of the server
 * are counted separately.
 */
export const roles = ['request', 'handshake', 'heartbeat', 'answer'] as const
export type Role = (typeof roles)[number]
export const roleIndex = { request: 0, handshake: 1, heartbeat: 2, answer: 3 } as const satisfies Record<Role, number>

/** Indexes into `Slab.fields`. A field that is kept by role or by failure kind is the first of its row. */
export const field = {
  /** Written by the main thread: one of `control`. */
  control: 0,
  /** Written by the worker: one of `state`. */
  state: 1,
  sent: 2,
  completed: 6,
  failed: 10,
  bytesSent: 14,
  bytesReceived: 15,
  connects: 16,
  /** Open connections whose handshake is done: a level, not a counter. */
  open: 17,
  /** The JavaScript heap of the worker in KiB: a level. */
  heapKiB: 18,
  /** Requests without an answer when counting stopped, counted in the slots and not derived. */
  inFlightAtEnd: 19,
  /** TCP segments sent again, over all connections that are closed by now; where the transport knows. */
  retransmits: 20,
  /** Mode rate: requests that have come up so far. */
  planned: 21,
  /** Written by the main thread before the end: by how many milliseconds the run is extended. */
  extensionMs: 22,
  /** UDP: replies that came a second time, and replies that came after the reply to a later request. */
  duplicates: 23,
  reordered: 24,
  /** Messages that answer no request: those that came up to the end, and those after it. */
  deliveries: 25,
  deliveriesAfter: 26,
  /** With deliveries: replies that complete no request, because they came after the end or were not as expected. */
  nonCompletingReplies: 27,
  /** Deliveries that the server need not have made, as it may not have accepted the connection yet. */
  possiblyMissed: 28,
  /** 1 when deliveries may still have been on their way as the worker left, else 0: a level. */
  deliveriesCut: 29,
  /** Replies to requests that had timed out. They are no failures: the timeouts are counted. */
  lateReplies: 30,
  /** Connections that the server closed while nothing was under way on them. */
  idleCloses: 31,
  /** Links that are in use and have not failed since a request was last answered on them: a level. */
  linksInService: 32,
  /** Times that the loop woke late while requests were in flight or due; the latest of them are in `Slab.stalls`. */
  stalls: 33,
  /** Links that are wanted, and those of them that are down: lost by a failure, and not ready again. Levels. */
  wanted: 34,
  down: 35,
  /** Links that wait for their turn to connect, connect, or shake hands: a level. */
  opening: 36,
  /** Mode rate: requests of the plan that wait for a connection: a level. */
  waiting: 37,
  /** Frames that answer nothing, and that the rules of the protocol pass over. */
  ignored: 38,
  /** Connections that were ready for requests, their handshake included; opened again, they count again. */
  ready: 39,
  /** Links that are not opened again, as that has failed too often in a row. */
  givenUp: 40,
  /** Pieces of deliveries that came later than their beginning, in formats where a delivery has no end. */
  deliveryPieces: 41,
  /** Completed requests that expect no reply; they are in `completed` too. */
  oneWay: 42,
  /** By kind, up to the end of the fields. */
  failures: 43,
} as const

/** The histograms that come before those of the steps. */
export const histogram = {
  connect: 0,
  /** The kernel's round-trip time when a connection was open, before it carried anything. */
  roundTripAtOpen: 1,
  /** The kernel's smoothed and its least round-trip time at the end. */
  roundTripAtEnd: 2,
  leastRoundTripAtEnd: 3,
  /** From the write to the reply. Empty in a closed loop, where that is the response time. */
  service: 4,
  /** By how much a request left after its intended time although a connection was free. */
  clientLag: 5,
  /** How long a request waited because no connection was free. */
  admissionWait: 6,
  /** Ages of requests that failed, were dropped or had no answer at the end: their response times are longer. */
  censored: 7,
  /** Response times of requests that were in flight when counting stopped, and were answered soon after. */
  drained: 8,
  /** How long requests took to fail: by a timeout, a broken connection, or a reply that was not as expected. */
  failed: 9,
  /** How long deliveries took, by the stamp in them. */
  delivery: 10,
  steps: 11,
} as const

/** Indexes into `Slab.instants`. */
export const instant = {
  /** When the run starts; written by the main thread before it sets `control` to `start`. */
  start: 0,
  /** When the worker stopped counting; written before it sets `state` to `closed`. */
  end: 1,
} as const

/** Indexes into `Slab.sums`. */
export const sum = {
  /** The response times of completed requests. */
  responseMs: 0,
  /** The number of requests in flight, integrated over time. */
  inFlightMs: 1,
  /** How long the worker had nothing to do. */
  idleMs: 2,
  /** Mode rate: gaps between requests as they came up, in units of the planned mean gap. */
  gaps: 3,
  gapSum: 4,
  gapSquares: 5,
  /** Mode rate: requests that came up in each of equal spans of time. */
  spans: 6,
  spanSum: 7,
  spanSquares: 8,
  /** Link-milliseconds that were wanted since the start, and those of them in which the link was down. */
  wantedMs: 9,
  downMs: 10,
} as const

/**
 * A stall in `Slab.stalls`: by how many milliseconds the loop woke late, until when on the clock that all threads share,
 * and how many requests were in flight or came due meanwhile. The number of stalls counted in `field.stalls`, modulo
 * `count`, is the place of the next. There is room for more than can happen between two readings and last longer than a few
 * milliseconds.
 */
export const stallRecord = { lateMs: 0, endAt: 1, requests: 2, length: 3, count: 16 } as const

/** Fine enough to see a distance of 0.05 between distributions. */
const gapBinCount = 200

/** Room for later fields, so that the histograms keep their place. */
const fieldsLength = 64
/** The last field holds the number of connections there is room for. */
const connectionsWord = fieldsLength - 1
/** The one before it holds the number of steps whose first replies are kept. */
const firstRepliesWord = fieldsLength - 2
const instantsByte = fieldsLength * Int32Array.BYTES_PER_ELEMENT
const sumsLength = 16
const sumsByte = instantsByte + 2 * Float64Array.BYTES_PER_ELEMENT
const stallsByte = sumsByte + sumsLength * Float64Array.BYTES_PER_ELEMENT
const stallsLength = stallRecord.length * stallRecord.count
const gapBinsByte = stallsByte + stallsLength * Float64Array.BYTES_PER_ELEMENT
const samplesByte = gapBinsByte + gapBinCount * Uint32Array.BYTES_PER_ELEMENT
const errorWordsByte = samplesByte + sampleTableBytes(sampleEntries)
const repliesByte = errorWordsByte + sampleTableBytes(sampleEntries)
/** Enough for each step of any scenario, as expected and not. */
const repliesMax = 272
const statusCodesByte = repliesByte + sampleTableBytes(repliesMax)
/** A status has three digits. */
const statusCodesLength = 1000
const failedByStepByte = statusCodesByte + statusCodesLength * Float64Array.BYTES_PER_ELEMENT
/** More than the steps of any scenario, with its heartbeat and its handshakes. */
const stepsMax = 256
const oneWayByStepByte = failedByStepByte + stepsMax * Float64Array.BYTES_PER_ELEMENT
const countsByte = oneWayByStepByte + stepsMax * Float64Array.BYTES_PER_ELEMENT

/** The fields that only grow. What was sent is read last, so that a reading never has more answers than requests. */
export const counterFields: readonly number[] = [
  // Read before `completed`, which is counted first: so it is never the larger one.
  field.oneWay,
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
  field.deliveryPieces,
  field.nonCompletingReplies,
  field.possiblyMissed,
  field.lateReplies,
  field.idleCloses,
  field.ignored,
  field.ready,
  field.givenUp,
  ...failureKinds.map((_, kind) => field.failures + kind),
]

/** What the main thread signals to a worker. */
export const control = { open: 0, start: 1, stop: 2 } as const

/** How far a worker is: `ready` once its connections are open or have failed, `closed` once it has stopped counting. */
export const state = { opening: 0, ready: 1, running: 2, closed: 3 } as const

/** A slab for a worker with `connections` connections that send, whose loops have `steps` steps. */
export function createSlab(steps: number, connections = 1, keepsReplies = false): Slab {
  const words = (histogram.steps + steps) * countsLength + connections
  const kept = keepsReplies ? steps : 0
  const memory = new SharedArrayBuffer(countsByte + words * Uint32Array.BYTES_PER_ELEMENT + firstRepliesBytes(kept))
  const fields = new Int32Array(memory)
  fields[connectionsWord] = connections
  fields[firstRepliesWord] = kept
  return openSlab(memory)
}

/** A view of the same slab, for another thread. */
export function openSlab(memory: SharedArrayBuffer): Slab {
  const { [connectionsWord]: connections = 0, [firstRepliesWord]: kept = 0 } = new Int32Array(memory)
  const wordsByte = Uint32Array.BYTES_PER_ELEMENT
  const firstRepliesByte = memory.byteLength - firstRepliesBytes(kept)
  const counts = new Uint32Array(memory, countsByte, (firstRepliesByte - countsByte) / wordsByte - connections)
  return {
    memory,
    fields: new Int32Array(memory, 0, fieldsLength),
    instants: new Float64Array(memory, instantsByte, 2),
    sums: new Float64Array(memory, sumsByte, sumsLength),
    stalls: new Float64Array(memory, stallsByte, stallsLength),
    gapBins: new Uint32Array(memory, gapBinsByte, gapBinCount),
    completedByLink: new Uint32Array(memory, countsByte + counts.byteLength, connections),
    counts,
    histograms: counts.length / countsLength,
    samples: new SampleTable(memory, samplesByte),
    errorWords: new SampleTable(memory, errorWordsByte),
    replies: new SampleTable(memory, repliesByte, repliesMax),
    firstReplies: kept === 0 ? undefined : new FirstReplies(memory, firstRepliesByte, kept),
    statusCodes: new Float64Array(memory, statusCodesByte, statusCodesLength),
    failedByStep: new Float64Array(memory, failedByStepByte, stepsMax),
    oneWayByStep: new Float64Array(memory, oneWayByStepByte, stepsMax),
  }
}
