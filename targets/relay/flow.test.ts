import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { RelaySettings } from '../../harness/relaySettings.ts'
import { Replies } from '../server/replies.ts'
import { mark } from './delayLine.ts'
import { Flow, lineBytesMax, segmentBytesMax } from './flow.ts'
import { FakeTime } from './testing/fakeTime.ts'
import { Timeline } from './timeline.ts'
import { createWays } from './way.ts'

/** A flow between fake ends, whose destination accepts bytes only while the test lets it. */
class Bench {
  readonly time = new FakeTime()
  readonly way
  readonly flow: Flow
  readonly network
  readonly received: number[] = []
  readonly marks: number[] = []
  isPaused = false
  isSlow = false
  isOpen = true
  #arrived = () => {}
  readonly #destination = {
    queuedBytes: 0,
    write: (bytes: Uint8Array) => {
      this.received.push(...bytes)
      this.#arrived()
      if (this.isSlow) this.#destination.queuedBytes += bytes.length
      return true
    },
  }

  constructor(settings: RelaySettings, seed = 1) {
    const ends = {
      pauseSource: () => {
        this.isPaused = true
      },
      resumeSource: () => {
        this.isPaused = false
      },
      marked: (kind: number) => void this.marks.push(kind),
    }
    const destination = () => (this.isOpen ? this.#destination : undefined)
    Object.defineProperty(ends, 'destination', { get: destination })
    const timeline = new Timeline(this.time.exactTimer, this.time)
    this.network = { timeline, replies: new Replies(), lineBytesMax: lineBytesMax(settings), heldBytes: 0 }
    this.way = createWays(settings, seed).up
    this.flow = new Flow(this.network, this.way, ends as never)
  }

  /** Calls back whenever bytes have arrived. */
  observe(arrived: () => void): void {
    this.#arrived = arrived
  }

  /** The destination has taken everything. */
  drain(): void {
    this.#destination.queuedBytes = 0
    this.flow.proceed()
  }
}

function counting(from: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (from + index) % 251)
}

test('a flow passes on its bytes unchanged and in order, in any chunks, whatever the network does', () => {
  const action = fc.record({
    length: fc.integer({ min: 1, max: 4000 }),
    afterMs: fc.double({ min: 0, max: 60, noNaN: true }),
    isSlow: fc.boolean(),
  })
  const settings = fc.record({
    rtt: fc.constantFrom(0, 1, 75),
    jitterShare: fc.constantFrom(0, 1),
    loss: fc.constantFrom(0, 0.3),
    rate: fc.constantFrom(undefined, 1_000_000),
  })
  fc.assert(
    fc.property(settings, fc.array(action, { maxLength: 25 }), ({ rtt, jitterShare, loss, rate }, actions) => {
      const bench = new Bench({ rtt, jitter: rtt * jitterShare, loss, ...(rate !== undefined && { rate }) })
      let sent = 0
      for (const { length, afterMs, isSlow } of actions) {
        bench.isSlow = isSlow
        bench.flow.send(counting(sent, length), 0, length)
        sent += length
        bench.time.advanceTo(bench.time.now() + afterMs)
        bench.drain()
        expect(bench.received.length).toBeLessThanOrEqual(sent)
      }
      bench.flow.sendMark(mark.end)
      bench.isSlow = false
      bench.drain()
      bench.time.advanceTo(1e7)
      expect(bench.marks).toEqual([mark.end])
      expect(bench.way.bytesPassed).toBe(sent)
      expect(Buffer.compare(Uint8Array.from(bench.received), counting(0, sent))).toBe(0)
      expect([bench.flow.isPending, bench.network.heldBytes]).toEqual([false, 0])
    }),
    { numRuns: 60 },
  )
})

test('a flow passes on bytes and their end half a round trip later', () => {
  const bench = new Bench({ rtt: 50 })
  bench.flow.send(counting(0, 10), 0, 10)
  bench.flow.sendMark(mark.end)
  bench.time.advanceTo(24.9)
  expect([bench.received, bench.marks]).toEqual([[], []])
  bench.time.advanceTo(25)
  expect([bench.received.length, bench.marks]).toEqual([10, [mark.end]])
})

