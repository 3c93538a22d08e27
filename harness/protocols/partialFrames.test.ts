import fc from 'fast-check'
import { expect, test } from 'vitest'
import { propertyRuns } from '../testing/propertyRuns.ts'
import { PartialFrames } from './partialFrames.ts'
import { bytesOf, textOf } from './testing/bytes.ts'

function joined(partialFrames: PartialFrames): string {
  return textOf(partialFrames.bytes.subarray(partialFrames.from, partialFrames.to))
}

test('join() returns the given range when the link has no partial frame', () => {
  const partialFrames = new PartialFrames()
  const bytes = bytesOf('..hello..')
  partialFrames.join(3, bytes, 2, 7)
  expect(partialFrames.bytes).toBe(bytes)
  expect([partialFrames.from, partialFrames.to]).toEqual([2, 7])
  expect(partialFrames.heldBytes).toBe(0)
})

test('join() appends the new bytes to those that keep() kept, separately for each link', () => {
  const partialFrames = new PartialFrames()
  const bytes = bytesOf('abcdef')
  partialFrames.keep(0, bytes, 1, 3)
  partialFrames.keep(9, bytes, 4, 6)
  bytes.fill(0)
  partialFrames.join(0, bytesOf('XY'), 0, 2)
  expect(joined(partialFrames)).toBe('bcXY')
  partialFrames.join(9, bytesOf('Z'), 0, 1)
  expect(joined(partialFrames)).toBe('efZ')
})

test('keep() accepts a range of its own buffer', () => {
  const partialFrames = new PartialFrames()
  partialFrames.keep(1, bytesOf('abc'), 0, 3)
  partialFrames.join(1, bytesOf('defg'), 0, 4)
  partialFrames.keep(1, partialFrames.bytes, partialFrames.from + 5, partialFrames.to)
  partialFrames.join(1, bytesOf('hi'), 0, 2)
  expect(joined(partialFrames)).toBe('fghi')
  partialFrames.keep(1, partialFrames.bytes, partialFrames.to, partialFrames.to)
  const bytes = bytesOf('new')
  partialFrames.join(1, bytes, 0, 3)
  expect(partialFrames.bytes).toBe(bytes)
})

test('keep() releases a large buffer once it is empty, and keeps a small one', () => {
  const partialFrames = new PartialFrames()
  partialFrames.keep(0, new Uint8Array(100_000), 0, 100_000)
  expect(partialFrames.heldBytes).toBe(131_072)
  partialFrames.join(0, bytesOf('x'), 0, 1)
  partialFrames.keep(0, partialFrames.bytes, partialFrames.to, partialFrames.to)
  expect(partialFrames.heldBytes).toBe(0)
  partialFrames.keep(0, bytesOf('x'), 0, 1)
  partialFrames.join(0, bytesOf('y'), 0, 1)
  partialFrames.keep(0, partialFrames.bytes, partialFrames.to, partialFrames.to)
  expect(partialFrames.heldBytes).toBe(256)
})

test('join() releases a large buffer when the partial frames after it stay small', () => {
  const partialFrames = new PartialFrames()
  partialFrames.keep(0, new Uint8Array(1_000_000), 0, 1_000_000)
  for (let index = 0; index < 1000; index++) {
    partialFrames.join(0, new Uint8Array(1000), 0, 1000)
    partialFrames.keep(0, partialFrames.bytes, partialFrames.to - 10, partialFrames.to)
  }
  expect(partialFrames.heldBytes).toBeLessThanOrEqual(2048)
})

test('drop() releases the memory of the link', () => {
  const partialFrames = new PartialFrames()
  partialFrames.keep(2, bytesOf('old'), 0, 3)
  partialFrames.drop(2)
  partialFrames.drop(1000)
  expect(partialFrames.heldBytes).toBe(0)
  partialFrames.join(2, bytesOf('new'), 0, 3)
  expect(joined(partialFrames)).toBe('new')
})

test('join() and keep() copy a frame in small pieces only a few times', () => {
  const partialFrames = new PartialFrames()
  const piece = new Uint8Array(1000)
  const buffers = new Set<ArrayBufferLike>()
  for (let index = 0; index < 10_000; index++) {
    partialFrames.join(0, piece, 0, piece.length)
    partialFrames.keep(0, partialFrames.bytes, partialFrames.from, partialFrames.to)
    buffers.add(partialFrames.bytes.buffer)
  }
  expect(partialFrames.to - partialFrames.from).toBe(10_000_000)
  expect(buffers.size).toBeLessThan(20)
  expect(partialFrames.heldBytes).toBeLessThanOrEqual(2 ** 24)
})

test('join() and keep() lose and repeat no byte, whatever part is read', () => {
  const reads = fc.array(fc.record({ link: fc.nat(3), length: fc.nat(700), taken: fc.nat(1200) }), { maxLength: 60 })
  fc.assert(
    fc.property(reads, steps => {
      const partialFrames = new PartialFrames()
      const sent = [0, 0, 0, 0]
      const seen = [0, 0, 0, 0]
      const buffer = new Uint8Array(700)
      for (const { link, length, taken } of steps) {
        for (let index = 0; index < length; index++) buffer[index] = sent[link]!++ % 251
        partialFrames.join(link, buffer, 0, length)
        const { bytes, from, to } = partialFrames
        expect(to - from).toBe(sent[link]! - seen[link]!)
        const end = Math.min(to, from + taken)
        for (let at = from; at < end; at++) {
          if (bytes[at] !== seen[link]!++ % 251) throw new Error(`wrong byte at ${at}`)
        }
        partialFrames.keep(link, bytes, end, to)
      }
    }),
    { numRuns: propertyRuns },
  )
})
