import fc from 'fast-check'
import { expect, test } from 'vitest'
import { field } from '../../metrics/slab.ts'
import { createRpc } from '../../protocols/rpc.ts'
import type { MemoryServer } from '../../transports/memory.ts'
import { KeyedInFlight } from './inflight.ts'
import { simulate } from './testing/simulate.ts'

const spec = { name: 'rpc', lengthPrefix: true, maxFrame: 4096 } as const
const rpc = createRpc(spec)

/** Answers each request after the time that `delayMs` says, as often as it says times. */
function rpcServer(delaysMs: (request: number) => readonly number[]): MemoryServer {
  let requests = 0
  return {
    received(connection, input) {
      for (let at = 0; at < input.length; ) {
        const end = rpc.frameEnd(input, at, input.length, 0)
        for (const delayMs of delaysMs(requests++)) connection.send(input.slice(at, end), delayMs)
        at = end
      }
    },
  }
}

test('Client counts replies to requests that timed out as late, apart from what is unexpected', async () => {
  // The timeout is 100 ms; every tenth reply takes longer, and the slot of its request has others by then.
  const run = await simulate(
    rpcServer(request => [request % 10 === 0 ? 150 : 1]),
    { protocol: spec, load: { mode: 'loop', pipeline: 4 }, duration: 3000, loop: [{ send: 'x', think: 0 }] },
  )
  expect(Object.keys(run.failures)).toEqual(['timeout'])
  const late = run.collector.total(field.lateReplies)
  const { timeout } = run.failures as { timeout: number }
  expect(timeout).toBeGreaterThan(50)
  // Of the last of them the replies are still on their way.
  expect(timeout - late).toBeLessThanOrEqual(4)
  expect(timeout - late).toBeGreaterThanOrEqual(0)
  expect(run.connects).toBe(1)
})

test('Client takes no more replies for late than requests have timed out', async () => {
  const run = await simulate(
    // The first comes late twice, the second never.
    rpcServer(request => (request < 2 ? [[150, 160], []][request]! : [1, 2])),
    { protocol: spec, requests: 600, load: { mode: 'loop', pipeline: 2 } },
  )
  expect(run.collector.total(field.lateReplies)).toBe(1)
  expect(run.failures['timeout']).toBe(2)
  // Each of the others came twice, the last two perhaps after the end, and so did the first.
  expect(run.failures['unexpected']).toBeGreaterThanOrEqual(run.completed - 1)
  expect(run).toMatchObject({ completed: 598, failed: 2 })
})

test('Client knows no late replies where they come in order: the connection was closed', async () => {
  const slow: MemoryServer = { received: (connection, bytes) => connection.send(bytes.slice(), 150) }
  const run = await simulate(slow)
  expect(Object.keys(run.failures)).toEqual(['timeout'])
  expect(run.collector.total(field.lateReplies)).toBe(0)
})

const requestId = {
  bits: 8,
  read: (bytes: Uint8Array, from: number) => bytes[from]!,
  write: (bytes: Uint8Array, from: number, id: number) => {
    bytes[from] = id
  },
}

test('KeyedInFlight takes each late reply once, though ids wrap, and none of a connection that is gone', () => {
  const action = fc.constantFrom('take', 'release', 'expire', 'late', 'clear')
  fc.assert(
    fc.property(fc.nat(200), fc.array(fc.tuple(action, fc.nat(100)), { maxLength: 300 }), (before, actions) => {
      const slots = new KeyedInFlight(2, 4, requestId)
      for (let use = 0; use < before; use++) slots.release(1, slots.take(1, 0, 0))
      let taken = 0
      const inFlight: { slot: number; id: Uint8Array }[] = []
      const expired: Uint8Array[] = []
      for (const [what, pick] of actions) {
        if (what === 'take' && inFlight.length < 4) {
          const slot = slots.take(1, 0, 0)
          const id = new Uint8Array(1)
          slots.writeId(slot, id, 0)
          inFlight.push({ slot, id })
          // Ids of 8 bits come again after so many: a reply that is later still cannot be told from another one.
          if (++taken > 60) return
        } else if ((what === 'release' || what === 'expire') && inFlight.length > 0) {
          const [{ slot, id }] = inFlight.splice(pick % inFlight.length, 1) as [{ slot: number; id: Uint8Array }]
          expect(slots.find(1, id, 0, 1)).toBe(slot)
          slots[what](1, slot)
          if (what === 'expire') expired.push(id)
        } else if (what === 'late' && expired.length > 0) {
          const [id] = expired.splice(pick % expired.length, 1) as [Uint8Array]
          expect(slots.find(1, id, 0, 1)).toBe(-1)
          expect(slots.takeLate(0, id, 0, 1)).toBe(false)
          expect(slots.takeLate(1, id, 0, 1)).toBe(true)
        } else if (what === 'clear') {
          slots.clear(1)
          for (const id of expired.splice(0)) expect(slots.takeLate(1, id, 0, 1)).toBe(false)
          inFlight.length = 0
        }
        if (expired.length === 0) expect(slots.takeLate(1, Uint8Array.of(pick), 0, 1)).toBe(false)
      }
    }),
  )
})

test('KeyedInFlight knows late replies however often the ids of a slot have wrapped', () => {
  const slots = new KeyedInFlight(1, 1, {
    bits: 8,
    read: bytes => bytes[0]!,
    write: (bytes, from, id) => bytes.fill(id, from, from + 1),
  })
  const awaited: Uint8Array[] = []
  for (let round = 0; round < 1000; round++) {
    const slot = slots.take(0, 0, 0)
    const id = new Uint8Array(1)
    slots.writeId(slot, id, 0)
    slots.expire(0, slot)
    awaited.push(id)
    if (awaited.length > 3) expect(slots.takeLate(0, awaited.shift()!, 0, 1)).toBe(true)
  }
})
