import { expect, test } from 'vitest'
import { incomplete, malformed, tooLarge } from './protocol.ts'
import { createRpc } from './rpc.ts'
import { bytesOf, type Field } from './testing/bytes.ts'

const rpc = createRpc({ lengthPrefix: true, maxFrame: 1024 })
const bare = createRpc({ lengthPrefix: false, maxFrame: 1024 })

const message = { id: 0xfedcba98, type: 200, version: -2, extension: -3n, body: bytesOf('hello') }
const fields: Field[] = [{ u32: 0xfedcba98 }, { u8: 200 }, { i16: -2 }, { i64: -3n }, { i32: 5 }, 'hello']
const withoutLength = bytesOf(...fields)
const withLength = bytesOf({ u32: 24 }, ...fields)

function head(length: number, bodyLength: number): Uint8Array {
  return bytesOf({ u32: length }, { u32: 1 }, { u8: 1 }, { i16: 1 }, { i64: 1n }, { i32: bodyLength })
}

test('encode() and decode() write and read every field', () => {
  expect(rpc.encode(message)).toEqual(withLength)
  expect(bare.encode(message)).toEqual(withoutLength)
  expect(rpc.decode(bytesOf('xx', withLength), 2, 30)).toEqual(message)
  expect(bare.decode(bytesOf('xx', withoutLength), 2, 26)).toEqual(message)
})

test('encode() writes zero for fields that are not given', () => {
  expect(rpc.encode({ body: bytesOf() })).toEqual(bytesOf({ u32: 19 }, new Uint8Array(19)))
})

test('encode() refuses a message that does not fit', () => {
  expect(() => rpc.encode({ body: new Uint8Array(1025) })).toThrow('at most 1024 bytes')
  expect(() => rpc.encode({ body: bytesOf(), type: 256 })).toThrow('command type')
  expect(() => rpc.encode({ body: bytesOf(), version: 0x8000 })).toThrow('version')
  expect(() => rpc.encode({ body: bytesOf(), extension: 2n ** 63n })).toThrow('extension')
  expect(() => rpc.encode({ body: bytesOf(), id: -1 })).toThrow('opaque')
})

test('frameEnd() ends a message after its body, with and without length', () => {
  expect(rpc.frameEnd(withLength, 0, 28, 0)).toBe(28)
  expect(bare.frameEnd(withoutLength, 0, 24, 0)).toBe(24)
  for (let to = 0; to < 28; to++) expect(rpc.frameEnd(withLength, 0, to, 0)).toBe(incomplete)
  for (let to = 0; to < 24; to++) expect(bare.frameEnd(withoutLength, 0, to, 0)).toBe(incomplete)
})

test('frameEnd() returns malformed when the lengths disagree or are impossible', () => {
  expect(rpc.frameEnd(head(20, 0), 0, 23, 0)).toBe(malformed)
  expect(rpc.frameEnd(head(19, 1), 0, 23, 0)).toBe(malformed)
  expect(rpc.frameEnd(head(19, -1), 0, 23, 0)).toBe(malformed)
  expect(rpc.frameEnd(head(18, 0), 0, 4, 0)).toBe(malformed)
  expect(bare.frameEnd(head(0, -1), 4, 23, 0)).toBe(malformed)
})

test('frameEnd() returns tooLarge as soon as the length is in', () => {
  expect(rpc.frameEnd(head(19 + 1025, 1025), 0, 4, 0)).toBe(tooLarge)
  expect(rpc.frameEnd(head(19 + 1024, 1024), 0, 23, 0)).toBe(incomplete)
  expect(rpc.frameEnd(head(0xffff_ffff, 0), 0, 4, 0)).toBe(tooLarge)
  expect(bare.frameEnd(head(0, 1025), 4, 23, 0)).toBe(tooLarge)
})

test('version and extension are read in place, with their signs', () => {
  for (const [version, extension] of [
    [-2, -3n],
    [0x7fff, 2n ** 63n - 1n],
    [-0x8000, -(2n ** 63n)],
    [0, 0xffff_ffffn],
  ] as const) {
    for (const protocol of [rpc, bare]) {
      const bytes = bytesOf('xx', protocol.encode({ ...message, version, extension }))
      expect(protocol.version!.read(bytes, 2)).toBe(version)
      const { high, low } = protocol.extension!
      expect(BigInt.asIntN(64, (BigInt(high(bytes, 2)) << 32n) | BigInt(low(bytes, 2)))).toBe(extension)
    }
  }
})

test('requestId and type are read and written in place', () => {
  const bytes = bytesOf('xx', withLength)
  expect(rpc.requestId!.read(bytes, 2, 30)).toBe(0xfedcba98)
  expect(rpc.type!.read(bytes, 2)).toBe(200)
  rpc.requestId!.write(bytes, 2, 7)
  expect(bytes).toEqual(bytesOf('xx', { u32: 24 }, { u32: 7 }, ...fields.slice(1)))
  expect(bare.requestId!.read(withoutLength, 0, 24)).toBe(0xfedcba98)
  expect(bare.type!.read(withoutLength, 0)).toBe(200)
})
