import fc from 'fast-check'
import { expect, test } from 'vitest'
import { field } from '../../metrics/slab.ts'
import { createRpc } from '../../protocols/rpc.ts'
import { propertyRuns } from '../../testing/propertyRuns.ts'
import type { MemoryServer } from '../../transports/memory.ts'
import { KeyedInFlight } from './inflight.ts'
import { simulate } from './testing/simulate.ts'

const spec = { name: 'rpc', lengthPrefix: true, maxFrame: 4096 } as const
const rpc = createRpc(spec)

/** Answers each request once for every delay that `delaysMs` returns. */
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

test('Client counts replies to requests that timed out as late, not as unexpected', async () => {
  // The timeout is 100 ms. Every tenth reply takes longer, and its slot holds another request by then.
  const run = await simulate(
    rpcServer(request => [request % 10 === 0 ? 150 : 1]),
    { protocol: spec, load: { mode: 'loop', pipeline: 4 }, duration: 3000, loop: [{ send: 'x', think: 0 }] },
  )
  expect(Object.keys(run.failures)).toEqual(['timeout'])
  const late = run.collector.total(field.lateReplies)
  const { timeout } = run.failures as { timeout: number }
  expect(timeout).toBeGreaterThan(50)
  // The replies to the last of them are still on their way.
  expect(timeout - late).toBeLessThanOrEqual(4)
  expect(timeout - late).toBeGreaterThanOrEqual(0)
  expect(run.connects).toBe(1)
})

test('Client gives no request the id of one that the server still answers, with twice as many ids as requests', async () => {
  const answeredAt = new Map<number, number>()
  let requests = 0
  let clashes = 0
  const server: MemoryServer = {
    received(connection, input, now) {
      for (let at = 0; at < input.length; ) {
        const end = rpc.frameEnd(input, at, input.length, 0)
        const id = rpc.requestId!.read(input, at, end)
        if ((answeredAt.get(id) ?? now) > now) clashes++
        // The timeout is 100 ms.
        const delayMs = requests++ % 10 === 0 ? 150 : 1
        answeredAt.set(id, now + delayMs)
        connection.send(input.slice(at, end), delayMs)
        at = end
      }
    },
  }
  const settings = { load: { mode: 'loop', pipeline: 4 }, duration: 1500 } as const
  const run = await simulate(server, { protocol: { ...spec, id: { max: 8 } }, ...settings })
  expect([...answeredAt.keys()].toSorted()).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  expect(clashes).toBe(0)
  expect(Object.keys(run.failures)).toEqual(['timeout'])
  const { timeout } = run.failures as { timeout: number }
  expect(timeout).toBeGreaterThan(20)
  expect(timeout - run.late).toBeLessThanOrEqual(4)
  expect(timeout - run.late).toBeGreaterThanOrEqual(0)
})

test('Client counts no more late replies than requests have timed out', async () => {
  const run = await simulate(
    // The first reply comes late twice, the second never.
    rpcServer(request => (request < 2 ? [[150, 160], []][request]! : [1, 2])),
    { protocol: spec, requests: 600, load: { mode: 'loop', pipeline: 2 } },
  )
  expect(run.collector.total(field.lateReplies)).toBe(1)
  expect(run.failures['timeout']).toBe(2)
  // Each of the others came twice, and so did the first; the last two perhaps after the end.
  expect(run.failures['unexpected']).toBeGreaterThanOrEqual(run.completed - 1)
  expect(run).toMatchObject({ completed: 598, failed: 2 })
})

test('Client counts no late replies without ids, as it has closed the connection', async () => {
  const slow: MemoryServer = { received: (connection, bytes) => connection.send(bytes.slice(), 150) }
  const run = await simulate(slow)
  expect(Object.keys(run.failures)).toEqual(['timeout'])
  expect(run.collector.total(field.lateReplies)).toBe(0)
})

const requestId = {
  bits: 8,
  max: 0xff,
  read: (bytes: Uint8Array, from: number) => bytes[from]!,
  write: (bytes: Uint8Array, from: number, id: number) => {
    bytes[from] = id
  },
}

/** The events of a link with four slots, and the answer that `takeLate` must give for each id after them. */
class LateReplies {
  readonly #slots = new KeyedInFlight(2, 4, requestId)
  readonly #inFlight: { slot: number; id: Uint8Array }[] = []
  readonly #expired: Uint8Array[] = []
  sent = 0

  constructor(usesBefore: number) {
    for (let use = 0; use < usesBefore; use++) this.#slots.release(1, this.#slots.take(1, 0, 0))
  }

  send(): void {
    if (this.#inFlight.length === 4) return
    const slot = this.#slots.take(1, 0, 0)
    const id = new Uint8Array(1)
    this.#slots.writeId(slot, id, 0)
    this.#inFlight.push({ slot, id })
    this.sent++
  }

  end(how: 'release' | 'expire', pick: number): void {
    if (this.#inFlight.length === 0) return
    const [{ slot, id }] = this.#inFlight.splice(pick % this.#inFlight.length, 1) as [{ slot: number; id: Uint8Array }]
    expect(this.#slots.find(1, id, 0, 1)).toBe(slot)
    this.#slots[how](1, slot)
    if (how === 'expire') this.#expired.push(id)
  }

  replyLate(pick: number): void {
    if (this.#expired.length === 0) return
    const [id] = this.#expired.splice(pick % this.#expired.length, 1) as [Uint8Array]
    expect(this.#slots.find(1, id, 0, 1)).toBe(-1)
    expect(this.#slots.takeLate(0, id, 0, 1)).toBe(false)
    expect(this.#slots.takeLate(1, id, 0, 1)).toBe(true)
  }

  closeConnection(): void {
    this.#slots.clear(1)
    for (const id of this.#expired.splice(0)) expect(this.#slots.takeLate(1, id, 0, 1)).toBe(false)
    this.#inFlight.length = 0
  }

  expectNoneWithoutExpired(id: number): void {
    if (this.#expired.length === 0) expect(this.#slots.takeLate(1, Uint8Array.of(id), 0, 1)).toBe(false)
  }
}

test('KeyedInFlight.takeLate() is true for each late reply once, though ids wrap, and false after clear()', () => {
  const action = fc.constantFrom('take', 'release', 'expire', 'late', 'clear')
  fc.assert(
    fc.property(fc.nat(200), fc.array(fc.tuple(action, fc.nat(100)), { maxLength: 300 }), (before, actions) => {
      const link = new LateReplies(before)
      for (const [what, pick] of actions) {
        if (what === 'take') link.send()
        else if (what === 'late') link.replyLate(pick)
        else if (what === 'clear') link.closeConnection()
        else link.end(what, pick)
        // Ids of 8 bits come again after 64 uses of a slot: a reply that is later still may match another request.
        if (link.sent > 60) return
        link.expectNoneWithoutExpired(pick)
      }
    }),
    { numRuns: propertyRuns },
  )
})

test('KeyedInFlight.takeLate() is true for late replies, however often the ids of a slot have wrapped', () => {
  const slots = new KeyedInFlight(1, 1, {
    bits: 8,
    max: 0xff,
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