test('a lost segment delays what is behind it', () => {
  const bench = new Bench({ loss: 1 })
  bench.flow.send(counting(0, 10), 0, 10)
  bench.time.advanceTo(199)
  expect(bench.received).toEqual([])
  bench.time.advanceTo(200)
  expect(bench.received).toHaveLength(10)
  expect(bench.way.lost).toBe(1)
})

test('a flow cuts each read into segments', () => {
  const bench = new Bench({ rate: 8_000_000 })
  bench.flow.send(counting(0, 10 * segmentBytesMax), 0, 10 * segmentBytesMax)
  bench.time.advanceTo(5)
  expect(bench.received).toHaveLength(3 * segmentBytesMax)
})

test('a flow resets the connection after the bytes before the segment, and passes on nothing after it', () => {
  const bench = new Bench({ reset: 1, rtt: 20 })
  bench.flow.send(counting(0, 5000), 0, 5000)
  bench.flow.send(counting(0, 5000), 0, 5000)
  bench.time.advanceTo(9)
  expect(bench.marks).toEqual([])
  bench.time.advanceTo(100)
  expect(bench.marks).toEqual([mark.reset])
  expect(bench.received).toEqual([])
})

test('a flow stops reading while its line is full, holds no more than that, and reads again afterwards', () => {
  const settings = { rtt: 1000, rate: 8_000_000 }
  const bench = new Bench(settings)
  const bytes = counting(0, 10_000)
  let sent = 0
  while (!bench.isPaused) {
    bench.flow.send(bytes, 0, bytes.length)
    sent += bytes.length
  }
  expect(sent).toBeGreaterThanOrEqual(lineBytesMax(settings))
  expect(sent).toBeLessThan(lineBytesMax(settings) + bytes.length)
  bench.time.advanceTo(550)
  expect(bench.isPaused).toBe(false)
  bench.time.advanceTo(10_000)
  expect(bench.received).toHaveLength(sent)
})

test('a flow stops reading while many short segments are on their way', () => {
  const bench = new Bench({ rtt: 10_000 })
  let sent = 0
  while (!bench.isPaused) {
    bench.flow.send(counting(sent, 1), 0, 1)
    sent++
  }
  expect(sent).toBe(65_536)
})

test('a flow keeps bytes while its destination does not take them or is not open', () => {
  const bench = new Bench({})
  bench.isOpen = false
  bench.flow.send(counting(0, 10), 0, 10)
  bench.time.advanceTo(10)
  expect(bench.received).toEqual([])
  bench.isOpen = true
  bench.isSlow = true
  bench.flow.proceed()
  expect(bench.received).toHaveLength(10)
  bench.flow.send(counting(10, 10), 0, 10)
  bench.time.advanceTo(20)
  expect(bench.received).toHaveLength(10)
  bench.drain()
  expect(Uint8Array.from(bench.received)).toEqual(counting(0, 20))
})

test('a flow that is cut passes on nothing, and resumes its source', () => {
  const bench = new Bench({ rtt: 1000, rate: 8_000_000 })
  while (!bench.isPaused) bench.flow.send(counting(0, 60_000), 0, 60_000)
  bench.flow.cut()
  expect([bench.isPaused, bench.flow.isPending, bench.network.heldBytes]).toEqual([false, false, 0])
  bench.flow.send(counting(0, 10), 0, 10)
  bench.flow.sendMark(mark.reset)
  bench.time.advanceTo(10_000)
  expect([bench.received, bench.marks]).toEqual([[], []])
})

