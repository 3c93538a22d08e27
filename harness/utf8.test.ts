import fc from 'fast-check'
import { expect, test } from 'vitest'
import { propertyRuns } from './testing/propertyRuns.ts'
import { showUtf8Fault, utf8Fault } from './utf8.ts'

test.each([
  ['caf\\xe9\\n in Latin-1', Buffer.from('name\ncaf\xe9\nx\n', 'latin1'), { line: 2, byte: 0xe9 }],
  ['a continuation alone', Buffer.from([0x61, 0x80]), { line: 1, byte: 0x80 }],
  ['a character cut off at the end', Buffer.from('é\n€').subarray(0, 5), { line: 2, byte: 0xe2 }],
  ['a character cut off by a line feed', Buffer.from([0x0a, 0xe2, 0x82, 0x0a, 0x61]), { line: 2, byte: 0xe2 }],
  ['a surrogate', Buffer.from([0x0a, 0x0a, 0xed, 0xa0, 0x80]), { line: 3, byte: 0xed }],
  ['a byte that never occurs', Buffer.from([0xff, 0xfe]), { line: 1, byte: 0xff }],
])('utf8Fault() finds %s', (_what, bytes, fault) => {
  expect(utf8Fault(bytes)).toEqual(fault)
})

test('utf8Fault() finds nothing in any text, and the first byte that is put into one', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (before, after) => {
      const [head, tail] = [Buffer.from(before), Buffer.from(after)]
      expect(utf8Fault(Buffer.concat([head, tail]))).toBeUndefined()
      expect(utf8Fault(Buffer.concat([head, Buffer.of(0xff), tail]))).toEqual({
        line: before.split('\n').length,
        byte: 0xff,
      })
    }),
    { numRuns: propertyRuns },
  )
})

test('showUtf8Fault() names the byte and the line', () => {
  expect(showUtf8Fault({ line: 2, byte: 9 })).toBe('byte 0x09 in line 2')
})
