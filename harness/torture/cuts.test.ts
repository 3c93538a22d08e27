import { describe, expect, test } from 'vitest'
import { cutAt, singleBytes, splitOffsets, spread } from './cuts.ts'

const message = (length: number) => Uint8Array.from({ length }, (_, index) => index % 251)

describe('splitOffsets()', () => {
  test('has every offset of a short message, and none of one that cannot be cut', () => {
    expect(splitOffsets(5)).toEqual([1, 2, 3, 4])
    expect(splitOffsets(256)).toHaveLength(255)
    expect(splitOffsets(1)).toEqual([])
    expect(splitOffsets(0)).toEqual([])
  })

  test.each([257, 300, 1000, 64 * 1024 * 1024])('has every offset at both ends of %d bytes, and is bounded', length => {
    const offsets = splitOffsets(length)
    expect(offsets.length).toBeLessThanOrEqual(192)
    expect(offsets.slice(0, 64)).toEqual(Array.from({ length: 64 }, (_, index) => 1 + index))
    expect(offsets.slice(-64)).toEqual(Array.from({ length: 64 }, (_, index) => length - 64 + index))
    expect(new Set(offsets).size).toBe(offsets.length)
    expect(offsets).toEqual([...offsets].sort((a, b) => a - b))
  })
})

describe('spread()', () => {
  test('keeps the first and the last', () => {
    expect(spread([1, 2, 3], 8)).toEqual([1, 2, 3])
    expect(spread([1, 2, 3, 4, 5, 6, 7, 8, 9], 3)).toEqual([1, 5, 9])
  })
})

describe('singleBytes()', () => {
  test.each([1, 12, 256, 258, 5000])('gives pieces that add up to the message of %d bytes', length => {
    const whole = message(length)
    const pieces = singleBytes(whole)
    expect(Buffer.concat(pieces).equals(whole)).toBe(true)
    expect(pieces.length).toBeLessThanOrEqual(257)
    expect(pieces.filter(piece => piece.length !== 1).length).toBe(length > 256 ? 1 : 0)
  })
})

describe('cutAt()', () => {
  test('cuts the message at the offsets', () => {
    expect(cutAt(message(5), [2, 4]).map(piece => [...piece])).toEqual([[0, 1], [2, 3], [4]])
    expect(cutAt(message(2), [])).toHaveLength(1)
  })
})
