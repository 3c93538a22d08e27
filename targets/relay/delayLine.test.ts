import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bytesOf, textOf } from '../../harness/protocols/testing/bytes.ts'
import { DelayLine, mark } from './delayLine.ts'

/** Collects the bytes of a line in one array. */
class Taken {
  bytes: number[] = []

  append(bytes: Uint8Array, from: number, end: number): void {
    this.bytes.push(...bytes.subarray(from, end))
  }
}

function add(line: DelayLine, text: string, dueMs: number): void {
  line.add(bytesOf(text), 0, text.length, dueMs)
}

test('DelayLine returns what has arrived, in order, and a mark separately', () => {
  const line = new DelayLine()
  const taken = new Taken()
  add(line, 'ab', 5)
  add(line, 'cd', 7)
  line.addMark(mark.end, 7)
  expect([line.soonestMs, line.bytesHeld, line.count]).toEqual([5, 4, 3])
  expect(line.takeDue(4.9, 100, taken)).toBe(0)
  expect(line.takeDue(5, 100, taken)).toBe(2)
  expect(line.takeDue(6, 100, taken)).toBe(0)
  expect(line.takeDue(9, 100, taken)).toBe(2)
  expect(line.takeDue(9, 100, taken)).toBe(mark.end)
  expect(line.takeDue(9, 100, taken)).toBe(0)
  expect(textOf(Uint8Array.from(taken.bytes))).toBe('abcd')
  expect([line.soonestMs, line.bytesHeld, line.count]).toEqual([Number.POSITIVE_INFINITY, 0, 0])
})

test('DelayLine delays what is behind a late segment', () => {
  const line = new DelayLine()
  add(line, 'late', 200)
  add(line, 'soon', 5)
  expect(line.takeDue(199, 100, new Taken())).toBe(0)
  expect(line.takeDue(200, 100, new Taken())).toBe(8)
})

test('DelayLine returns whole segments, and no more than asked for unless a single one is longer', () => {
  const line = new DelayLine()
  for (const text of ['abc', 'def', 'a longer one', 'g']) add(line, text, 0)
  const lengths = [1, 2, 3, 4].map(() => line.takeDue(0, 6, new Taken()))
  expect(lengths).toEqual([6, 12, 1, 0])
})

test('DelayLine discards what is on its way when it is cleared, and can be used again', () => {
  const line = new DelayLine()
  const taken = new Taken()
  line.add(new Uint8Array(1_000_000), 0, 1_000_000, 5)
  line.clear()
  expect([line.soonestMs, line.bytesHeld, line.count]).toEqual([Number.POSITIVE_INFINITY, 0, 0])
  add(line, 'next', 6)
  line.takeDue(6, 100, taken)
  expect(textOf(Uint8Array.from(taken.bytes))).toBe('next')
})

test('DelayLine returns every byte unchanged and in order, however it is filled and emptied', () => {
  const step = fc.record({
    length: fc.integer({ min: 1, max: 700 }),
    dueMs: fc.nat(100),
    takeMs: fc.nat(130),
    bytesMax: fc.integer({ min: 1, max: 1500 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      const line = new DelayLine()
      const taken = new Taken()
      let sent = 0
      for (const { length, dueMs, takeMs, bytesMax } of steps) {
        const bytes = Uint8Array.from({ length: length + 2 }, (_, index) => (sent + index - 1) % 251)
        line.add(bytes, 1, length + 1, dueMs)
        sent += length
        line.takeDue(takeMs, bytesMax, taken)
        expect(line.bytesHeld).toBe(sent - taken.bytes.length)
      }
      while (line.takeDue(100, 1500, taken) > 0);
      expect(taken.bytes).toEqual(Array.from({ length: sent }, (_, index) => index % 251))
    }),
  )
})
