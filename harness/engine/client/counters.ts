import { type FailureKind, failureIndex } from '../../failures.ts'
import { bucketIndex, countsLength, toTicks } from '../../metrics/histogram.ts'
import { field, histogram, roleIndex, type Slab, sum } from '../../metrics/slab.ts'
import type { TcpInfo } from '../../transports/transport.ts'

/**
 * The counters of one worker, in its slab: what was sent, and what became of it. The worker is the only writer and a
 * 32-bit word is never seen half written, so it adds plainly. Two writes are atomic: completed requests, added once for
 * all replies of a readable event, and the state that says counting has stopped. A reader that loads either of them
 * sees everything that was counted before it. With every addition atomic the loop took 122 ns a request without the
 * system calls, with plain ones 93.
 */
export class WorkerCounters {
  readonly #fields: Int32Array
  readonly #counts: Uint32Array
  readonly #sums: Float64Array
  readonly #completedByLink: Uint32Array
  readonly #failedByStep: Float64Array
  readonly #oneWayByStep: Float64Array
  /** When the time in flight was last added up. */
  #addedUpAt = Number.NaN
  /** Requests of the loop that have neither been answered nor failed. */
  inFlight = 0

  constructor(slab: Slab) {
    this.#fields = slab.fields
    this.#counts = slab.counts
    this.#sums = slab.sums
    this.#completedByLink = slab.completedByLink
    this.#failedByStep = slab.failedByStep
    this.#oneWayByStep = slab.oneWayByStep
  }

