import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createPrng, type Prng } from '../prng.ts'
import { parseScenario } from '../scenario/load.ts'
import { propertyRuns } from '../testing/propertyRuns.ts'
import { composeProtocol } from './composed.ts'
import { PartialFrames } from './partialFrames.ts'
import { incomplete, malformed, type Protocol, tooLarge } from './protocol.ts'
import { type RecordedStream, recordedStreams } from './testing/streams.ts'

const streams = recordedStreams()
/** In the whole suite 3,000 copies of each stream are changed somewhere. */
const mutationRuns = 30 * propertyRuns
const changesMax = 4
const insertedMax = 40

function protocolOf({ protocol, datagrams }: RecordedStream): Protocol {
  const address = datagrams === undefined ? 'tcp://h:1' : 'udp://h:1'
  const text = `name: s\ntarget: { address: "${address}" }\nprotocol: ${protocol}\nloop: [ { send: GET / } ]\n`
  const { scenario } = parseScenario(text, 's.yaml', [], {})
  return composeProtocol({ spec: scenario.protocol, overUdp: datagrams !== undefined })
}

/** The ends of the frames in a stream, how what follows them is answered, and how much of it waits for more. */
interface Walked {
  readonly ends: readonly number[]
  readonly rest: number
  readonly kept: number
}

/** Takes a stream in pieces as a connection does, up to the first that is no frame. */
function walk(protocol: Protocol, bytes: Uint8Array, cuts: readonly number[], visit?: FrameVisitor): Walked {
  const partialFrames = new PartialFrames()
  const ends: number[] = []
  let kept = 0
  let start = 0
  for (const pieceEnd of [...cuts, bytes.length]) {
    partialFrames.join(0, bytes, start, pieceEnd)
    start = pieceEnd
    const { bytes: input, to } = partialFrames
    let at = partialFrames.from
    while (at < to) {
      const end = protocol.frameEnd(input, at, to, 0)
      if (end < 0) return { ends, rest: end, kept: to - at }
      if (end === incomplete) break
      visit?.(input, at, end, to)
      ends.push(pieceEnd - (to - end))
      at = end
    }
    at = protocol.between?.(input, at, to) ?? at
    kept = to - at
    partialFrames.keep(0, input, at, to)
    // What is kept follows the bytes that are in, whatever they announce.
    if (partialFrames.heldBytes > 2 * bytes.length + 256) throw new Error(`${partialFrames.heldBytes} bytes are held`)
  }
  return { ends, rest: incomplete, kept }
}

type FrameVisitor = (bytes: Uint8Array, from: number, end: number, to: number) => void

/** Asks of a frame all that a client asks. */
function questions(protocol: Protocol): FrameVisitor {
  return (bytes, from, end, to) => {
    if (end <= from || end > to) throw new Error(`the end ${end} is not within ${from} to ${to}`)
    const [first, last] = [protocol.bodyStart(bytes, from, end), protocol.bodyEnd(bytes, from, end)]
    if (first < from || first > last || last > end)
      throw new Error(`a body from ${first} to ${last} in ${from} to ${end}`)
    const { body } = protocol.decode(bytes, from, end)
    if (body.length > end - from) throw new Error('a body that is longer than its frame')
    protocol.ignores?.(bytes, from, end)
    protocol.delivery?.(bytes, from, end)
    protocol.answerTo?.(bytes, from, end)
    protocol.isRefusal?.(bytes, from, end)
    protocol.endsConnection?.(bytes, from, end)
    protocol.joinedBody?.(bytes, from, end)
    protocol.requestId?.read(bytes, from, end)
    for (const read of Object.values(protocol.fields ?? {})) read(bytes, from, end)
  }
}

