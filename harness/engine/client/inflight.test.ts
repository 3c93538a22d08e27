import fc from 'fast-check'
import { expect, test } from 'vitest'
import { propertyRuns } from '../../testing/propertyRuns.ts'
import { DueTimes } from './due.ts'
import { KeyedInFlight, OrderedInFlight } from './inflight.ts'

const requestId = {
  bits: 8,
  read: (bytes: Uint8Array, from: number) => bytes[from]!,
  write: (bytes: Uint8Array, from: number, id: number) => {
    bytes[from] = id
  },
}

test('OrderedInFlight returns the slots of each link in the order they were taken', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ link: fc.nat(2), take: fc.boolean() }), { maxLength: 300 }), actions => {
      const slots = new OrderedInFlight(3, 5)
      const model: number[][] = [[], [], []]
      let frame = 0
      for (const { link, take } of actions) {
        const queue = model[link]!
        if (take && queue.length < 5) {
          queue.push(frame)
          slots.take(link, frame++, 0)
        } else if (!take && queue.length > 0) {
          expect(slots.frame[slots.find(link)]).toBe(queue.shift())
          slots.release(link)
        }
        expect(slots.count[link]).toBe(queue.length)
        expect(slots.oldest(link) < 0).toBe(queue.length === 0)
      }
    }),
    { numRuns: propertyRuns },
  )
})

test('KeyedInFlight finds each request by its id, in any order, and no request that was released', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ take: fc.boolean(), pick: fc.nat(1000) }), { maxLength: 400 }), actions => {
      const slots = new KeyedInFlight(2, 10, requestId)
      const waiting: { id: Uint8Array; frame: number }[] = []
      let frame = 0
      for (const { take, pick } of actions) {
        if (take && waiting.length < 10) {
          const id = new Uint8Array(1)
          slots.writeId(slots.take(1, frame, 0), id, 0)
          expect(waiting.some(other => other.id[0] === id[0])).toBe(false)
          waiting.push({ id, frame: frame++ })
        } else if (!take && waiting.length > 0) {
          const [request] = waiting.splice(pick % waiting.length, 1)
          const slot = slots.find(1, request!.id, 0, 1)
          expect(slots.frame[slot]).toBe(request!.frame)
          slots.release(1, slot)
          expect(slots.find(1, request!.id, 0, 1)).toBe(-1)
        }
        expect(slots.find(0, Uint8Array.of(pick), 0, 1)).toBe(-1)
      }
    }),
    { numRuns: propertyRuns },
  )
})

test('KeyedInFlight does not match a late reply to the next request in its slot', () => {
  const slots = new KeyedInFlight(1, 4, requestId)
  const late = new Uint8Array(1)
  slots.writeId(slots.take(0, 1, 10), late, 0)
  expect(slots.nextOverdue(0, 9, 0)).toBe(-1)
  slots.release(0, slots.nextOverdue(0, 10, 0))
  const next = new Uint8Array(1)
  slots.writeId(slots.take(0, 2, 20), next, 0)
  expect(slots.find(0, late, 0, 1)).toBe(-1)
  expect(slots.frame[slots.find(0, next, 0, 1)]).toBe(2)
  slots.clear(0)
  expect(slots.find(0, next, 0, 1)).toBe(-1)
  expect(slots.count[0]).toBe(0)
})

test('DueTimes returns links in the order of their times, however they were set, moved and cleared', () => {
  const action = fc.record({ link: fc.nat(19), time: fc.nat(100), clear: fc.boolean() })
  fc.assert(
    fc.property(fc.array(action, { maxLength: 200 }), actions => {
      const due = new DueTimes(20)
      const model = new Map<number, number>()
      for (const { link, time, clear } of actions) {
        if (clear) {
          due.clear(link)
          model.delete(link)
        } else {
          due.set(link, time)
          model.set(link, time)
        }
        expect(due.has(link)).toBe(model.has(link))
        expect(due.soonest).toBe(Math.min(Number.POSITIVE_INFINITY, ...model.values()))
      }
      const times: number[] = []
      expect(due.takeDue(-1)).toBe(-1)
      for (let link = due.takeDue(100); link >= 0; link = due.takeDue(100)) times.push(model.get(link)!)
      expect(times).toEqual([...model.values()].sort((a, b) => a - b))
    }),
    { numRuns: propertyRuns },
  )
})
