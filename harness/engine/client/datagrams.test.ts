import fc from 'fast-check'
import { expect, test } from 'vitest'
import { propertyRuns } from '../../testing/propertyRuns.ts'
import { DatagramInFlight } from './datagrams.ts'

const requestId = {
  bits: 16,
  max: 0xffff,
  read: (bytes: Uint8Array, from: number) => bytes[from]! * 256 + bytes[from + 1]!,
  write: (bytes: Uint8Array, from: number, id: number) => {
    bytes[from] = id >> 8
    bytes[from + 1] = id & 0xff
  },
}

/** Sends a request; returns its slot, and the reply to it. */
function send(slots: DatagramInFlight, link = 0): { slot: number; reply: Uint8Array } {
  const slot = slots.take(link, 0, 0)
  const reply = new Uint8Array(2)
  slots.writeId(slot, reply, 0)
  return { slot, reply }
}

const isDuplicate = (slots: DatagramInFlight, reply: Uint8Array, link = 0) => slots.isDuplicate(link, reply, 0, 2)

test('DatagramInFlight.isReordered() is true after the reply to a later request, and false after a gap', () => {
  const slots = new DatagramInFlight(2, 4, requestId)
  const [first, second, third, fourth] = [send(slots), send(slots), send(slots), send(slots)]
  const other = send(slots, 1)
  const reordered = [second, fourth, first, third].map(({ slot }) => slots.isReordered(0, slot))
  expect(reordered).toEqual([false, false, true, true])
  expect(slots.isReordered(1, other.slot)).toBe(false)
})

test('DatagramInFlight.isDuplicate() is true for every answered request, however often its slot was used since', () => {
  const slots = new DatagramInFlight(1, 2, requestId)
  const replies = Array.from({ length: 300 }, () => {
    const { slot, reply } = send(slots)
    slots.release(0, slot)
    return reply
  })
  expect(replies.every(reply => slots.find(0, reply, 0, 2) < 0 && isDuplicate(slots, reply))).toBe(true)
})

test('DatagramInFlight.takeLate() is true for a late reply once; when it comes again it is a duplicate', () => {
  const slots = new DatagramInFlight(1, 1, requestId)
  const late = send(slots)
  slots.expire(0, late.slot)
  send(slots)
  const results = [late, late].map(({ reply }) => [slots.takeLate(0, reply, 0, 2), isDuplicate(slots, reply)])
  expect(results).toEqual([
    [true, true],
    [false, true],
  ])
})

test('DatagramInFlight.isDuplicate() is exact where ids are few, and left out while late replies may have them', () => {
  const few = { ...requestId, max: 20 }
  const slots = new DatagramInFlight(1, 4, few)
  const lost = send(slots)
  slots.expire(0, lost.slot)
  const sent = new Set([few.read(lost.reply, 0)])
  for (let round = 0; round < 60; round++) {
    const { slot, reply } = send(slots)
    sent.add(few.read(reply, 0))
    slots.release(0, slot)
    for (let id = 0; id <= 30; id++) {
      few.write(reply, 0, id)
      expect(`${round} ${id} ${isDuplicate(slots, reply)}`).toBe(`${round} ${id} ${sent.has(id)}`)
    }
  }
  expect(slots.takeLate(0, lost.reply, 0, 2)).toBe(true)
})

test('DatagramInFlight.isDuplicate() is false for ids that were never sent', () => {
  fc.assert(
    fc.property(fc.nat(0xffff), fc.integer({ min: 0, max: 20 }), (id, count) => {
      const slots = new DatagramInFlight(1, 4, requestId)
      const sent = Array.from({ length: count }, () => {
        const { slot, reply } = send(slots)
        slots.release(0, slot)
        return requestId.read(reply, 0)
      })
      const reply = new Uint8Array(2)
      requestId.write(reply, 0, id)
      expect(isDuplicate(slots, reply)).toBe(sent.includes(id))
    }),
    { numRuns: propertyRuns },
  )
})
