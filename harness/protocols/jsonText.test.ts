import fc from 'fast-check'
import { expect, test } from 'vitest'
import { propertyRuns } from '../testing/propertyRuns.ts'
import { findText } from './jsonText.ts'
import { bytesOf, textOf } from './testing/bytes.ts'

function found(text: string, key = 'message'): string | undefined {
  const bytes = bytesOf(text)
  const { from, end } = findText(bytes, 0, bytes.length, key)
  return from === bytes.length ? undefined : textOf(bytes.subarray(from, end))
}

test('findText() finds the text of a key at any place', () => {
  expect(found('{"message":"a"}')).toBe('a')
  expect(found('{ "x" : [1, {"message": "not this"}], "message" : "a\\"b" }')).toBe('a\\"b')
  expect(found('{"other":"message","message":"b"}')).toBe('b')
  expect(found('{"message":{"a":"b"}}')).toBeUndefined()
  expect(found('{"message":5,"a":"b"}')).toBeUndefined()
  expect(found('{"x\\"message":"a"}')).toBeUndefined()
  expect(found('{"message":"not ended')).toBeUndefined()
})

test('findText() finds the same text as JSON.parse', () => {
  const value = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.array(fc.string()))
  const keys = fc.constantFrom('message', 'client_ip', 'a', '"', '\\')
  fc.assert(
    fc.property(fc.dictionary(keys, value), fc.constantFrom(0, 1), (object, indent) => {
      const text = JSON.stringify(object, null, indent).replaceAll('\n', ' ')
      const raw = found(text)
      const { message } = object
      if (typeof message === 'string') expect(JSON.parse(`"${raw}"`)).toBe(message)
      else expect(raw).toBeUndefined()
    }),
    { numRuns: propertyRuns },
  )
})

test('findText() returns a range within any bytes', () => {
  const byte = fc.constantFrom(...bytesOf('{}[]":\\ amessage,'))
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 60 }), fc.nat(20), (list, from) => {
      const bytes = Uint8Array.from(list)
      const start = Math.min(from, bytes.length)
      const text = findText(bytes, start, bytes.length, 'message')
      expect(text.from).toBeGreaterThanOrEqual(start)
      expect(text.end).toBeGreaterThanOrEqual(text.from)
      expect(text.end).toBeLessThanOrEqual(bytes.length)
    }),
    { numRuns: propertyRuns },
  )
})
