import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { propertyRuns } from '../testing/propertyRuns.ts'
import { createProtocol } from './catalog.ts'
import { describeProtocol } from './describeProtocol.ts'
import { PartialFrames } from './partialFrames.ts'
import { pictureMessages, pictures } from './picture/testing/pictures.ts'
import { incomplete, type Message, malformed, type Protocol, tooLarge } from './protocol.ts'
import type { FrameSettings, ProtocolSpec } from './protocolSpec.ts'
import { bytesOf } from './testing/bytes.ts'

/** Long enough for the bodies below in every setting, and short enough that some random lengths exceed it. */
const maxFrame = 300
const bodyBytesMax = 100

const frameDefaults = { lengthOffset: 0, lengthBytes: 4, endian: 'big', lengthAdjustment: 0, maxFrame } as const

const frameSpecs: ProtocolSpec[] = ([1, 2, 3, 4, 8] as const).flatMap(lengthBytes =>
  (['big', 'little'] as const).flatMap(endian => {
    const settings: Partial<FrameSettings>[] = [
      {},
      { lengthAdjustment: -4, lengthOffset: 5 },
      { lengthAdjustment: -lengthBytes },
      { strip: 0 },
      { strip: lengthBytes + 3 },
      { id: { offset: 8, bytes: 4 } },
      { lengthOffset: 3, id: { offset: 0, bytes: 3 } },
      { id: { offset: 9, bytes: 2 }, strip: 20, lengthAdjustment: 2 },
    ]
    return settings.map(some => ({ name: 'frame' as const, ...frameDefaults, lengthBytes, endian, ...some }))
  }),
)

const specs: ProtocolSpec[] = [
  { name: 'raw' },
  { name: 'raw', replyBytes: 7 },
  { name: 'line', delimiter: '\n', maxFrame },
  { name: 'line', delimiter: '\r\n', maxFrame },
  { name: 'line', delimiter: '--END--', maxFrame },
  { name: 'tlv', maxFrame },
  { name: 'rpc', lengthPrefix: true, maxFrame },
  { name: 'rpc', lengthPrefix: false, maxFrame },
  { name: 'broadcast', maxFrame },
  { name: 'broadcast', framing: 'json', maxFrame },
  { name: 'http', host: 'example.org', maxFrame },
  { name: 'resp', maxFrame },
  { name: 'resp', maxFrame, version: 3 },
  ...frameSpecs,
  ...Object.values(pictures).map(elements => ({
    name: 'frame' as const,
    request: elements,
    reply: elements,
    maxFrame,
  })),
]

const bytes = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength })

/** Messages that fit the protocol, with all of its fields. */
function messages(spec: ProtocolSpec): fc.Arbitrary<Message> {
  const body = bytes(20, bodyBytesMax)
  const u32 = fc.nat(0xffff_ffff)
  switch (spec.name) {
    case 'raw':
      return fc.record({ body: spec.replyBytes ? bytes(spec.replyBytes, spec.replyBytes) : bytes(1, bodyBytesMax) })
    case 'line':
    case 'broadcast':
      // No byte of a delimiter above, and none that JSON escapes.
      return fc.record({ body: body.map(some => some.map(byte => 0x61 + (byte % 26))) })
    case 'tlv':
      return fc.record({ body: bytes(0, bodyBytesMax), type: u32 })
    case 'frame':
      if ('request' in spec) return pictureMessages(spec.request, bodyBytesMax)
      return spec.id ? fc.record({ body, id: fc.nat(256 ** spec.id.bytes - 1) }) : fc.record({ body })
    case 'rpc':
      return fc.record({
        body: bytes(0, bodyBytesMax),
        id: u32,
        type: fc.nat(255),
        version: fc.integer({ min: -0x8000, max: 0x7fff }),
        extension: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      })
    case 'http':
      return fc.oneof(httpRequests, httpReplies)
    case 'resp':
      return fc.array(bytes(0, 20), { minLength: 1, maxLength: 4 }).map(words => ({ body: commandLine(words) }))
  }
}