test('lineBytesMax() is what passes in a round trip, within limits', () => {
  expect(lineBytesMax({ rtt: 75, rate: 50_000_000 })).toBe(468_750)
  expect(lineBytesMax({ rtt: 2, rate: 1_000_000 })).toBe(64 * 1024)
  expect(lineBytesMax({ rtt: 100, rate: 10_000_000_000 })).toBe(16 * 1024 * 1024)
  expect(lineBytesMax({ rtt: 100 })).toBe(16 * 1024 * 1024)
})

/**
 * What a network with a rate and a round trip does to bytes that come in at their times, reckoned in another way: in whole
 * nanoseconds, and byte for byte.
 */
function arrivalsOf(
  chunks: readonly { readonly cameNs: number; readonly bytes: number }[],
  nsPerByte: number,
): number[] {
  let freeNs = 0
  return chunks.flatMap(({ cameNs, bytes }) => {
    freeNs = Math.max(freeNs, cameNs)
    return Array.from({ length: bytes }, () => {
      freeNs += nsPerByte
      return freeNs + roundTripNs / 2
    })
  })
}

const roundTripNs = 300_000
/** Times are floating-point milliseconds. */
const roundingNs = 0.001
/** The timer waits for at least one nanosecond. */
const timerNs = 1

test('a flow is exact to the nanosecond at a round trip of 300 us, however its bytes are cut into reads', () => {
  const chunk = fc.record({ afterNs: fc.nat(200_000), bytes: fc.integer({ min: 1, max: 3000 }) })
  // 1 Gbit/s is 8 ns a byte, 8 Gbit/s is 1 ns.
  const rates = fc.constantFrom([8, 1_000_000_000], [1, 8_000_000_000], [0, undefined])
  fc.assert(
    fc.property(rates, fc.array(chunk, { minLength: 1, maxLength: 8 }), ([nsPerByte, rate], chunks) => {
      const bench = new Bench({ rtt: roundTripNs / 1e6, ...(rate !== undefined && { rate }) })
      let cameNs = 0
      const came = chunks.map(({ afterNs, bytes }) => {
        cameNs += afterNs
        return { cameNs, bytes }
      })
      // The bytes that have arrived by each time at which anything has, in nanoseconds.
      const seen: { atNs: number; bytes: number }[] = []
      bench.observe(() => seen.push({ atNs: bench.time.now() * 1e6, bytes: bench.received.length }))
      let sent = 0
      for (const { cameNs, bytes } of came) {
        bench.time.advanceTo(cameNs / 1e6)
        bench.flow.send(counting(sent, bytes), 0, bytes)
        sent += bytes
      }
      bench.time.advanceTo(1000)
      const arrivals = arrivalsOf(came, nsPerByte!)
      expect(seen.at(-1)!.bytes).toBe(arrivals.length)
      const lateNs = seen.map(({ atNs, bytes }) => atNs - arrivals[bytes - 1]!)
      expect(Math.min(...lateNs)).toBeGreaterThanOrEqual(-roundingNs)
      expect(Math.max(...lateNs)).toBeLessThanOrEqual(timerNs + roundingNs)
      expect(Buffer.compare(Uint8Array.from(bench.received), counting(0, sent))).toBe(0)
    }),
    { numRuns: 30 },
  )
})

test('a flow with a jitter of 50 us keeps the order, and every byte arrives within the jitter', () => {
  const bench = new Bench({ rtt: 0.3, jitter: 0.05 })
  const lateMs: number[] = []
  for (let index = 0; index < 200; index++) {
    const beforeMs = bench.time.now()
    bench.flow.send(counting(index, 1), 0, 1)
    bench.time.advanceTo(beforeMs + 0.12499)
    expect(bench.received).toHaveLength(index)
    while (bench.received.length === index) bench.time.advanceTo(bench.time.now() + 0.0001)
    lateMs.push(bench.time.now() - beforeMs)
  }
  expect(bench.received).toEqual(Array.from(counting(0, 200)))
  expect(Math.max(...lateMs)).toBeLessThan(0.1752)
  expect(Math.max(...lateMs) - Math.min(...lateMs)).toBeGreaterThan(0.03)
})
