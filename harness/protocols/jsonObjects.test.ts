import fc from 'fast-check'
import { expect, test } from 'vitest'
import { propertyRuns } from '../testing/propertyRuns.ts'
import { objectEnd } from './jsonObjects.ts'
import { incomplete, malformed, tooLarge } from './protocol.ts'
import { bytesOf } from './testing/bytes.ts'

const bytesMax = 200

function endIn(text: string, max = bytesMax): number {
  const bytes = bytesOf('....', text)
  const end = objectEnd(bytes, 4, bytes.length, max)
  return end > 0 ? end - 4 : end
}

test('objectEnd() ends an object with its own brace, and takes the blanks around it', () => {
  expect(endIn('{}')).toBe(2)
  expect(endIn('{"a":{"b":[{}]}}{"c":1}')).toBe(16)
  expect(endIn(' \t\r\n{ } \n {}')).toBe(10)
  expect(endIn('{"a":1}\n')).toBe(8)
})

test('objectEnd() does not look at braces, quotes and backslashes within strings', () => {
  for (const text of ['}', '{', '}{', '\\', '"', '\\"}', '\\\\', '"{"', 'a}b{c', '\\u007d', '\n}']) {
    const object = JSON.stringify({ client_ip: text, message: `${text}${text}` })
    expect(endIn(object + object)).toBe(object.length)
  }
})

test('objectEnd() waits for the rest of an object at every cut', () => {
  const object = '{"client_ip":"a}","message":"say \\"{\\" \\\\"}'
  for (let cut = 0; cut < object.length; cut++) expect(endIn(object.slice(0, cut))).toBe(incomplete)
  expect(endIn(object)).toBe(object.length)
  expect(endIn(' \n')).toBe(incomplete)
})

test('objectEnd() refuses what is no object', () => {
  for (const text of ['hello', '[1]', '"{}"', ' }', '5', '\u0000{}']) expect(endIn(text)).toBe(malformed)
})

test('objectEnd() is tooLarge where an object has not ended within the bound', () => {
  const long = `{"message":"${'x'.repeat(50)}"}`
  expect(endIn(long, long.length)).toBe(long.length)
  expect(endIn(long, long.length - 1)).toBe(tooLarge)
  expect(endIn(long.slice(0, -2), long.length)).toBe(incomplete)
  expect(endIn('{'.repeat(bytesMax))).toBe(tooLarge)
  expect(endIn(' '.repeat(bytesMax))).toBe(tooLarge)
  // Blanks behind an object never make it longer than the bound.
  expect(endIn(`{}${' '.repeat(bytesMax)}`)).toBe(bytesMax)
})

test('objectEnd() finds every object of any texts, one after the other', () => {
  const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: fc.constantFrom('{', '}', '"', '\\', 'a') }))
  const object = fc.record({ text, blank: fc.constantFrom('', ' ', '\n', '\r\n\t') })
  fc.assert(
    fc.property(fc.array(object, { minLength: 1, maxLength: 5 }), objects => {
      const parts = objects.map(({ text, blank }) =>
        bytesOf(`${JSON.stringify({ message: text, more: [{}] })}${blank}`),
      )
      const bytes = bytesOf(...parts)
      let at = 0
      for (const part of parts) {
        const end = objectEnd(bytes, at, bytes.length, 1_000_000)
        expect(end).toBe(at + part.length)
        at = end
      }
    }),
    { numRuns: propertyRuns },
  )
})
