import { expect, test } from 'vitest'
import { bytesOf } from '../protocols/testing/bytes.ts'
import { firstReplyBytesMax, mergeFirstReplies } from './firstReplies.ts'
import { createSlab, openSlab } from './slab.ts'

const kept = (steps: number) => createSlab(steps, 3, true).firstReplies!

test('FirstReplies keeps the first reply of each step whole, and no other', () => {
  const slab = createSlab(2, 3, true)
  const writer = openSlab(slab.memory).firstReplies!
  writer.offer(1, bytesOf('xxhelloyy'), 2, 7)
  writer.offer(1, bytesOf('other'), 0, 5)
  // The handshake comes behind the steps of the loop.
  writer.offer(2, bytesOf('+OK'), 0, 3)
  expect(slab.firstReplies!.read()).toEqual([undefined, bytesOf('hello')])
  expect(slab.counts.every(count => count === 0)).toBe(true)
  expect(slab.completedByLink).toHaveLength(3)
})

test('FirstReplies tells of a reply that is too long, and keeps one of the most bytes', () => {
  const replies = kept(2)
  replies.offer(0, new Uint8Array(firstReplyBytesMax + 1), 0, firstReplyBytesMax + 1)
  replies.offer(0, bytesOf('short'), 0, 5)
  replies.offer(1, new Uint8Array(firstReplyBytesMax).fill(7), 0, firstReplyBytesMax)
  const [first, second] = replies.read()
  expect(first).toBe('too-long')
  expect(second).toEqual(new Uint8Array(firstReplyBytesMax).fill(7))
})

test('mergeFirstReplies() takes what any worker has', () => {
  const [one, other] = [kept(3), kept(3)]
  one.offer(0, bytesOf('a'), 0, 1)
  one.offer(2, new Uint8Array(firstReplyBytesMax + 1), 0, firstReplyBytesMax + 1)
  other.offer(1, bytesOf('b'), 0, 1)
  expect(mergeFirstReplies([one, other])).toEqual([bytesOf('a'), bytesOf('b'), 'too-long'])
  expect(mergeFirstReplies([])).toEqual([])
})

test('a slab without them has none', () => {
  expect(createSlab(2).firstReplies).toBeUndefined()
})
