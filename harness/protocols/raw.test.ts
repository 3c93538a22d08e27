import { expect, test } from 'vitest'
import { incomplete, tooLarge } from './protocol.ts'
import { createRaw, rawBytesMax } from './raw.ts'
import { bytesOf } from './testing/bytes.ts'

const bytes = bytesOf('hello world')

test('frameEnd() ends a reply after as many bytes as the request had', () => {
  const raw = createRaw({})
  expect(raw.frameEnd(bytes, 0, 11, 5)).toBe(5)
  expect(raw.frameEnd(bytes, 6, 11, 5)).toBe(11)
  expect(raw.frameEnd(bytes, 7, 11, 5)).toBe(incomplete)
})

test('frameEnd() ends a reply after replyBytes, for any request', () => {
  const raw = createRaw({ replyBytes: 3 })
  expect(raw.frameEnd(bytes, 1, 11, 5)).toBe(4)
  expect(raw.frameEnd(bytes, 1, 11, 0)).toBe(4)
  expect(raw.frameEnd(bytes, 9, 11, 0)).toBe(incomplete)
})

test('frameEnd() takes all bytes so far when no length is known', () => {
  const raw = createRaw({})
  expect(raw.frameEnd(bytes, 2, 9, 0)).toBe(9)
  expect(raw.frameEnd(bytes, 9, 9, 0)).toBe(incomplete)
})

test('frameEnd() refuses a reply over 64 MiB', () => {
  expect(createRaw({}).frameEnd(bytes, 0, 11, rawBytesMax + 1)).toBe(tooLarge)
  expect(createRaw({}).frameEnd(bytes, 0, 11, rawBytesMax)).toBe(incomplete)
})

test('encode() copies the body and refuses an empty one', () => {
  const frame = createRaw({}).encode({ body: bytes })
  expect(frame).toEqual(bytes)
  expect(frame.buffer).not.toBe(bytes.buffer)
  expect(() => createRaw({}).encode({ body: bytesOf() })).toThrow(RangeError)
})
