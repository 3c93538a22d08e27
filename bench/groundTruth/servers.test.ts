import { expect, test } from 'vitest'
import { createPrng } from '../../harness/prng.ts'
import type { MemoryConnection, MemoryServer } from '../../harness/transports/memory.ts'
import { createDelayLine, createFifoServer, createLossyEcho, exponentialMs } from './servers.ts'
import { lossTolerance } from './truth.ts'

/** Sends texts to a server at given times on one connection; returns the time and text of each reply. */
function converse(server: MemoryServer, inputs: readonly (readonly [number, string])[]): [number, string][] {
  const replies: [number, string][] = []
  let now = 0
  const connection: MemoryConnection = {
    remoteAddress: '127.0.0.1:8',
    link: 0,
    send: (bytes, delayMs = 0) => replies.push([now + delayMs, Buffer.from(bytes).toString()]),
    close: () => replies.push([now, 'close']),
    reset: () => replies.push([now, 'reset']),
    stopReading: () => {},
    readQueued: () => {},
  }
  for (const [time, text] of inputs) {
    now = time
    server.received?.(connection, Buffer.from(text), time)
  }
  return replies
}

test('createFifoServer() handles one request after the other', () => {
  const replies = converse(
    createFifoServer(() => 2),
    [
      [0, 'a\nb\n'],
      [1, 'c'],
      [3, '\n'],
      [20, 'd\n'],
    ],
  )
  expect(replies).toEqual([
    [2, 'a\n'],
    [4, 'b\n'],
    [6, 'c\n'],
    [22, 'd\n'],
  ])
})

test('createDelayLine() handles them all at once', () => {
  const replies = converse(
    createDelayLine(() => 2),
    [
      [0, 'a\nb\n'],
      [1, 'c\n'],
    ],
  )
  expect(replies).toEqual([
    [2, 'a\n'],
    [2, 'b\n'],
    [3, 'c\n'],
  ])
})

const stall = { stallMs: 10, periodMs: 100, originMs: 5 }

test('createDelayLine() starts a request that arrives in a stall at its end', () => {
  const inputs = [0, 94.5, 95, 104.5, 105, 199].map(time => [time, `${time}\n`] as const)
  const times = converse(
    createDelayLine(() => 1, { stall }),
    inputs,
  ).map(([time]) => time)
  expect(times).toEqual([1, 95.5, 106, 106, 106, 206])
})

test('createFifoServer() starts a request whose turn comes in a stall at its end', () => {
  const replies = converse(
    createFifoServer(() => 2, { stall }),
    [[92, 'a\nb\nc\nd\n']],
  )
  expect(replies.map(([time]) => time)).toEqual([94, 96, 107, 109])
})

test.each([
  ['createDelayLine()', createDelayLine(() => 1, { freezeAtMs: 50 })],
  ['createFifoServer()', createFifoServer(() => 1, { freezeAtMs: 50 })],
])('%s answers no request that would start after the freeze', (_, server) => {
  const inputs = [49.5, 50, 60].map(time => [time, 'a\n'] as const)
  expect(converse(server, inputs)).toEqual([[50.5, 'a\n']])
})

test('a server resets a connection whose line does not end', () => {
  expect(
    converse(
      createDelayLine(() => 1),
      [[3, 'x'.repeat(70_000)]],
    ),
  ).toEqual([[3, 'reset']])
})

test('exponentialMs() has the mean and the median of its distribution', () => {
  const next = exponentialMs(2, createPrng(1))
  const values = Array.from({ length: 100_000 }, next).sort((a, b) => a - b)
  expect(values[0]).toBeGreaterThan(0)
  expect(values.reduce((sum, value) => sum + value, 0) / values.length / 2).toBeCloseTo(1, 1)
  expect(values[values.length / 2]! / (2 * Math.LN2)).toBeCloseTo(1, 1)
})

test('createLossyEcho() loses its share, and answers the others after its delay', () => {
  const inputs = Array.from({ length: 10_000 }, (_, index) => [index, 'x'] as const)
  const replies = converse(createLossyEcho(3, 0.02, createPrng(1)), inputs)
  expect(Math.abs(replies.length / inputs.length - 0.98)).toBeLessThanOrEqual(lossTolerance(0.02, inputs.length))
  expect(converse(createLossyEcho(3, 0, createPrng(1)), [[5, 'x']])).toEqual([[8, 'x']])
})
