import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { propertyRuns } from '../../testing/propertyRuns.ts'
import { malformed } from '../protocol.ts'
import { bytesOf } from '../testing/bytes.ts'
import { createTlv } from '../tlv.ts'
import { layeredProtocol } from './layered.ts'
import { createLayers } from './layers.ts'
import { type LayerText, layerTexts } from './settings.ts'

const key = 'a key of any length'
const bodyBytesMax = 4096
const compressing: readonly LayerText[] = ['deflate', 'gzip']
const verifying = layerTexts.filter(text => !compressing.includes(text))

const bodies = fc.oneof(
  fc.uint8Array({ maxLength: 600 }),
  // These compress well.
  fc.tuple(fc.nat(255), fc.nat(2000)).map(([byte, length]) => new Uint8Array(length).fill(byte)),
)
const chains = fc.array(fc.constantFrom(...layerTexts), { minLength: 1, maxLength: 5 })

function layer(name: LayerText, layerKey = key) {
  return createLayers({ names: [name], key: layerKey })[0]!
}

const hex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'))
const plain = (bytes: Uint8Array | undefined) => bytes && Uint8Array.from(bytes)

test('createLayers() returns any body unchanged through any list of layers, and bounds its wrapped length', () => {
  fc.assert(
    fc.property(bodies, chains, (body, names) => {
      const layers = createLayers({ names, key })
      let bytes: Uint8Array = body
      for (const each of layers) {
        const most = each.wrappedBytesMax(bytes.length)
        bytes = each.wrap(bytes)
        expect(bytes.length).toBeLessThanOrEqual(most)
      }
      let back: Uint8Array | undefined = bytes
      for (const each of layers.toReversed()) back = back && each.unwrap(back, bodyBytesMax)
      expect(plain(back)).toEqual(Uint8Array.from(body))
    }),
    { numRuns: propertyRuns },
  )
})

test.each(compressing)('%s bounds the wrapped length of incompressible bodies', name => {
  for (const length of [0, 1, 1000, 16_384, 100_000, 1_000_000]) {
    const body = Uint8Array.from({ length }, (_, index) => Math.imul(index + 1, 0x9e3779b1) >>> 24)
    const wrapped = layer(name).wrap(body)
    expect(wrapped.length).toBeLessThanOrEqual(layer(name).wrappedBytesMax(length))
    expect(layer(name).unwrap(wrapped, Math.max(1, length))?.length).toBe(length)
  }
})

test.each(verifying)('%s detects any flipped bit and any missing byte', name => {
  fc.assert(
    fc.property(bodies, fc.nat(), fc.nat(), (body, bit, cut) => {
      const { wrap, unwrap } = layer(name)
      const bytes = Uint8Array.from(wrap(body))
      const at = bit % (8 * bytes.length)
      bytes[at >> 3]! ^= 1 << (at & 7)
      expect(unwrap(bytes, bodyBytesMax)).toBeUndefined()
      bytes[at >> 3]! ^= 1 << (at & 7)
      expect(unwrap(bytes, bodyBytesMax)).toBeDefined()
      if (!name.startsWith('crc32')) expect(unwrap(bytes.subarray(0, cut % bytes.length), bodyBytesMax)).toBeUndefined()
    }),
    { numRuns: propertyRuns },
  )
})

test.each(layerTexts)('%s does not throw on random bytes, and bounds the body it returns', name => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), bytes => {
      const body = layer(name).unwrap(bytes, bodyBytesMax)
      if (body !== undefined) expect(body.length).toBeLessThanOrEqual(bodyBytesMax)
    }),
    { numRuns: propertyRuns },
  )
  expect(layer(name).unwrap(new Uint8Array(0), bodyBytesMax)).toBeUndefined()
})

test.each(compressing)('%s refuses bytes that are cut off, and bytes that inflate to more than the bound', name => {
  const { wrap, unwrap } = layer(name)
  const bytes = wrap(new Uint8Array(bodyBytesMax).fill(7))
  for (let length = 0; length < bytes.length; length++) {
    expect(unwrap(bytes.subarray(0, length), bodyBytesMax)).toBeUndefined()
  }
  expect(unwrap(bytes, bodyBytesMax)?.length).toBe(bodyBytesMax)
  expect(unwrap(wrap(new Uint8Array(bodyBytesMax + 1)), bodyBytesMax)).toBeUndefined()
  // 64 KiB that would inflate to 64 MiB: inflating stops at the bound.
  expect(unwrap(wrap(new Uint8Array(64 * 1024 * 1024)), bodyBytesMax)).toBeUndefined()
})

