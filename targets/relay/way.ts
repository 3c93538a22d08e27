import { createPrng, streamSeed } from '../../harness/prng.ts'
import type { RelaySettings } from '../../harness/relaySettings.ts'
import { beginMs, endMs, parseStall } from '../../harness/stall.ts'

/** Linux retransmits a segment after 200 ms at the soonest (TCP_RTO_MIN), and after some round trips. */
const retransmitMsMin = 200
const retransmitRoundTrips = 2
const uint32Values = 0x1_0000_0000

/** The state that both ways share. */
interface Origin {
  /** When the first byte came in: stalls are counted from there. */
  firstMs: number | undefined
}

/** Both directions of the network that a relay simulates; the same arrivals and the same seed give the same times. */
export function createWays(settings: RelaySettings, seed: number): { readonly up: Way; readonly down: Way } {
  const origin: Origin = { firstMs: undefined }
  return { up: new Way(settings, streamSeed(seed, 0), origin), down: new Way(settings, streamSeed(seed, 1), origin) }
}

/**
 * One direction of the network, over all connections: a bottleneck, then a distance.
 *
 * The bottleneck is a token bucket without depth. It passes on one byte after the other, in the order of their arrival:
 *
 *     through = max(arrival, when it is free) + bytes / rate + the stalls in between
 *
 * and passes on nothing in a stall, so that what has gathered by its end still leaves at the rate. The distance is half a
 * round trip, plus or minus a uniform part of half the jitter. There is no clock and no timer: times go in and come out.
 */
export class Way {
  /** How much later a lost segment of TCP arrives, since it is retransmitted. */
  readonly retransmitMs: number
  /** Totals since the start. What came in is passed on, lost, or on its way. */
  datagramsIn = 0
  datagramsPassed = 0
  bytesPassed = 0
  /** Datagrams that never arrive, and segments of TCP that arrive late because they were lost. */
  lost = 0
  readonly #tripMs: number
  readonly #jitterMs: number
  readonly #msPerByte: number
  readonly #lossShare: number
  readonly #resetShare: number
  readonly #stall
  readonly #origin: Origin
  readonly #jitter
  readonly #loss
  readonly #reset
  /** When the bottleneck is free, in milliseconds after the first byte. */
  #freeMs = 0

  constructor({ rtt = 0, jitter = 0, rate, loss = 0, stall, reset = 0 }: RelaySettings, seed: number, origin: Origin) {
    this.retransmitMs = Math.max(retransmitMsMin, retransmitRoundTrips * rtt)
    this.#tripMs = rtt / 2
    this.#jitterMs = jitter / 2
    this.#msPerByte = rate === undefined ? 0 : 8000 / rate
    this.#lossShare = loss
    this.#resetShare = reset
    this.#stall = stall === undefined ? undefined : parseStall(stall)
    this.#origin = origin
    this.#jitter = createPrng(streamSeed(seed, 0))
    this.#loss = createPrng(streamSeed(seed, 1))
    this.#reset = createPrng(streamSeed(seed, 2))
  }

  /** When `bytes` bytes that enter the network at `nowMs`, not before the last ones, arrive; Infinity: never. */
  arrivalMs(nowMs: number, bytes: number): number {
    const throughMs = this.#throughMs(nowMs, bytes)
    return throughMs + this.#tripMs + (this.#jitterMs === 0 ? 0 : (2 * draw(this.#jitter) - 1) * this.#jitterMs)
  }

  /** When a mark arrives, which has no bytes. */
  markArrivalMs(nowMs: number): number {
    return this.#throughMs(nowMs, 0) + this.#tripMs
  }

  /** Draws whether the next segment or datagram is lost, and counts it. */
  loses(): boolean {
    const isLost = this.#lossShare > 0 && draw(this.#loss) < this.#lossShare
    if (isLost) this.lost++
    return isLost
  }

  /** Draws whether the connection of the next segment is reset. */
  resets(): boolean {
    return this.#resetShare > 0 && draw(this.#reset) < this.#resetShare
  }

  #throughMs(nowMs: number, bytes: number): number {
    // The opening of a connection has no bytes: stalls are counted from the first byte.
    if (bytes > 0) this.#origin.firstMs ??= nowMs
    const came = nowMs - (this.#origin.firstMs ?? nowMs)
    const begin = beginMs(this.#stall, Math.max(came, this.#freeMs))
    this.#freeMs = endMs(this.#stall, begin, bytes * this.#msPerByte)
    // This is not computed from the origin, because rounding would then move the arrival of bytes that are not delayed.
    return nowMs + (this.#freeMs - came)
  }
}

function draw(prng: { next32(): number }): number {
  return prng.next32() / uint32Values
}
