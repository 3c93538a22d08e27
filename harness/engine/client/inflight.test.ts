import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readUint32, writeUint32 } from '../../protocols/integers.ts'
import { createRpc } from '../../protocols/rpc.ts'
import { propertyRuns } from '../../testing/propertyRuns.ts'
import { DueTimes } from './due.ts'
import { KeyedInFlight, OrderedInFlight } from './inflight.ts'

const requestId = {
  bits: 8,
  max: 0xff,
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

/** Ids of 32 bits up to `max`. */
const idsUpTo = (max: number) => ({ bits: 32, max, read: (bytes: Uint8Array) => readUint32(bytes, 0), write: writeId })

function writeId(bytes: Uint8Array, from: number, id: number): void {
  writeUint32(bytes, from, id)
}

/** Takes a slot; returns it with its id, and the reply to its request. */
function send(slots: KeyedInFlight, link = 0): { slot: number; id: number; reply: Uint8Array } {
  const reply = new Uint8Array(4)
  const slot = slots.take(link, 0, 0)
  slots.writeId(slot, reply, 0)
  return { slot, id: readUint32(reply, 0), reply }
}

test('KeyedInFlight uses the ids from 1 to the maximum, and no id twice at a time', () => {
  const depths = fc.integer({ min: 1, max: 40 })
  const spare = fc.oneof(fc.nat(20), fc.nat(300), fc.nat(200_000))
  fc.assert(
    fc.property(depths, spare, fc.array(fc.nat(1000), { maxLength: 300 }), (depth, more, picks) => {
      const slots = new KeyedInFlight(2, depth, idsUpTo(depth + more))
      const inFlight = new Map<number, { slot: number; reply: Uint8Array }>()
      for (const pick of picks) {
        if (inFlight.size < depth && pick % 3 > 0) {
          const { id, ...request } = send(slots, 1)
          expect(id).toBeGreaterThanOrEqual(1)
          expect(id).toBeLessThanOrEqual(depth + more)
          expect(inFlight.has(id)).toBe(false)
          inFlight.set(id, request)
        } else if (inFlight.size > 0) {
          const [id, { slot, reply }] = [...inFlight][pick % inFlight.size]!
          expect(slots.find(1, reply, 0, 4)).toBe(slot)
          slots.release(1, slot)
          inFlight.delete(id)
        }
      }
    }),
    { numRuns: propertyRuns },
  )
})

test('KeyedInFlight uses every id that fits, also one in flight for each', () => {
  for (const [depth, max] of [
    [1, 1],
    [5, 5],
    [5, 9],
    [5, 10],
    [3, 100],
    [64, 255],
  ] as const) {
    const slots = new KeyedInFlight(1, depth, idsUpTo(max))
    const seen = new Set<number>()
    for (let round = 0; round < 2 * max; round++) {
      const sent = Array.from({ length: depth }, () => send(slots))
      for (const { slot, id } of sent) {
        seen.add(id)
        slots.release(0, slot)
      }
      expect(new Set(sent.map(({ id }) => id)).size).toBe(depth)
    }
    expect([...seen].toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: max - (max % depth) }, (_, index) => index + 1),
    )
  }
})

test('KeyedInFlight keeps the ids of rpc below 2^31, and begins again when all are used up', () => {
  const { requestId: ids } = createRpc({ lengthPrefix: false, maxFrame: 1024 })
  // Each use of a place adds 65,536 to its id: 32,768 uses take it to 2^31.
  const slots = new KeyedInFlight(1, 65_536, ids!)
  const used = Array.from({ length: 40_000 }, () => {
    const { slot, id } = send(slots)
    slots.release(0, slot)
    return id
  })
  expect(used.every(id => id > 0)).toBe(true)
  const largest = used.reduce((most, id) => Math.max(most, id))
  expect(largest).toBeLessThan(2 ** 31)
  expect(largest).toBeGreaterThan(2 ** 31 - 2 * 65_536)
})

test('KeyedInFlight finds no request for an id that requests cannot have', () => {
  for (const [depth, max] of [
    [4, 10],
    [4, 0x7fff_ffff],
    [4, 0xffff_ffff],
  ] as const) {
    const slots = new KeyedInFlight(1, depth, idsUpTo(max))
    for (let index = 0; index < depth; index++) slots.expire(0, send(slots).slot)
    for (let index = 0; index < depth; index++) send(slots)
    const largest = max - (max % depth)
    for (const id of [0, largest + 1, largest + depth, 0x8000_0000, 0xffff_ffff].filter(
      id => id === 0 || id > largest,
    )) {
      const reply = new Uint8Array(4)
      writeUint32(reply, 0, id)
      expect(slots.find(0, reply, 0, 4)).toBe(-1)
      expect(slots.takeLate(0, reply, 0, 4)).toBe(false)
    }
  }
})

test('KeyedInFlight gives no request the id of one whose reply may still come, as long as there are others', () => {
  for (const [depth, max] of [
    [2, 6],
    [3, 160],
    [2, 3000],
  ] as const) {
    const slots = new KeyedInFlight(1, depth, idsUpTo(max))
    const late = send(slots)
    slots.expire(0, late.slot)
    for (let round = 0; round < 3 * max; round++) {
      const { slot, id } = send(slots)
      if (id === late.id) expect.unreachable(`id ${id} of ${max} in round ${round}`)
      slots.release(0, slot)
    }
    expect(slots.find(0, late.reply, 0, 4)).toBe(-1)
    expect(slots.takeLate(0, late.reply, 0, 4)).toBe(true)
    expect(slots.takeLate(0, late.reply, 0, 4)).toBe(false)
    // The id is free again.
    const ids = Array.from({ length: max + depth }, () => {
      const { slot, id } = send(slots)
      slots.release(0, slot)
      return id
    })
    expect(ids).toContain(late.id)
  }
})

test('KeyedInFlight goes on where every id may be late', () => {
  const slots = new KeyedInFlight(1, 2, idsUpTo(6))
  for (let round = 0; round < 50; round++) {
    const { slot, id } = send(slots)
    expect(id).toBeGreaterThanOrEqual(1)
    expect(id).toBeLessThanOrEqual(6)
    slots.expire(0, slot)
  }
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
