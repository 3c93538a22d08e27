import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { propertyRuns } from '../../testing/propertyRuns.ts'
import { createProtocol } from '../catalog.ts'
import { incomplete, malformed, tooLarge } from '../protocol.ts'
import type { ProtocolSpec } from '../protocolSpec.ts'
import { protocolSpec } from '../spec.ts'
import { bytesOf, textOf } from '../testing/bytes.ts'
import { layeredProtocol } from './layered.ts'
import { type LayerName, layerNames } from './settings.ts'

const maxFrame = 4096
const specs: readonly ProtocolSpec[] = [
  { name: 'tlv', maxFrame },
  { name: 'rpc', lengthPrefix: true, maxFrame },
  { name: 'rpc', lengthPrefix: false, maxFrame },
  protocolSpec({ frame: { maxFrame } }),
  protocolSpec({ frame: { lengthOffset: 3, lengthBytes: 2, endian: 'little', id: { offset: 0, bytes: 3 }, maxFrame } }),
]

const key = 'secret'

function layered(spec: ProtocolSpec, names: readonly LayerName[], opensAll = true) {
  return layeredProtocol(createProtocol(spec), { names, key }, { opensAll })
}

test('layeredProtocol() returns every field, at any split, and leaves the header unchanged', () => {
  const chains = fc.array(fc.constantFrom(...layerNames), { minLength: 1, maxLength: 4 })
  const bodies = fc.uint8Array({ maxLength: 300 })
  fc.assert(
    fc.property(
      fc.constantFrom(...specs),
      chains,
      bodies,
      fc.nat(255),
      fc.nat(0xffffff),
      (spec, names, body, type, id) => {
        const protocol = layered(spec, names)
        const frame = protocol.encode({ body, type, id, version: 7, extension: -5n })
        for (let to = 0; to < frame.length; to += 7) expect(protocol.frameEnd(frame, 0, to, 0)).toBe(incomplete)
        expect(protocol.frameEnd(frame, 0, frame.length, 0)).toBe(frame.length)
        const plain = createProtocol(spec).encode({ body, type, id, version: 7, extension: -5n })
        expect(protocol.layers?.unwrapFrame(frame, 0, frame.length)).toEqual(plain)
        const message = protocol.decode(frame, 0, frame.length)
        expect(message).toEqual(createProtocol(spec).decode(plain, 0, plain.length))
        expect(protocol.frameEnd(protocol.layers!.wrapFrame(plain), 0, 1e6, 0)).toBeGreaterThan(0)
        expect(protocol.layers!.wrappedBytesMax(plain)).toBeGreaterThanOrEqual(frame.length)
        expect(protocol.type?.read(frame, 0)).toBe(message.type)
        expect(protocol.requestId?.read(frame, 0, frame.length)).toBe(message.id)
      },
    ),
    { numRuns: propertyRuns },
  )
})

test('frameEnd() is malformed for any flipped bit under a layer that verifies, with and without opensAll', () => {
  const chain = fc.constantFrom<LayerName[]>(
    ['gzip', 'crc32'],
    ['hmac-sha1', 'gzip'],
    ['deflate', 'aes-256-gcm', 'crc32'],
  )
  fc.assert(
    fc.property(chain, fc.uint8Array({ maxLength: 100 }), fc.nat(), fc.boolean(), (names, body, bit, opensAll) => {
      const protocol = layered({ name: 'tlv', maxFrame }, names, opensAll)
      const frame = protocol.encode({ body, type: 1 })
      expect(protocol.frameEnd(frame, 0, frame.length, 0)).toBe(frame.length)
      const outermost = names.at(-1)
      // gzip ignores bytes after its end, and parts of its header.
      if (outermost === 'gzip') return
      const at = 64 + (bit % (8 * (frame.length - 8)))
      frame[at >> 3]! ^= 1 << (at & 7)
      expect(protocol.frameEnd(frame, 0, frame.length, 0)).toBe(malformed)
    }),
    { numRuns: propertyRuns },
  )
})

test('frameEnd() removes layers that do not verify only with opensAll, and a decompression bomb is malformed', () => {
  const spec = { name: 'tlv', maxFrame } as const
  const bomb = createProtocol(spec).encode({ body: gzipSync(new Uint8Array(1024 * 1024)) })
  const noGzip = createProtocol(spec).encode({ body: bytesOf('hello') })
  for (const frame of [bomb, noGzip]) {
    expect(layered(spec, ['gzip']).frameEnd(frame, 0, frame.length, 0)).toBe(malformed)
    expect(layered(spec, ['gzip'], false).frameEnd(frame, 0, frame.length, 0)).toBe(frame.length)
    expect(layered(spec, ['gzip'], false).layers?.unwrapFrame(frame, 0, frame.length)).toBeUndefined()
  }
  expect(textOf(layered(spec, ['gzip'], false).decode(noGzip, 0, noGzip.length).body)).toBe('hello')
})

test('frameEnd() is malformed for a body that inflates to more than its length field can hold', () => {
  const spec = protocolSpec({ frame: { lengthBytes: 1 } })
  const frame = createProtocol(spec).encode({ body: gzipSync(new Uint8Array(300)) })
  expect(layered(spec, ['gzip']).frameEnd(frame, 0, frame.length, 0)).toBe(malformed)
})

test('frameEnd() is tooLarge for an announced length before the body is in', () => {
  const header = bytesOf({ u32: maxFrame + 1 }, { u32: 1 })
  expect(layered({ name: 'tlv', maxFrame }, ['gzip']).frameEnd(header, 0, 8, 0)).toBe(tooLarge)
})

test('layeredProtocol() returns the protocol itself without layers, and refuses a body that does not fit', () => {
  const tlv = createProtocol({ name: 'tlv', maxFrame: 20 })
  expect(layeredProtocol(tlv, undefined)).toBe(tlv)
  expect(layeredProtocol(tlv, { names: [] })).toBe(tlv)
  const protocol = layeredProtocol(tlv, { names: ['hmac-sha1'], key })
  expect(protocol.encode({ body: new Uint8Array(0) })).toHaveLength(28)
  expect(() => protocol.encode({ body: new Uint8Array(1) })).toThrow(RangeError)
  expect(() => protocol.layers!.wrappedBytesMax(tlv.encode({ body: new Uint8Array(1) }))).toThrow(RangeError)
})
