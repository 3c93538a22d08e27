import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Leftovers } from './partialFrames.ts'
import { bytesOf, textOf } from './testing/bytes.ts'

function joined(leftovers: Leftovers): string {
  return textOf(leftovers.bytes.subarray(leftovers.from, leftovers.to))
}

test('join() hands back the given range when nothing was left over', () => {
  const leftovers = new Leftovers()
  const bytes = bytesOf('..hello..')
  leftovers.join(3, bytes, 2, 7)
  expect(leftovers.bytes).toBe(bytes)
  expect([leftovers.from, leftovers.to]).toEqual([2, 7])
  expect(leftovers.heldBytes).toBe(0)
})

test('join() puts the new bytes after what keep() kept, for each link alone', () => {
  const leftovers = new Leftovers()
  const bytes = bytesOf('abcdef')
  leftovers.keep(0, bytes, 1, 3)
  leftovers.keep(9, bytes, 4, 6)
  bytes.fill(0)
  leftovers.join(0, bytesOf('XY'), 0, 2)
  expect(joined(leftovers)).toBe('bcXY')
  leftovers.join(9, bytesOf('Z'), 0, 1)
  expect(joined(leftovers)).toBe('efZ')
})

test('keep() takes a range of its own buffer', () => {
  const leftovers = new Leftovers()
  leftovers.keep(1, bytesOf('abc'), 0, 3)
  leftovers.join(1, bytesOf('defg'), 0, 4)
  leftovers.keep(1, leftovers.bytes, leftovers.from + 5, leftovers.to)
  leftovers.join(1, bytesOf('hi'), 0, 2)
  expect(joined(leftovers)).toBe('fghi')
  leftovers.keep(1, leftovers.bytes, leftovers.to, leftovers.to)
  const bytes = bytesOf('new')
  leftovers.join(1, bytes, 0, 3)
  expect(leftovers.bytes).toBe(bytes)
})

test('keep() lets go of a large buffer once it is empty, and keeps a small one', () => {
  const leftovers = new Leftovers()
  leftovers.keep(0, new Uint8Array(100_000), 0, 100_000)
  expect(leftovers.heldBytes).toBe(131_072)
  leftovers.join(0, bytesOf('x'), 0, 1)
  leftovers.keep(0, leftovers.bytes, leftovers.to, leftovers.to)
  expect(leftovers.heldBytes).toBe(0)
  leftovers.keep(0, bytesOf('x'), 0, 1)
  leftovers.join(0, bytesOf('y'), 0, 1)
  leftovers.keep(0, leftovers.bytes, leftovers.to, leftovers.to)
  expect(leftovers.heldBytes).toBe(256)
})

test('join() lets go of a large buffer when little is left over again and again', () => {
  const leftovers = new Leftovers()
  leftovers.keep(0, new Uint8Array(1_000_000), 0, 1_000_000)
  for (let index = 0; index < 1000; index++) {
    leftovers.join(0, new Uint8Array(1000), 0, 1000)
    leftovers.keep(0, leftovers.bytes, leftovers.to - 10, leftovers.to)
  }
  expect(leftovers.heldBytes).toBeLessThanOrEqual(2048)
})

test('drop() forgets the link', () => {
  const leftovers = new Leftovers()
  leftovers.keep(2, bytesOf('old'), 0, 3)
  leftovers.drop(2)
  leftovers.drop(1000)
  expect(leftovers.heldBytes).toBe(0)
  leftovers.join(2, bytesOf('new'), 0, 3)
  expect(joined(leftovers)).toBe('new')
})

test('join() and keep() copy a frame in small pieces only a few times over', () => {
  const leftovers = new Leftovers()
  const piece = new Uint8Array(1000)
  const buffers = new Set<ArrayBufferLike>()
  for (let index = 0; index < 10_000; index++) {
    leftovers.join(0, piece, 0, piece.length)
    leftovers.keep(0, leftovers.bytes, leftovers.from, leftovers.to)
    buffers.add(leftovers.bytes.buffer)
  }
  expect(leftovers.to - leftovers.from).toBe(10_000_000)
  expect(buffers.size).toBeLessThan(20)
  expect(leftovers.heldBytes).toBeLessThanOrEqual(2 ** 24)
})

test('join() and keep() lose and repeat nothing, whatever is taken and left', () => {
  const reads = fc.array(fc.record({ link: fc.nat(3), length: fc.nat(700), taken: fc.nat(1200) }), { maxLength: 60 })
  fc.assert(
    fc.property(reads, steps => {
      const leftovers = new Leftovers()
      const sent = [0, 0, 0, 0]
      const seen = [0, 0, 0, 0]
      const buffer = new Uint8Array(700)
      for (const { link, length, taken } of steps) {
        for (let index = 0; index < length; index++) buffer[index] = sent[link]!++ % 251
        leftovers.join(link, buffer, 0, length)
        const { bytes, from, to } = leftovers
        expect(to - from).toBe(sent[link]! - seen[link]!)
        const end = Math.min(to, from + taken)
        for (let at = from; at < end; at++) {
          if (bytes[at] !== seen[link]!++ % 251) throw new Error(`wrong byte at ${at}`)
        }
        leftovers.keep(link, bytes, end, to)
      }
    }),
  )
})
