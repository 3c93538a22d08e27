import { expect, test } from 'vitest'
import { incomplete, tooLarge } from './protocol.ts'
import { bytesOf } from './testing/bytes.ts'
import { createTlv } from './tlv.ts'

const tlv = createTlv({ maxFrame: 1024 })
const hello = bytesOf({ u32: 5 }, { u32: 0xfedcba98 }, 'hello')

test('frameEnd() ends a message after its value', () => {
  expect(tlv.frameEnd(hello, 0, 13, 0)).toBe(13)
  expect(tlv.frameEnd(bytesOf(hello, hello), 13, 26, 0)).toBe(26)
  for (let to = 0; to < 13; to++) expect(tlv.frameEnd(hello, 0, to, 0)).toBe(incomplete)
  expect(tlv.frameEnd(bytesOf({ u32: 0 }, { u32: 1 }), 0, 8, 0)).toBe(8)
})

test('frameEnd() returns tooLarge when the header is in and the value is longer than maxFrame', () => {
  expect(tlv.frameEnd(bytesOf({ u32: 1025 }, { u32: 1 }), 0, 8, 0)).toBe(tooLarge)
  expect(tlv.frameEnd(bytesOf({ u32: 1024 }, { u32: 1 }), 0, 8, 0)).toBe(incomplete)
  expect(tlv.frameEnd(bytesOf({ u32: 0xffff_ffff }, { u32: 1 }), 0, 8, 0)).toBe(tooLarge)
})

test('announcedBytes() counts header and value exactly', () => {
  expect(tlv.announcedBytes!(bytesOf({ u32: 0xffff_ffff }, { u32: 1 }), 0, 8)).toBe(2 ** 32 + 7)
  expect(tlv.announcedBytes!(hello, 0, 7)).toBe(0)
  expect(tlv.announcedBytes!(bytesOf('xx', hello), 2, 15)).toBe(13)
})

test('encode() and decode() write and read type and value', () => {
  expect(tlv.encode({ type: 0xfedcba98, body: bytesOf('hello') })).toEqual(hello)
  expect(tlv.decode(hello, 0, 13)).toEqual({ type: 0xfedcba98, body: bytesOf('hello') })
  expect(tlv.type!.read(bytesOf('xx', hello), 2)).toBe(0xfedcba98)
  expect(tlv.encode({ body: bytesOf() })).toEqual(new Uint8Array(8))
})

test('encode() refuses a message that does not fit', () => {
  expect(() => tlv.encode({ body: new Uint8Array(1025) })).toThrow('at most 1024 bytes, not 1025')
  expect(() => tlv.encode({ body: bytesOf(), type: -1 })).toThrow('a TLV type must be a whole number')
  expect(() => tlv.encode({ body: bytesOf(), type: 2 ** 32 })).toThrow(RangeError)
})