/** With all headers that `encode` would add, in lower case as `decode` returns them. */
const httpRequests = fc
  .record({
    method: fc.constantFrom('GET', 'POST', 'DELETE'),
    path: fc.constantFrom('/', '/users/7?a=b', '*'),
    accept: fc.constantFrom('', '*/*', 'text/plain; q=0.5, c'),
    body: bytes(0, bodyBytesMax),
  })
  .map(({ accept, body, ...line }) => {
    const headers = { host: 'a.example', 'user-agent': 'test', accept, 'content-length': String(body.length) }
    return { ...line, headers, body }
  })

const httpReplies = fc
  .record({ status: fc.integer({ min: 200, max: 599 }), body: bytes(0, bodyBytesMax) })
  .map(reply => {
    const bodiless = reply.status === 204 || reply.status === 304
    const body = bodiless ? new Uint8Array(0) : reply.body
    const headers = { 'x-first': 'one', ...(!bodiless && { 'content-length': String(body.length) }) }
    return { status: reply.status, headers, body }
  })

function commandLine(words: readonly Uint8Array[]): Uint8Array {
  const quoted = words.map(word => `"${Array.from(word, byte => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}"`)
  return bytesOf(quoted.join(' '))
}

/** The frames in the pieces that arrive at a connection. */
function framesOf(protocol: Protocol, pieces: Uint8Array[], requestBytes: number[]): Uint8Array[] {
  const partialFrames = new PartialFrames()
  const frames: Uint8Array[] = []
  for (const piece of pieces) {
    // Other bytes surround the piece, and overwrite it once it has been read.
    const buffer = new Uint8Array(piece.length + 22).fill(0xa5)
    buffer.set(piece, 11)
    partialFrames.join(0, buffer, 11, 11 + piece.length)
    const { bytes, to } = partialFrames
    let { from } = partialFrames
    while (from < to) {
      const end = protocol.frameEnd(bytes, from, to, requestBytes[frames.length] ?? 1)
      if (end === incomplete) break
      if (end <= from || end > to) throw new Error(`the offset ${end} is not within ${from} to ${to}`)
      frames.push(bytes.slice(from, end))
      from = end
    }
    partialFrames.keep(0, bytes, from, to)
    buffer.fill(0xa5)
  }
  return frames
}

/** `toEqual` for bytes that are nearly always equal, as it takes ten times as long as a comparison. */
function expectSame(found: readonly Uint8Array[], wanted: readonly Uint8Array[]): void {
  const areSame = found.length === wanted.length && found.every((bytes, index) => isSame(bytes, wanted[index]!))
  if (!areSame) expect(found).toEqual(wanted)
}

function isSame(bytes: Uint8Array, wanted: Uint8Array): boolean {
  return bytes.constructor === wanted.constructor && Buffer.compare(bytes, wanted) === 0
}

/** Headers without bodies that announce a frame longer than maxFrame: by one byte, 4 GiB or 2^63 bytes. */
function overlongHeaders(spec: ProtocolSpec): Uint8Array[] {
  if (spec.name === 'tlv') return [maxFrame + 1, 0xffff_ffff].map(length => bytesOf({ u32: length }, { u32: 1 }))
  if (spec.name === 'rpc' && spec.lengthPrefix) {
    return [19 + maxFrame + 1, 0xffff_ffff].map(length => bytesOf({ u32: length }))
  }
  if (spec.name === 'http') {
    return [maxFrame, 2 ** 32, 2 ** 64].map(length => bytesOf(`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n`))
  }
  if (spec.name === 'resp')
    return [`$${maxFrame}`, '$4294967296', '*4294967295', '*150'].map(line => bytesOf(`${line}\r\n`))
  if (spec.name === 'rpc') return [maxFrame + 1, 0x7fff_ffff].map(i32 => bytesOf(new Uint8Array(15), { i32 }))
  if (spec.name !== 'frame' || 'request' in spec || spec.lengthBytes === 1) return []
  const head = spec.lengthOffset + spec.lengthBytes + spec.lengthAdjustment
  const lengths = [BigInt(maxFrame + 1 - head), 2n ** 32n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]
  const bits = 8 * spec.lengthBytes
  return lengths.map(length => {
    const field = bytesOf({ u64: BigInt.asUintN(bits, length > 2n ** BigInt(bits) ? -1n : length) }).slice(
      -spec.lengthBytes,
    )
    return bytesOf(new Uint8Array(spec.lengthOffset), spec.endian === 'big' ? field : field.reverse())
  })
}

