import type { Prng } from '../../harness/prng.ts'
import { createLine } from '../../harness/protocols/line.ts'
import { PartialFrames } from '../../harness/protocols/partialFrames.ts'
import type { MemoryServer } from '../../harness/transports/memory.ts'

const lineBytesMax = 64 * 1024

/** Times at which a server starts no request; requests started before finish normally. */
export interface Outages {
  /** The last `stallMs` of each `periodMs`, counted from `originMs`; requests that arrive then start at its end. */
  readonly stall?: { readonly stallMs: number; readonly periodMs: number; readonly originMs: number }
  /** No request starts from this time on. */
  readonly freezeAtMs?: number
}

/** A server that handles one request after the other, in the order of their arrival over all connections. */
export function createFifoServer(serviceMs: () => number, outages: Outages = {}): MemoryServer {
  let freeAtMs = 0
  return answerLines(now => {
    freeAtMs = startAt(Math.max(now, freeAtMs), outages) + serviceMs()
    return freeAtMs
  })
}

/**
 * A server that handles any number of requests at once, each for `delayMs`. If delays differ, a connection must have one
 * request in flight: replies would overtake each other, and a line does not say which request it answers.
 */
export function createDelayLine(delayMs: (now: number) => number, outages: Outages = {}): MemoryServer {
  return answerLines(now => startAt(now, outages) + delayMs(now))
}

/** A server over UDP that loses a share of the datagrams it receives, and answers the others after `delayMs`. */
export function createLossyEcho(delayMs: number, lossShare: number, prng: Prng): MemoryServer {
  return {
    received(connection, bytes) {
      if (prng.next32() >= lossShare * 0x1_0000_0000) connection.send(bytes, delayMs)
    },
  }
}

/** Exponentially distributed times with this mean, in milliseconds; never 0. */
export function exponentialMs(meanMs: number, prng: Prng): () => number {
  return () => -Math.log((prng.next32() + 0.5) / 0x1_0000_0000) * meanMs
}

/** The earliest time, not before `time`, at which a request can start; Infinity after the freeze. */
function startAt(time: number, { stall, freezeAtMs = Number.POSITIVE_INFINITY }: Outages): number {
  let start = time
  if (stall !== undefined && time >= stall.originMs) {
    const intoPeriodMs = (time - stall.originMs) % stall.periodMs
    if (intoPeriodMs >= stall.periodMs - stall.stallMs) start = time - intoPeriodMs + stall.periodMs
  }
  return start < freezeAtMs ? start : Number.POSITIVE_INFINITY
}

/** Echoes each line at the time that `departAt` returns; never at Infinity. */
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