  /**
   * Adds up the time that the requests now in flight have been so. Comes before anything else is counted of an event.
   */
  addTimeInFlight(now: number): void {
    if (now > this.#addedUpAt) this.#sums[sum.inFlightMs]! += this.inFlight * (now - this.#addedUpAt)
    this.#addedUpAt = now
  }

  sent(role: number, requests: number, bytes: number): void {
    this.#add(field.sent + role, requests)
    this.#add(field.bytesSent, bytes)
    if (role === roleIndex.request) this.inFlight += requests
  }

  bytesReceived(bytes: number): void {
    this.#add(field.bytesReceived, bytes)
  }

  /** Requests of the loop are added once for all replies of a readable event: that addition is atomic. */
  completed(role: number, requests: number): void {
    if (role === roleIndex.request) {
      this.inFlight -= requests
      Atomics.add(this.#fields, field.completed, requests)
    } else this.#add(field.completed + role, requests)
  }

  /** Requests of the loop that `completed` has counted, and that expect no reply. */
  oneWay(requests: number): void {
    this.#add(field.oneWay, requests)
  }

  /** Requests to this step were sent, and expect no reply. */
  oneWayOn(step: number, requests: number): void {
    this.#oneWayByStep[step]! += requests
  }

  /** Requests of the loop that `completed` has counted, by their link. */
  completedOn(link: number, requests: number): void {
    this.#completedByLink[link]! += requests
  }

  failed(role: number, requests: number, kind: FailureKind): void {
    this.#add(field.failed + role, requests)
    this.#add(field.failures + failureIndex[kind], requests)
    if (role === roleIndex.request) this.inFlight -= requests
  }

  /** A failure of which no sent request is part, such as a refused connect. */
  failureWithoutRequest(kind: FailureKind): void {
    this.#add(field.failures + failureIndex[kind], 1)
  }

  /** The server has closed a connection on which nothing was under way. */
  idleClose(): void {
    this.#add(field.idleCloses, 1)
  }

  /** Mode rate: a request of the plan has come up. */
  planned(): void {
    this.#add(field.planned, 1)
  }

  /** The response time of a completed request of the loop. */
  responseTime(step: number, milliseconds: number): void {
    this.#count(histogram.steps + step, milliseconds)
    this.#sums[sum.responseMs]! += milliseconds
  }

  /** Mode rate: the service time of a request whose response time is counted too. */
  serviceTime(milliseconds: number): void {
    this.#count(histogram.service, milliseconds)
  }

  /** Mode rate: why a request left after its intended time, the client or a lack of free connections. */
  sendDelay(clientLagMs: number, admissionWaitMs: number): void {
    this.#count(histogram.clientLag, clientLagMs)
    this.#count(histogram.admissionWait, admissionWaitMs)
  }

  /** The response time of a request that was in flight when counting stopped; the request itself is not counted. */
  drainedResponseTime(milliseconds: number): void {
    this.#count(histogram.drained, milliseconds)
  }

  /** The age of a request whose response time is not known, only that it is longer than this. */
  censoredAge(milliseconds: number): void {
    this.#count(histogram.censored, milliseconds)
  }

  /** A request to this step has failed. */
  failedOn(step: number): void {
    this.#failedByStep[step]!++
  }

  /** The mean response time so far; 0 when no request was answered. */
  meanResponseMs(): number {
    const answered = (this.#fields[field.completed]! - this.#fields[field.oneWay]!) >>> 0
    return this.#sums[sum.responseMs]! / Math.max(1, answered)
  }

  timeToFailure(milliseconds: number): void {
    this.#count(histogram.failed, milliseconds)
  }

  /** A reply to a request that had timed out before, and is counted as failed. */
  lateReply(): void {
    this.#add(field.lateReplies, 1)
  }

  /** UDP: a reply that came before. */
  duplicateReply(): void {
    this.#add(field.duplicates, 1)
  }

  /** UDP: a reply that came after the reply to a later request. */
  reorderedReply(): void {
    this.#add(field.reordered, 1)
  }

  /** With deliveries: a reply that completes no request, because it came after the end or was not as expected. */
  nonCompletingReply(): void {
    this.#add(field.nonCompletingReplies, 1)
  }

  /** A frame that the rules of the protocol pass over. */
  ignoredFrame(): void {
    this.#add(field.ignored, 1)
  }

  /** A message that answers no request, before the end. */
  delivery(): void {
    this.#add(field.deliveries, 1)
  }

  deliveryAfterEnd(): void {
    this.#add(field.deliveriesAfter, 1)
  }

  /** More of a delivery that was counted with its beginning. */
  deliveryPiece(): void {
    this.#add(field.deliveryPieces, 1)
  }

  /** How long a delivery took from its sender to this client. */
  deliveryTime(milliseconds: number): void {
    this.#count(histogram.delivery, milliseconds)
  }

  /** Deliveries that the server need not have made, as it may not have accepted the connection yet. */
  possiblyMissedDeliveries(deliveries: number): void {
    this.#add(field.possiblyMissed, deliveries)
  }

  /** Whether deliveries may still be on their way when the client leaves: a level. */
  setDeliveriesCut(isCut: boolean): void {
    this.#fields[field.deliveriesCut] = isCut ? 1 : 0
  }

  /** A connect has succeeded, and took this long. */
  connected(milliseconds: number): void {
    this.#add(field.connects, 1)
    this.#count(histogram.connect, milliseconds)
  }

  /** The number of connections whose handshake is done changes: a level. */
  openConnections(change: 1 | -1): void {
    this.#add(field.open, change)
  }

  roundTripAtOpen({ roundTripMs }: TcpInfo): void {
    this.#count(histogram.roundTripAtOpen, roundTripMs)
  }

  roundTripAtEnd({ roundTripMs, leastRoundTripMs }: TcpInfo): void {
    this.#count(histogram.roundTripAtEnd, roundTripMs)
    this.#count(histogram.leastRoundTripAtEnd, leastRoundTripMs)
  }

  #add(name: number, amount: number): void {
    this.#fields[name]! += amount
  }

  #count(index: number, milliseconds: number): void {
    this.#counts[index * countsLength + bucketIndex(toTicks(milliseconds))]!++
  }
}
