import { expect, test } from 'vitest'
import { createFrame } from './frame.ts'
import { incomplete, malformed, tooLarge } from './protocol.ts'
import type { FrameSettings } from './protocolSpec.ts'
import { bytesOf, type Field } from './testing/bytes.ts'

function frame(settings: Partial<FrameSettings> = {}) {
  const usual = { lengthOffset: 0, lengthBytes: 4, endian: 'big', lengthAdjustment: 0, maxFrame: 1024 } as const
  return createFrame({ ...usual, ...settings })
}

function end(protocol: ReturnType<typeof frame>, ...fields: Field[]): number {
  const bytes = bytesOf(...fields)
  return protocol.frameEnd(bytes, 0, bytes.length, 0)
}

test('frameEnd() reads lengths of every width in both byte orders', () => {
  const wide = { maxFrame: 70_000 }
  const body = 'x'.repeat(300)
  expect(end(frame({ ...wide, lengthBytes: 1 }), { u8: 200 }, body)).toBe(201)
  for (const [endian, little] of [
    ['big', false],
    ['little', true],
  ] as const) {
    expect(end(frame({ ...wide, endian, lengthBytes: 2 }), { u16: 300, little }, body)).toBe(302)
    expect(end(frame({ ...wide, endian, lengthBytes: 3 }), { u24: 300, little }, body)).toBe(303)
    expect(end(frame({ ...wide, endian, lengthBytes: 4 }), { u32: 300, little }, body)).toBe(304)
    expect(end(frame({ ...wide, endian, lengthBytes: 8 }), { u64: 300n, little }, body)).toBe(308)
    expect(end(frame({ ...wide, endian, lengthBytes: 3 }), { u24: 66_000, little }, body)).toBe(incomplete)
  }
})

test('frameEnd() supports a length that counts itself', () => {
  const counting = frame({ lengthAdjustment: -4 })
  expect(end(counting, { u32: 9 }, 'hello')).toBe(9)
  expect(end(counting, { u32: 4 })).toBe(4)
  expect(end(counting, { u32: 3 }, 'hello')).toBe(malformed)
})

test('frameEnd() supports a length field after other bytes', () => {
  const magic = frame({ lengthOffset: 2, lengthBytes: 2 })
  expect(end(magic, { u16: 0xcafe }, { u16: 5 }, 'hello')).toBe(9)
  expect(end(magic, { u16: 0xcafe }, { u8: 0 })).toBe(incomplete)
})

test('frameEnd() returns malformed when a frame ends before its id', () => {
  const withId = frame({ id: { offset: 4, bytes: 4 } })
  expect(end(withId, { u32: 3 }, { u32: 7 })).toBe(malformed)
  expect(end(withId, { u32: 4 }, { u32: 7 })).toBe(8)
})

test('frameEnd() returns tooLarge as soon as the length is in', () => {
  expect(end(frame(), { u32: 1021 })).toBe(tooLarge)
  expect(end(frame(), { u32: 1020 })).toBe(incomplete)
  expect(end(frame(), { u32: 0xffff_ffff })).toBe(tooLarge)
  for (const endian of ['big', 'little'] as const) {
    const eight = frame({ lengthBytes: 8, endian })
    for (const u64 of [2n ** 32n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n]) {
      expect(end(eight, { u64, little: endian === 'little' })).toBe(tooLarge)
    }
  }
})

test('encode() fills the header with zeros, except for length and id', () => {
  const withId = frame({ lengthOffset: 2, lengthBytes: 2, endian: 'little', id: { offset: 6, bytes: 3 } })
  const bytes = withId.encode({ body: bytesOf('hello'), id: 0x010203 })
  const wanted = bytesOf({ u16: 0 }, { u16: 10, little: true }, { u16: 0 }, { u24: 0x010203, little: true }, 'hello')
  expect(bytes).toEqual(wanted)
  expect(withId.decode(bytes, 0, 14)).toEqual({ body: bytesOf('hello'), id: 0x010203 })
})

test('encode() writes length and id over a body that includes part of the header', () => {
  const whole = frame({ lengthOffset: 2, lengthBytes: 2, strip: 0 })
  expect(whole.encode({ body: bytesOf({ u16: 0xcafe }, { u16: 0 }, 'hello') })).toEqual(
    bytesOf({ u16: 0xcafe }, { u16: 5 }, 'hello'),
  )
  expect(() => whole.encode({ body: bytesOf({ u16: 0xcafe }) })).toThrow('at least 4 bytes, not 2')
})

test('encode() leaves a gap where strip is longer than the header', () => {
  const far = frame({ lengthBytes: 1, strip: 3 })
  expect(far.encode({ body: bytesOf('hi') })).toEqual(bytesOf({ u8: 4 }, { u16: 0 }, 'hi'))
  expect(end(far, { u8: 1 }, 'hello')).toBe(malformed)
})

test('encode() refuses a message that does not fit', () => {
  expect(() => frame({ lengthBytes: 1 }).encode({ body: new Uint8Array(256) })).toThrow('from 0 to 255, not 256')
  expect(() => frame().encode({ body: new Uint8Array(1021) })).toThrow('at most 1024 bytes, not 1025')
  expect(() => frame({ lengthAdjustment: 9 }).encode({ body: new Uint8Array(3) })).toThrow('the length field')
  expect(() => frame({ id: { offset: 4, bytes: 1 } }).encode({ body: new Uint8Array(3), id: 256 })).toThrow('the id')
})

test('requestId reads and writes in place, in the byte order of the frame', () => {
  for (const endian of ['big', 'little'] as const) {
    const { requestId } = frame({ endian, id: { offset: 5, bytes: 4 } })
    const bytes = bytesOf({ u8: 9 }, { u32: 4 }, { u8: 0 }, { u32: 0 }, { u8: 9 })
    requestId!.write(bytes, 1, 0xfedcba98)
    expect(bytes).toEqual(
      bytesOf({ u8: 9 }, { u32: 4 }, { u8: 0 }, { u32: 0xfedcba98, little: endian === 'little' }, { u8: 9 }),
    )
    expect(requestId!.read(bytes, 1, 10)).toBe(0xfedcba98)
    expect(requestId!.bits).toBe(32)
  }
})
