import fc from 'fast-check'
import { expect, test } from 'vitest'
import { propertyRuns } from '../testing/propertyRuns.ts'
import { createProtocol } from './catalog.ts'
import { datagramBytesMax, overDatagrams } from './datagram.ts'
import { malformed, tooLarge } from './protocol.ts'
import type { ProtocolSpec } from './protocolSpec.ts'
import { protocolSpec } from './spec.ts'

const framed = [
  'line',
  'frame',
  'tlv',
  'rpc',
  { rpc: { lengthPrefix: false } },
  { frame: { id: { offset: 4, bytes: 2 } } },
].map(protocolSpec)

const over = (spec: ProtocolSpec) => overDatagrams(createProtocol(spec))

test.each(framed)('overDatagrams() accepts only a datagram that is exactly one frame: $name', spec => {
  const protocol = over(spec)
  const frame = protocol.encode({ body: Buffer.from('hello') })
  expect(protocol.frameEnd(frame, 0, frame.length, 0)).toBe(frame.length)
  const twice = Buffer.concat([frame, frame])
  expect(protocol.frameEnd(twice, 0, twice.length, 0)).toBe(malformed)
  expect(protocol.frameEnd(twice, frame.length, twice.length, 0)).toBe(twice.length)
  for (let cut = 0; cut < frame.length; cut++) expect(protocol.frameEnd(frame, 0, cut, 0)).toBe(malformed)
})

test.each([...framed, protocolSpec('raw')])('overDatagrams() leaves no partial frame for any bytes: $name', spec => {
  const protocol = over(spec)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), bytes => {
      expect([bytes.length, malformed, tooLarge]).toContain(protocol.frameEnd(bytes, 0, bytes.length, 0))
    }),
    { numRuns: propertyRuns },
  )
})

test('overDatagrams() takes a datagram of any length as a raw message, unless the length is set', () => {
  const bytes = Buffer.from('hello')
  expect(over({ name: 'raw' }).frameEnd(bytes, 0, 5, 12)).toBe(5)
  expect(over({ name: 'raw' }).needsRequestBytes).toBeUndefined()
  const fixed = over({ name: 'raw', replyBytes: 4 })
  expect(fixed.frameEnd(bytes, 0, 4, 0)).toBe(4)
  expect([3, 5].map(length => fixed.frameEnd(bytes, 0, length, 0))).toEqual([malformed, malformed])
})

test('overDatagrams() distinguishes a frame that is too long from one that is cut off', () => {
  const protocol = over({ name: 'tlv', maxFrame: 4 })
  expect(protocol.frameEnd(Uint8Array.of(0, 0, 0, 5, 0, 0, 0, 1, 9), 0, 9, 0)).toBe(tooLarge)
})

test('overDatagrams() refuses to encode more than a datagram holds', () => {
  const protocol = over({ name: 'raw' })
  expect(protocol.encode({ body: new Uint8Array(datagramBytesMax) })).toHaveLength(datagramBytesMax)
  const longer = { body: new Uint8Array(datagramBytesMax + 1) }
  expect(() => protocol.encode(longer)).toThrow(new RangeError('a datagram has at most 65507 bytes, not 65508'))
})
