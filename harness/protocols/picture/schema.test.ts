import { describe, expect, test } from 'vitest'
import { UserError } from '../../errors.ts'
import { parseProtocolText, protocolSpec, protocolText } from '../spec.ts'
import { pictureInput } from './schema.ts'
import { pictures } from './testing/pictures.ts'

function faults(frame: unknown): string[] {
  try {
    protocolSpec({ frame })
    return []
  } catch (error) {
    if (error instanceof UserError) return error.faults.map(({ message }) => message)
    throw error
  }
}

describe.each(Object.entries(pictures))('a picture of %s', (_, elements) => {
  test('is read as it is written', () => {
    const spec = protocolSpec({ frame: pictureInput(elements) })
    expect(spec).toMatchObject({ name: 'frame', request: elements, reply: elements })
    expect(parseProtocolText(protocolText(spec))).toEqual(spec)
  })
})

test('a frame is drawn once, or once for each direction, with the longest that is accepted', () => {
  const one = [{ length: 'u32' }, 'body']
  const other = [{ type: 'char', value: 'Z' }, { length: 'leb128' }, 'body', '\r\n']
  expect(protocolSpec({ frame: { picture: one, maxFrame: '64KiB' } })).toMatchObject({ maxFrame: 65_536 })
  const spec = protocolSpec({ frame: { request: one, reply: other } })
  expect(spec).toMatchObject({ maxFrame: 1_048_576, request: [{ kind: 'length' }, { kind: 'body' }] })
  expect(spec).toMatchObject({
    reply: [{ kind: 'field', name: 'type', type: 'char', value: 'Z' }, {}, {}, { hex: '0d0a' }],
  })
  expect(parseProtocolText(protocolText(spec))).toEqual(spec)
  // The settings by place and width are still there.
  expect(protocolSpec({ frame: { lengthBytes: 2 } })).toMatchObject({ lengthBytes: 2 })
})

test.each<[string, unknown, string]>([
  [
    'an unknown length',
    [{ length: 'varint' }, 'body'],
    '0.length: expected u8, u16, u24, u32, u64, u16le, u24le, u32le, u64le, leb128 (7 bits a byte, low ones first: protobuf, MQTT), ber (ASN.1), ws (WebSocket), decimal or { digits: 4 }, got "varint"',
  ],
  [
    'a decimal length without an end',
    [{ length: 'decimal' }, 'body'],
    '0: a decimal length needs the text that ends it, as in { length: decimal, ends: ":" }',
  ],
  [
    'an end of another length',
    [{ length: 'u8', ends: ':' }, 'body'],
    '0: ends is for a decimal length: give length: decimal',
  ],
  [
    'a flag of another length',
    [{ length: 'u8', flag: 128 }, 'body'],
    '0: flag is for the length of WebSocket: give length: ws',
  ],
  [
    'a type as a name',
    [{ u8: 'type' }, { length: 'u8' }, 'body'],
    '0: expected the name of a field and its type, as in { type: u8 }, got "u8" as a name',
  ],
  ['a misspelt element', [{ lenght: 'u31' }, 'body'], '0: unknown element "lenght"; did you mean "length"?'],
  [
    'an unknown number type',
    [{ unit: 'u9' }, { length: 'u8' }, 'body'],
    '0: expected a number type for the field unit',
  ],
  [
    'a value that does not fit',
    [{ type: 'u8', value: 300 }, { length: 'u8' }, 'body'],
    '0: type: expected 0 to 255 (u8), got 300',
  ],
  [
    'a body before its length',
    ['body', { length: 'u8' }],
    '0: a body before the length that counts it: where it ends cannot be read',
  ],
  ['two bodies', [{ length: 'u8' }, 'body', 'body'], '2: a second body: a frame has one'],
  ['two ids', [{ id: 'u8' }, { length: 'u8' }, { id: 'u8' }, 'body'], '2: a second id: a frame has one'],
  ['a field twice', [{ a: 'u8' }, { length: 'u8' }, { a: 'u8' }, 'body'], '2: a second field a'],
  ['a count of no body', [{ length: 'u8', counts: 'body' }], '0: counts: body, and there is no body'],
  [
    'a second length of variable size',
    [{ length: 'u8' }, { length: 'leb128' }, 'body'],
    '1: a second length of variable size, and only the first may be one: leave it to the body, as in body: { length: ber, of: ... }',
  ],
  [
    'an id that the type does not hold',
    [{ id: 'u8', max: 300 }, { length: 'u8' }, 'body'],
    '0: expected max up to 255 (u8), got 300',
  ],
  [
    'a checksum in too few digits',
    [{ length: 'u8' }, 'body', { checksum: 'sum8', as: { digits: 2 } }],
    '2: sum8 is up to 255, which 2 digits do not hold',
  ],
  [
    'a value that the type does not hold',
    [{ type: 'u8', only: [1, 300] }, { length: 'u8' }, 'body'],
    '0: type: expected 0 to 255 (u8), got 300',
  ],
  ['no value', [{ type: 'u8', only: [] }, { length: 'u8' }, 'body'], '0: expected 1 to 256 numbers for type.only'],
  ['no element', [], 'expected the elements of a frame, such as [ { length: u32 }, body ]'],
  ['an element of two kinds', [{ length: 'u8', id: 'u8' }, 'body'], '0: unknown key "id"'],
  [
    'only one direction',
    { request: [{ length: 'u8' }, 'body'] },
    'reply: missing; expected a list of the elements of a frame',
  ],
])('%s is refused', (_, frame, message) => {
  expect(faults(frame).map(fault => fault.replace(/^frame\.?(: )?/, ''))).toEqual([expect.stringContaining(message)])
})

test('a field with only some values is read as it is written', () => {
  const frame = [
    { type: 'u8', value: 2, only: [1, 2] },
    { length: 'ws', flag: 0x80 },
    { kind: 'u16le', only: 7 },
    'body',
  ]
  const spec = protocolSpec({ frame })
  expect(spec).toMatchObject({
    request: [{ name: 'type', value: 2, only: [1, 2] }, {}, { name: 'kind', only: [7] }, {}],
  })
  expect(parseProtocolText(protocolText(spec))).toEqual(spec)
})

test('all faults of a picture are told at once', () => {
  expect(faults([{ length: 'varint' }, { id: 'u9' }, {}])).toHaveLength(3)
})
