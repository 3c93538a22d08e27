import fc from 'fast-check'
import { expect, test } from 'vitest'
import { propertyRuns } from '../../testing/propertyRuns.ts'
import { lineFinder } from './document.ts'

test.each([
  ['the start of an empty text', '', 0, '1:1'],
  ['the end of a text', 'ab', 2, '1:3'],
  ['a line feed', 'a\nb', 1, '1:2'],
  ['the character behind a line feed', 'a\nb', 2, '2:1'],
  ['an empty line', 'a\n\nb', 2, '2:1'],
  ['behind a tab, which is one column', '\ta', 1, '1:2'],
  ['behind DOS line ends', 'a\r\nb\r\nc', 6, '3:1'],
  ['behind a carriage return alone, which ends no line', 'a\rb', 2, '1:3'],
  ['behind other line separators, which end none either', 'a\u2028b\u0085c', 4, '1:5'],
  ['behind a character of two UTF-16 units', '\u{1f600}a', 2, '1:3'],
  ['beyond the end', 'a\n', 5, '2:4'],
])('lineFinder() finds %s', (_, text, offset, place) => {
  expect(lineFinder(text)(offset)).toBe(place)
})

test('lineFinder() counts the line feeds before an offset, and the characters behind the last of them', () => {
  const text = fc.string({ unit: fc.constantFrom('a', '\n', '\r\n', '\t', '\u{1f600}', '\uFEFF') })
  fc.assert(
    fc.property(text, fc.nat(20), (text, offset) => {
      const lines = text.slice(0, offset).split('\n')
      if (offset <= text.length) expect(lineFinder(text)(offset)).toBe(`${lines.length}:${lines.at(-1)!.length + 1}`)
    }),
    { numRuns: 4 * propertyRuns },
  )
})
