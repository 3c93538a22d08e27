import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { propertyRuns } from '../../testing/propertyRuns.ts'
import { incomplete, malformed, tooLarge } from '../protocol.ts'
import { type LengthForm, lengthKind, lengthNumberNames, lengthScale } from './lengths.ts'

const forms: LengthForm[] = [
  ...lengthNumberNames,
  'leb128',
  'ber',
  'ws',
  { decimal: { ends: ':' } },
  { decimal: { ends: '\r\n' } },
  { digits: 4 },
]

describe.each(forms)('a length of %j', form => {
  const { read, encode, valueMax, fixedBytes } = lengthKind(form)
  it('is read as it was written, as soon as it is whole', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(7), (share, offset) => {
        const value = Math.floor(share ** 8 * Math.min(valueMax, 2 ** 47))
        const written = encode(value)
        const bytes = Buffer.concat([Buffer.alloc(offset, 0xff), written, Buffer.alloc(9, 0xff)])
        for (let to = offset; to < offset + written.length; to++) expect(read(bytes, offset, to)).toBe(incomplete)
        expect(read(bytes, offset, offset + written.length)).toBe(value * lengthScale + written.length)
        expect(read(bytes, offset, bytes.length)).toBe(value * lengthScale + written.length)
        if (fixedBytes !== undefined) expect(written).toHaveLength(fixedBytes)
      }),
      { numRuns: propertyRuns },
    )
  })
})

test.each<[string, LengthForm, string, number]>([
  ['leb128 that never ends', 'leb128', 'ffffffffffffff', malformed],
  ['leb128 beyond all frames', 'leb128', 'ffffffffffff7f', tooLarge],
  ['an indefinite length of BER', 'ber', '80', malformed],
  ['BER of nine bytes', 'ber', '89', malformed],
  ['BER beyond all frames', 'ber', '88ffffffffffffffff', tooLarge],
  ['WebSocket beyond all frames', 'ws', '7fffffffffffffffff', tooLarge],
  ['WebSocket with a mask where none is to be', 'ws', '85', malformed],
  ['u64 beyond all frames', 'u64', 'ffffffffffffffff', tooLarge],
  ['no digit', { decimal: { ends: ':' } }, '3a', malformed],
  ['digits that end with something else', { decimal: { ends: ':' } }, '313b', malformed],
  ['eleven digits', { decimal: { ends: ':' } }, '3131313131313131313131', tooLarge],
  ['a letter among four digits', { digits: 4 }, '31313161', malformed],
])('%s is refused', (_, form, hex, result) => {
  const bytes = Buffer.from(hex, 'hex')
  expect(lengthKind(form).read(bytes, 0, bytes.length)).toBe(result)
})

test('a WebSocket length is read with its flag, and not without it', () => {
  const { read } = lengthKind('ws', 0x80)
  const of = (hex: string) => read(Buffer.from(hex, 'hex'), 0, hex.length / 2)
  expect([of('85'), of('fe007e'), of('ff0000000000010000')]).toEqual([
    5 * lengthScale + 1,
    126 * lengthScale + 3,
    65_536 * lengthScale + 9,
  ])
  expect([of('05'), of('7e007e'), of('7f'), of('fe00')]).toEqual([malformed, malformed, malformed, incomplete])
})

test('a WebSocket length is written with its flag', () => {
  const of = (value: number) => Buffer.from(lengthKind('ws', 0x80).encode(value)).toString('hex')
  expect([of(5), of(125), of(126), of(65_535), of(65_536)]).toEqual([
    '85',
    'fd',
    'fe007e',
    'feffff',
    'ff0000000000010000',
  ])
})
