import type { Prng } from '../../harness/prng.ts'
import { createLine } from '../../harness/protocols/line.ts'
import { PartialFrames } from '../../harness/protocols/partialFrames.ts'
import type { MemoryServer } from '../../harness/transports/memory.ts'

const lineBytesMax = 64 * 1024

/** When a server begins nothing; what it has begun by then ends as if it had gone on. */
export interface Outages {
  /** The last `stallMs` of each `periodMs`, counted from `originMs`; what comes then is begun at the stall's end. */
  readonly stall?: { readonly stallMs: number; readonly periodMs: number; readonly originMs: number }
  /** From this time on it begins nothing any more. */
  readonly freezeAtMs?: number
}

/** A server that does one request after the other, in the order in which they come in over all connections. */
export function createFifoServer(serviceMs: () => number, outages: Outages = {}): MemoryServer {
  let freeAtMs = 0
  return answerLines(now => {
    freeAtMs = beginAt(Math.max(now, freeAtMs), outages) + serviceMs()
    return freeAtMs
  })
}

/**
 * A server that any number of requests are in at once, each for as long as it is told. Where delays differ a connection
 * is to have one request in flight: replies would overtake each other, and a line does not say which it is.
 */
export function createDelayLine(delayMs: (now: number) => number, outages: Outages = {}): MemoryServer {
  return answerLines(now => beginAt(now, outages) + delayMs(now))
}

/** A server over UDP that loses a share of what comes in, and answers the rest after `delayMs`. */
export function createLossyEcho(delayMs: number, lossShare: number, prng: Prng): MemoryServer {
  return {
    received(connection, bytes) {
      if (prng.next32() >= lossShare * 0x1_0000_0000) connection.send(bytes, delayMs)
    },
  }
}

/** Exponential times of this mean, in milliseconds; never 0. */
export function exponentialMs(meanMs: number, prng: Prng): () => number {
  return () => -Math.log((prng.next32() + 0.5) / 0x1_0000_0000) * meanMs
}

/** The first time from `time` on at which something can be begun; Infinity after the freeze. */
function beginAt(time: number, { stall, freezeAtMs = Number.POSITIVE_INFINITY }: Outages): number {
  let begin = time
  if (stall !== undefined && time >= stall.originMs) {
    const intoPeriodMs = (time - stall.originMs) % stall.periodMs
    if (intoPeriodMs >= stall.periodMs - stall.stallMs) begin = time - intoPeriodMs + stall.periodMs
  }
  return begin < freezeAtMs ? begin : Number.POSITIVE_INFINITY
}

/** Echoes each line at the time that `departAt` gives it; at Infinity never. */
function answerLines(departAt: (now: number) => number): MemoryServer {
  const line = createLine({ delimiter: '\n', maxFrame: lineBytesMax })
  const partialFrames = new PartialFrames()
  return {
    accepted: ({ link }) => partialFrames.drop(link),
    received(connection, bytes, now) {
      partialFrames.join(connection.link, bytes, 0, bytes.length)
      const { bytes: input, to } = partialFrames
      let from = partialFrames.from
      let end = line.frameEnd(input, from, to, 0)
      for (; end > 0; from = end, end = line.frameEnd(input, from, to, 0)) {
        const departMs = departAt(now)
        if (departMs < Number.POSITIVE_INFINITY) connection.send(input.subarray(from, end), departMs - now)
      }
      partialFrames.keep(connection.link, input, from, to)
      if (end < 0) connection.reset()
    },
  }
}
