import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { propertyRuns } from '../../testing/propertyRuns.ts'
import { type floatNames, numberNames, numberReader, numberType, writeNumber } from './numbers.ts'

describe.each(numberNames)('a number of type %s', name => {
  const type = numberType(name)
  it('is read as it was written, at any place, and nothing beside it is changed', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: type.min, max: type.max }), fc.nat(5), (value, at) => {
        const bytes = Buffer.alloc(at + type.bytes + 2, 0xaa)
        writeNumber(bytes, at, type, value)
        expect(numberReader(type)(bytes, at)).toBe(Number(value))
        expect([...bytes.subarray(0, at), ...bytes.subarray(at + type.bytes)].every(byte => byte === 0xaa)).toBe(true)
      }),
      { numRuns: propertyRuns },
    )
  })
  it('holds its least and its greatest value, and no other', () => {
    const bytes = new Uint8Array(8)
    for (const value of [type.min, type.max]) {
      writeNumber(bytes, 0, type, value)
      expect(numberReader(type)(bytes, 0)).toBe(Number(value))
    }
    for (const value of [type.min - 1n, type.max + 1n, 1.5, Number.NaN, 'x y']) {
      expect(() => writeNumber(bytes, 0, type, value)).toThrow(RangeError)
    }
  })
})

test('numbers stand in the order of their bytes', () => {
  const hex = (name: (typeof numberNames)[number] | (typeof floatNames)[number], value: number | string) => {
    const bytes = Buffer.alloc(numberType(name).bytes)
    writeNumber(bytes, 0, numberType(name), value)
    return bytes.toString('hex')
  }
  expect(hex('u24', 0x010203)).toBe('010203')
  expect(hex('u24le', 0x010203)).toBe('030201')
  expect(hex('i16', -2)).toBe('fffe')
  expect(hex('u64le', 1)).toBe('0100000000000000')
  expect(hex('char', 'Z')).toBe('5a')
  expect(hex('char', 0x5a)).toBe('5a')
  expect(hex('f32', 1)).toBe('3f800000')
  expect(hex('f64le', 1)).toBe('000000000000f03f')
})
