import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Heap, replaceLeast } from './heap.ts'

const number = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.double({ noNaN: true }))

test('Heap returns its items sorted, however adding and taking alternate', () => {
  const operations = fc.array(fc.oneof(fc.record({ add: number }), fc.constant('take' as const)), { maxLength: 200 })
  fc.assert(
    fc.property(operations, operations => {
      const heap = new Heap<number>((a, b) => a < b)
      const sorted: number[] = []
      for (const operation of operations) {
        if (operation === 'take') expect(heap.takeFirst()).toBe(sorted.shift())
        else {
          heap.add(operation.add)
          sorted.push(operation.add)
          sorted.sort((a, b) => a - b)
        }
        expect(heap.length).toBe(sorted.length)
        expect(heap.first).toBe(sorted[0])
      }
    }),
  )
})

test('Heap keeps the order of insertion where the comparison has a sequence number', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(5)), values => {
      const heap = new Heap<{ value: number; sequence: number }>(
        (a, b) => a.value < b.value || (a.value === b.value && a.sequence < b.sequence),
      )
      const items = values.map((value, sequence) => ({ value, sequence }))
      for (const item of items) heap.add(item)
      expect(items.map(() => heap.takeFirst())).toEqual(items.toSorted((a, b) => a.value - b.value))
    }),
  )
})

test('replaceLeast() keeps the least number at index 0', () => {
  const lists = fc.tuple(
    fc.integer({ min: 1, max: 40 }),
    fc.array(fc.double({ noNaN: true, min: 0 }), { maxLength: 200 }),
  )
  fc.assert(
    fc.property(lists, ([length, values]) => {
      const heap = new Float64Array(length)
      const sorted = Array.from(heap)
      for (const value of values) {
        replaceLeast(heap, value)
        sorted[0] = value
        sorted.sort((a, b) => a - b)
        expect(heap[0]).toBe(sorted[0])
      }
      expect(Array.from(heap).sort((a, b) => a - b)).toEqual(sorted)
    }),
  )
})