function glue(pieces: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(pieces.flatMap(piece => [...piece]))
}

describe.each(specs.map(spec => [`${describeProtocol(spec)} ${JSON.stringify(spec)}`, spec] as const))(
  '%s',
  (_, spec) => {
    const protocol = createProtocol(spec)
    /** With a strip inside the header, encode writes length and id over the body, so the decoded body differs. */
    const wholeBody = spec.name !== 'frame' || 'request' in spec || spec.strip !== 0
    /** A command line is decoded as the array that was sent. */
    const roundTrips = spec.name !== 'resp'

    test('decode() returns the message that encode() was given, at any offset', () => {
      fc.assert(
        fc.property(messages(spec), fc.nat(40), fc.nat(40), (message, before, after) => {
          const frame = protocol.encode(message)
          expect(frame.length).toBeLessThanOrEqual(protocol.frameBytesMax)
          const buffer = new Uint8Array(before + frame.length + after).fill(0xa5)
          buffer.set(frame, before)
          const end = protocol.frameEnd(buffer, before, before + frame.length, frame.length)
          expect(end).toBe(before + frame.length)
          const decoded = protocol.decode(buffer, before, end)
          if (wholeBody && roundTrips) expect(decoded).toEqual(message)
          if (roundTrips) expectSame([protocol.encode(decoded)], [frame])
          const body = buffer.subarray(protocol.bodyStart(buffer, before, end), protocol.bodyEnd(buffer, before, end))
          expectSame([body], [decoded.body])
          if (protocol.type) expect(protocol.type.read(buffer, before)).toBe(decoded.type)
          if (protocol.status) expect(protocol.status.read(buffer, before)).toBe(decoded.status ?? 0)
          if (protocol.requestId) expect(protocol.requestId.read(buffer, before, end)).toBe(decoded.id)
        }),
        { numRuns: propertyRuns },
      )
    })

    test('frameEnd() finds the same frames at every split', () => {
      fc.assert(
        fc.property(fc.array(messages(spec), { minLength: 1, maxLength: 3 }), some => {
          const frames = some.map(protocol.encode)
          const lengths = frames.map(frame => frame.length)
          const whole = glue(frames)
          for (let split = 0; split <= whole.length; split++) {
            expectSame(framesOf(protocol, [whole.subarray(0, split), whole.subarray(split)], lengths), frames)
          }
          const single = Array.from(whole, (_, index) => whole.subarray(index, index + 1))
          expectSame(framesOf(protocol, single, lengths), frames)
        }),
        { numRuns: Math.ceil(propertyRuns / 10) },
      )
    })

    test('frameEnd() finds many frames joined together and split anywhere', () => {
      fc.assert(
        fc.property(fc.array(messages(spec), { maxLength: 30 }), fc.array(fc.nat(3000)), (some, cuts) => {
          const frames = some.map(protocol.encode)
          const whole = glue(frames)
          const places = [0, ...cuts.filter(cut => cut < whole.length).sort((a, b) => a - b), whole.length]
          const pieces = places.slice(1).map((place, index) => whole.subarray(places[index]!, place))
          const lengths = frames.map(frame => frame.length)
          expectSame(framesOf(protocol, pieces, lengths), frames)
        }),
        { numRuns: Math.ceil(propertyRuns / 5) },
      )
    })

    test('frameEnd() returns an offset in range for any bytes', () => {
      const small = fc.oneof(fc.constant(0), fc.constant(255), fc.nat(255))
      const noise = fc.oneof(
        bytes(0, 400),
        fc.array(small, { maxLength: 400 }).map(list => Uint8Array.from(list)),
        // Two frames with some bytes changed.
        fc.tuple(messages(spec), messages(spec), fc.array(fc.tuple(fc.nat(400), small))).map(([one, two, changes]) => {
          const whole = glue([protocol.encode(one), protocol.encode(two)])
          for (const [at, byte] of changes) whole[at % whole.length] = byte
          return whole
        }),
      )
      fc.assert(
        fc.property(noise, fc.nat(30), fc.nat(400), fc.nat(50), (buffer, from, length, requestBytes) => {
          from = Math.min(from, buffer.length)
          const to = Math.min(from + length, buffer.length)
          const end = protocol.frameEnd(buffer, from, to, requestBytes)
          if ([incomplete, malformed, tooLarge].includes(end)) return
          expect(end).toBeGreaterThan(from)
          expect(end).toBeLessThanOrEqual(to)
          const start = protocol.bodyStart(buffer, from, end)
          expect(start).toBeGreaterThanOrEqual(from)
          expect(start).toBeLessThanOrEqual(protocol.bodyEnd(buffer, from, end))
          expect(protocol.decode(buffer, from, end).body).toHaveLength(protocol.bodyEnd(buffer, from, end) - start)
        }),
        { numRuns: propertyRuns },
      )
    })

    const { explain } = protocol
    if (explain) {
      test('explain() gives a reason where frameEnd() finds a fault, and nowhere else', () => {
        const noise = fc.oneof(
          bytes(0, 400),
          fc.tuple(messages(spec), fc.array(fc.tuple(fc.nat(400), fc.nat(255)))).map(([message, changes]) => {
            const frame = protocol.encode(message).slice()
            for (const [at, byte] of changes) frame[at % frame.length] = byte
            return frame
          }),
        )
        fc.assert(
          fc.property(noise, fc.nat(5), (buffer, after) => {
            const to = Math.max(0, buffer.length - after)
            const isFault = protocol.frameEnd(buffer, 0, to, 0) < 0
            expect(typeof explain(buffer, 0, to)).toBe(isFault ? 'string' : 'undefined')
          }),
          { numRuns: propertyRuns },
        )
      })
    }

    const headers = overlongHeaders(spec)
    if (headers.length > 0) {
      test('frameEnd() returns tooLarge once the header is in, for any announced length', () => {
        for (const header of headers) {
          expect(protocol.frameEnd(header, 0, header.length, 0)).toBe(tooLarge)
          expect(protocol.frameEnd(glue([Uint8Array.of(9), header]), 1, 1 + header.length, 0)).toBe(tooLarge)
        }
      })
    }

    const { requestId } = protocol
    if (requestId) {
      test('requestId.write() changes only the id', () => {
        const { bits, read, write } = requestId
        fc.assert(
          fc.property(messages(spec), fc.nat(2 ** bits - 1), (message, id) => {
            const frame = protocol.encode(message)
            const buffer = glue([Uint8Array.of(9), frame, Uint8Array.of(9)])
            write(buffer, 1, id)
            expect(read(buffer, 1, 1 + frame.length)).toBe(id)
            write(buffer, 1, read(frame, 0, frame.length))
            expect(buffer).toEqual(glue([Uint8Array.of(9), frame, Uint8Array.of(9)]))
          }),
          { numRuns: Math.ceil(propertyRuns / 5) },
        )
      })
    }
  },
)