/** A copy with some bytes changed, left out, put in or repeated, or cut off. */
function mutated(bytes: Uint8Array, prng: Prng): Uint8Array {
  let copy = bytes.slice()
  for (let changes = 1 + prng.below(changesMax); changes > 0 && copy.length > 0; changes--) {
    const at = prng.below(copy.length)
    const length = 1 + prng.below(Math.min(insertedMax, copy.length - at))
    switch (prng.below(7)) {
      case 0:
        copy[at] = prng.below(256)
        break
      case 1:
        copy[at]! ^= 1 << prng.below(8)
        break
      case 2:
        // What may be a length becomes the longest.
        copy.fill(0xff, at, at + Math.min(length, 8))
        break
      case 3:
        // Where lengths are digits, this is a long one.
        copy.fill(0x39, at, at + length)
        break
      case 4:
        copy = Buffer.concat([copy.subarray(0, at), copy.subarray(at + length)])
        break
      case 5:
        copy = Buffer.concat([copy.subarray(0, at + length), copy.subarray(at)])
        break
      default:
        copy = copy.slice(0, at)
    }
  }
  return copy
}

function sortedCuts(prng: Prng, length: number, count: number): number[] {
  return Array.from({ length: count }, () => prng.below(length + 1)).sort((a, b) => a - b)
}

const seeds = fc.nat(0xffff_ffff).map(createPrng)

test('there are streams of many servers', () => {
  expect(streams.length).toBeGreaterThan(10)
})

describe.each(streams.filter(({ datagrams }) => datagrams === undefined).map(stream => [stream.name, stream] as const))(
  'what %s has sent',
  (_, stream) => {
    const protocol = protocolOf(stream)
    const { bytes } = stream
    const whole = walk(protocol, bytes, [], questions(protocol))
    const expectSame = (cuts: readonly number[]) => {
      const walked = walk(protocol, bytes, cuts)
      const { ends, rest } = walked
      const isSame =
        rest === whole.rest &&
        ends.length === whole.ends.length &&
        ends.every((end, index) => end === whole.ends[index])
      if (!isSame) expect({ cuts, ...walked }).toEqual({ cuts, ...whole })
    }

    test('is as many frames as were counted, and nothing behind them', () => {
      expect(whole).toMatchObject({ rest: incomplete, kept: 0 })
      expect(whole.ends).toHaveLength(stream.frames)
    })

    test('is the same frames at every cut, byte by byte, and in random pieces', () => {
      for (let cut = 0; cut <= bytes.length; cut++) expectSame([cut])
      expectSame(Array.from(bytes, (_, index) => index))
      fc.assert(
        fc.property(seeds, fc.integer({ min: 2, max: 60 }), (prng, count) => {
          expectSame(sortedCuts(prng, bytes.length, 2))
          expectSame(sortedCuts(prng, bytes.length, count))
        }),
        { numRuns: 10 * propertyRuns },
      )
    })

    test('is answered without a throw however it is changed', () => {
      const ask = questions(protocol)
      fc.assert(
        fc.property(seeds, prng => {
          const changed = mutated(bytes, prng)
          const { rest } = walk(protocol, changed, sortedCuts(prng, changed.length, prng.below(4)), ask)
          expect([incomplete, malformed, tooLarge]).toContain(rest)
        }),
        { numRuns: mutationRuns },
      )
    })
  },
)

describe.each(streams.flatMap(stream => (stream.datagrams ? [[stream.name, stream.datagrams, stream] as const] : [])))(
  'what %s has sent',
  (_, datagrams, stream) => {
    const protocol = protocolOf(stream)
    const ask = questions(protocol)

    test('is a frame in each datagram', () => {
      expect(datagrams).toHaveLength(stream.frames)
      for (const datagram of datagrams) expect(protocol.frameEnd(datagram, 0, datagram.length, 0)).toBe(datagram.length)
    })

    test('is answered without a throw however it is changed', () => {
      fc.assert(
        fc.property(seeds, prng => {
          const changed = mutated(datagrams[prng.below(datagrams.length)]!, prng)
          const end = protocol.frameEnd(changed, 0, changed.length, 0)
          if (end > 0) ask(changed, 0, end, changed.length)
          else expect([malformed, tooLarge]).toContain(end)
        }),
        { numRuns: mutationRuns },
      )
    })
  },
)
