import { expect, test } from 'vitest'
import { createLine } from './line.ts'
import { incomplete, tooLarge } from './protocol.ts'
import { bytesOf, textOf } from './testing/bytes.ts'

const line = createLine({ delimiter: '\n', maxFrame: 1024 })

test('frameEnd() ends a line just past its delimiter', () => {
  const bytes = bytesOf('one\ntwo\nthree')
  expect(line.frameEnd(bytes, 0, 13, 0)).toBe(4)
  expect(line.frameEnd(bytes, 4, 13, 0)).toBe(8)
  expect(line.frameEnd(bytes, 8, 13, 0)).toBe(incomplete)
  expect(line.frameEnd(bytes, 0, 3, 0)).toBe(incomplete)
})

test('frameEnd() does not look past the end of the bytes so far', () => {
  const bytes = bytesOf('x'.repeat(200), '\n')
  expect(line.frameEnd(bytes, 0, 200, 0)).toBe(incomplete)
  expect(line.frameEnd(bytes, 0, 201, 0)).toBe(201)
  expect(line.frameEnd(bytes, 150, 200, 0)).toBe(incomplete)
})

test('frameEnd() finds a delimiter at every place around the end of its own search', () => {
  for (let length = 60; length < 70; length++) {
    const bytes = bytesOf('x'.repeat(length), '\r\n')
    const twoBytes = createLine({ delimiter: '\r\n', maxFrame: 1024 })
    expect(twoBytes.frameEnd(bytes, 0, length + 1, 0)).toBe(incomplete)
    expect(twoBytes.frameEnd(bytes, 0, length + 2, 0)).toBe(length + 2)
  }
})

test('frameEnd() skips parts of a long delimiter', () => {
  const ends = createLine({ delimiter: '--END--', maxFrame: 1024 })
  const bytes = bytesOf('a--EN--', 'b'.repeat(80), '---END--rest')
  expect(textOf(bytes.subarray(0, ends.frameEnd(bytes, 0, bytes.length, 0)))).toBe(`a--EN--${'b'.repeat(80)}---END--`)
})

test('frameEnd() supports a delimiter of several bytes in UTF-8', () => {
  const ends = createLine({ delimiter: '。', maxFrame: 1024 })
  const bytes = bytesOf('你好。再见')
  expect(ends.frameEnd(bytes, 0, bytes.length, 0)).toBe(9)
})

test('frameEnd() returns tooLarge when maxFrame bytes contain no delimiter', () => {
  const short = createLine({ delimiter: '\n', maxFrame: 8 })
  expect(short.frameEnd(bytesOf('1234567\n'), 0, 8, 0)).toBe(8)
  expect(short.frameEnd(bytesOf('1234567'), 0, 7, 0)).toBe(incomplete)
  expect(short.frameEnd(bytesOf('12345678'), 0, 8, 0)).toBe(tooLarge)
  expect(short.frameEnd(bytesOf('12345678\n'), 0, 9, 0)).toBe(tooLarge)
})

test('encode() appends the delimiter and decode() removes it', () => {
  const frame = line.encode({ body: bytesOf('hello') })
  expect(frame).toEqual(bytesOf('hello\n'))
  expect(textOf(line.decode(frame, 0, frame.length).body)).toBe('hello')
})

test('encode() refuses a body that would end the line too early', () => {
  expect(() => line.encode({ body: bytesOf('a\nb') })).toThrow('a line must not contain its delimiter "\\n"')
  const double = createLine({ delimiter: 'aa', maxFrame: 64 })
  expect(() => double.encode({ body: bytesOf('xa') })).toThrow(RangeError)
  expect(double.encode({ body: bytesOf('ax') })).toEqual(bytesOf('axaa'))
})

test('encode() refuses a line over maxFrame', () => {
  expect(() => line.encode({ body: bytesOf('x'.repeat(1024)) })).toThrow('at most 1024 bytes')
  expect(line.encode({ body: bytesOf('x'.repeat(1023)) })).toHaveLength(1024)
})