describe('wrapped bytes', () => {
  test('crc32 appends the checksum of the body, big-endian', () => {
    expect(layer('crc32').wrap(bytesOf('123456789'))).toEqual(bytesOf('123456789', { u32: 0xcbf43926 }))
  })

  test('crc32:before puts the checksum before the body', () => {
    const bytes = bytesOf({ u32: 0xcbf43926 }, '123456789')
    expect(layer('crc32:before').wrap(bytesOf('123456789'))).toEqual(bytes)
    expect(plain(layer('crc32:before').unwrap(bytes, 100))).toEqual(bytesOf('123456789'))
    expect(layer('crc32').unwrap(bytes, 100)).toBeUndefined()
  })

  test.each([
    ['hmac-sha1', 'effcdf6ae5eb2fa2d27416d5f184df9c259a7c79'],
    ['hmac-sha256', '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'],
  ] as const)('%s appends the signature of RFC 2202 and RFC 4231', (name, signature) => {
    const text = 'what do ya want for nothing?'
    expect(layer(name, 'Jefe').wrap(bytesOf(text))).toEqual(bytesOf(text, hex(signature)))
    expect(layer(`${name}:before`, 'Jefe').wrap(bytesOf(text))).toEqual(bytesOf(hex(signature), text))
  })

  test('hmac-sha1:before is counted by the length of TLV, and stands between its header and the body', () => {
    const tlv = layeredProtocol(createTlv({ maxFrame: 1024 }), { names: ['hmac-sha1:before'], key: '123456' })
    const frame = hex('0000001f' + '00000001' + '4873e80b320876fef98bd5857a7146db412007c7' + '68656c6c6f20776f726c64')
    expect(tlv.encode({ type: 1, body: bytesOf('hello world') })).toEqual(frame)
    expect(tlv.frameEnd(frame, 0, frame.length, 0)).toBe(frame.length)
    const { type, body } = tlv.decode(frame, 0, frame.length)
    expect([type, plain(body)]).toEqual([1, bytesOf('hello world')])
    frame[8]! ^= 1
    expect(tlv.frameEnd(frame, 0, frame.length, 0)).toBe(malformed)
  })

  test('aes-256-gcm opens test case 14 of the GCM specification', () => {
    const bytes = bytesOf(
      new Uint8Array(12),
      hex('cea7403d4d606b6e074ec5d3baf39d18'),
      hex('d0d1c8a799996bf0265b98b5d48ab919'),
    )
    expect(plain(layer('aes-256-gcm', '0'.repeat(64)).unwrap(bytes, 100))).toEqual(new Uint8Array(16))
  })

  test('aes-256-gcm uses a new nonce each time, and the SHA-256 of a key that is not hexadecimal', () => {
    const sha256OfAbc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
    const bytes = layer('aes-256-gcm', 'abc').wrap(bytesOf('hello'))
    expect(bytes.length).toBe(12 + 5 + 16)
    expect(layer('aes-256-gcm', 'abc').wrap(bytesOf('hello')).subarray(0, 12)).not.toEqual(bytes.subarray(0, 12))
    expect(plain(layer('aes-256-gcm', sha256OfAbc).unwrap(bytes, 100))).toEqual(bytesOf('hello'))
    expect(layer('aes-256-gcm', 'abd').unwrap(bytes, 100)).toBeUndefined()
  })

  test('gzip and deflate open bytes compressed by other programs', () => {
    expect(plain(layer('gzip').unwrap(gzipSync('hello', { level: 9 }), 100))).toEqual(bytesOf('hello'))
    // RFC 1950: a stored block of "hi", with its Adler-32.
    const zlib = hex('789c01' + '0200fdff' + '6869' + '013b00d2')
    expect(plain(layer('deflate').unwrap(zlib, 100))).toEqual(bytesOf('hi'))
  })
})
