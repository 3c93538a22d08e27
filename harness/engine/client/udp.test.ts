import { describe, expect, test } from 'vitest'
import { createRpc } from '../../protocols/rpc.ts'
import type { Scenario } from '../../scenario/scenario.ts'
import type { MemoryServer } from '../../transports/memory.ts'
import { simulate } from './testing/simulate.ts'

const rpcSpec = { name: 'rpc', lengthPrefix: true, maxFrame: 1024 } as const
const rpc = createRpc(rpcSpec)
const udp = { target: { address: 'udp://127.0.0.1:1' }, timeout: 100 } satisfies Partial<Scenario>
const overRpc = { ...udp, protocol: rpcSpec } satisfies Partial<Scenario>
const line = { ...udp, loop: [{ send: 'n={{seq}}', expect: 'echo', think: 0 }] } satisfies Partial<Scenario>

/** A server that sends back what `answer` returns for each datagram, numbered from 1. */
function datagramServer(answer: (number: number, bytes: Uint8Array) => [bytes: Uint8Array, delayMs: number][]) {
  const seen: Uint8Array[] = []
  const server: MemoryServer = {
    received(connection, bytes) {
      seen.push(bytes)
      for (const [reply, delayMs] of answer(seen.length, bytes)) connection.send(reply, delayMs)
    },
  }
  return { server, seen }
}

describe('Client over UDP', () => {
  test('sends each of many requests in flight as a datagram of its own', async () => {
    const { server, seen } = datagramServer((_, bytes) => [[bytes, 1]])
    const run = await simulate(server, { ...overRpc, load: { mode: 'loop', pipeline: 8 }, requests: 100 })
    expect(run).toMatchObject({ completed: 100, failures: {}, duplicates: 0, reordered: 0 })
    expect(seen).toHaveLength(100)
    expect(seen.every(bytes => rpc.frameEnd(bytes, 0, bytes.length, 0) === bytes.length)).toBe(true)
  })

  test('sends requests that differ each time as datagrams of their own', async () => {
    const { server, seen } = datagramServer((_, bytes) => [[bytes, 1]])
    const loop = [{ send: '{{seq}}', expect: 'echo', think: 0 }] as const
    const run = await simulate(server, { ...overRpc, loop, load: { mode: 'loop', pipeline: 8 }, requests: 100 })
    expect(run).toMatchObject({ completed: 100, failures: {} })
    expect(seen).toHaveLength(100)
  })

  test('fails lost requests at their timeout, and opens a new socket, which no late reply reaches', async () => {
    // Every third reply comes after the timeout of its request: it must not answer the next one.
    const { server } = datagramServer((number, bytes) => [[bytes, number % 3 === 0 ? 120 : 1]])
    const run = await simulate(server, { ...line, requests: 300, duration: 60_000 })
    expect(run).toMatchObject({ sent: 300, completed: 200, failed: 100, failures: { timeout: 100 }, duplicates: 0 })
    expect(run.connects).toBe(100)
    // A hundred timeouts of 100 ms, each found at the next scan, and no backoff before the next socket.
    expect(run.endedAtMs).toBeLessThan(11_000)
    expect(run.measured.response.quantiles).toMatchObject({
      censored: 100,
      lowerBounds: expect.arrayContaining(['p75']),
    })
  })

  test('counts a second datagram with nothing in flight as a duplicate, which is no failure', async () => {
    const { server } = datagramServer((_, bytes) => [
      [bytes, 1],
      [bytes, 2],
    ])
    const loop = [{ send: 'n={{seq}}', expect: 'echo', think: 5 }] as const
    const run = await simulate(server, { ...line, loop, requests: 10 })
    expect(run).toMatchObject({ completed: 10, failed: 0, failures: {}, duplicates: 9 })
  })

  test('opens a new socket after an unexpected reply, which may be a duplicate of the one before', async () => {
    const { server } = datagramServer((number, bytes) =>
      number === 50
        ? [
            [bytes, 1],
            [bytes, 1.5],
          ]
        : [[bytes, 1]],
    )
    const loop = [{ send: 'n={{seq}}', expect: 'echo', think: 0 }] as const
    const run = await simulate(server, { ...line, loop, requests: 200 })
    expect(run).toMatchObject({ completed: 199, failed: 1, failures: { unexpected: 1 }, connects: 2 })
  })

  test('distinguishes duplicate, late and unknown replies by their ids', async () => {
    const { server } = datagramServer((number, bytes) => {
      if (number % 10 === 1) return [[bytes, 150]]
      if (number % 10 === 2)
        return [
          [bytes, 1],
          [bytes, 3],
        ]
      if (number % 10 === 3)
        return [
          [bytes, 1],
          [rpc.encode({ body: new Uint8Array(0), id: 0xffff_0000 }), 1],
        ]
      return [[bytes, 1]]
    })
    const load = { mode: 'loop', pipeline: 4 } as const
    const run = await simulate(server, { ...overRpc, load, duration: 2000 })
    const { timeout, unexpected } = run.failures
    expect(timeout).toBeGreaterThan(3)
    // One of each in ten requests; the last ones may be on their way at the end.
    for (const count of [run.duplicates, unexpected!, run.late]) {
      expect(Math.abs(count - timeout!)).toBeLessThan(6)
    }
    expect(run.failed).toBe(timeout)
    expect(run.connects).toBe(1)
  })

  test('counts replies that a later one has overtaken, and none after a lost one', async () => {
    const swapped = datagramServer((number, bytes) => [[bytes, number % 10 === 5 ? 4 : 1]])
    const load = { mode: 'loop', pipeline: 4 } as const
    const run = await simulate(swapped.server, { ...overRpc, load, requests: 100 })
    expect(run).toMatchObject({ completed: 100, reordered: 10, failures: {} })
    const lossy = datagramServer((number, bytes) => (number % 10 === 5 ? [] : [[bytes, 1]]))
    expect(await simulate(lossy.server, { ...overRpc, load, requests: 100, duration: 5000 })).toMatchObject({
      completed: 90,
      reordered: 0,
      failures: { timeout: 10 },
    })
  })

  test('counts a datagram that is not one frame as malformed, and fails its request only without ids', async () => {
    const glue = (bytes: Uint8Array) => Buffer.concat([bytes, bytes])
    const plain = datagramServer((number, bytes) => [[number === 5 ? glue(bytes) : bytes, 1]])
    expect(await simulate(plain.server, { ...line, requests: 10 })).toMatchObject({
      completed: 9,
      failed: 1,
      failures: { malformed: 1 },
      connects: 2,
    })
    const keyed = datagramServer((number, bytes) =>
      number === 5
        ? [
            [bytes.slice(0, -1), 1],
            [bytes, 1],
          ]
        : [[bytes, 1]],
    )
    expect(await simulate(keyed.server, { ...overRpc, requests: 10 })).toMatchObject({
      completed: 10,
      failures: { malformed: 1 },
      connects: 1,
    })
  })

  test('fails the requests in flight when nothing listens, and connects again', async () => {
    let count = 0
    const server: MemoryServer = {
      received(connection, bytes) {
        if (++count === 3) connection.reset()
        else connection.send(bytes, 1)
      },
    }
    const run = await simulate(server, { ...line, requests: 10 })
    expect(run).toMatchObject({ completed: 9, failed: 1, failures: { reset: 1 }, connects: 2 })
  })
})
