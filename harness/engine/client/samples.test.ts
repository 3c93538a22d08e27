import { expect, test } from 'vitest'
import { mergeSamples, type Sample, sampleBytesMax, sampleEntries } from '../../metrics/samples.ts'
import type { MemoryServer } from '../../transports/memory.ts'
import { lineServer, type Simulated, simulate, startMs } from './testing/simulate.ts'

const http = { name: 'http', maxFrame: 2 ** 20 } as const
const resp = { name: 'resp', maxFrame: 2 ** 20 } as const
const never = { when: 'never', backoff: { min: 10, max: 80 } } as const

function samplesOf({ slab }: Simulated): (Pick<Sample, 'kind' | 'step' | 'count'> & { text: string })[] {
  return slab.samples.read().map(({ kind, step, count, bytes }) => ({ kind, step, count, text: textOf(bytes) }))
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}

/** Answers each request, which comes in one piece, with the next of the replies, over and over. */
function answers(replies: readonly string[]): MemoryServer {
  let next = 0
  return {
    received: connection => connection.send(Buffer.from(replies[next++ % replies.length]!, 'latin1'), 1),
  }
}

test('Samples keep the first reply that is not as expected, with its step, and count the others', async () => {
  let replies = 0
  const server = lineServer(1, line => (line === 'good' ? line : `wrong ${++replies}`))
  const loop = ['good', 'bad'].map(send => ({ send, expect: 'echo' as const, think: 0 }))
  const run = await simulate(server, { loop, requests: 10 })
  expect(samplesOf(run)).toEqual([{ kind: 'unexpected', step: 1, count: 5, text: 'wrong 1' }])
  expect([...run.slab.failedByStep.subarray(0, 2)]).toEqual([0, 5])
})

test('Samples keep one reply for each HTTP status, and statuses are counted for all', async () => {
  const reply = (status: string, body: string) => `HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  const server = answers([
    reply('503 Busy', 'busy'),
    reply('200 OK', 'fine'),
    reply('404 None', 'none'),
    reply('200 OK', 'ok'),
  ])
  const run = await simulate(server, {
    protocol: http,
    loop: [{ send: { method: 'GET', path: '/' }, think: 0 }],
    requests: 40,
  })
  expect(run).toMatchObject({ completed: 20, failed: 20 })
  expect(samplesOf(run)).toEqual([
    { kind: 'unexpected', step: 0, count: 10, text: 'busy' },
    { kind: 'unexpected', step: 0, count: 10, text: 'none' },
  ])
  const { statusCodes } = run.slab
  expect([statusCodes[200], statusCodes[404], statusCodes[503]]).toEqual([20, 10, 10])
  expect(statusCodes.reduce((sum, count) => sum + count, 0)).toBe(40)
})

test('Samples tell the errors of Redis apart by their first word', async () => {
  const server = answers(['-ERR unknown 1\r\n', '-MOVED 1 here\r\n', '+OK\r\n', '-ERR unknown 2\r\n'])
  const run = await simulate(server, { protocol: resp, requests: 40, loop: [{ send: 'PING', think: 0 }] })
  expect(samplesOf(run).map(({ count, text }) => [count, text])).toEqual([
    [20, 'ERR unknown 1'],
    [10, 'MOVED 1 here'],
  ])
  expect(run.slab.errorWords.read().map(({ count, bytes }) => [textOf(bytes), count])).toEqual([
    ['ERR unknown 1', 20],
    ['MOVED 1 here', 10],
  ])
})

test('Samples keep a frame that was not asked for, and bytes that are no message, behind any number of unexpected replies', async () => {
  const loop = Array.from({ length: sampleEntries + 2 }, (_, step) => ({
    send: `${step}`,
    expect: 'echo' as const,
    think: 0,
  }))
  let replies = 0
  const server: MemoryServer = {
    received(connection) {
      const number = ++replies
      if (number === loop.length + 1) connection.send(Buffer.from('wrong\nNOTICE\n'), 1)
      else connection.send(Buffer.from(number === 2 * loop.length ? 'x'.repeat(2000) : 'wrong\n'), 1)
    },
  }
  const run = await simulate(server, { loop, requests: 2 * loop.length })
  const samples = samplesOf(run)
  expect(samples.filter(({ kind }) => kind === 'unexpected')).toHaveLength(sampleEntries)
  expect(samples).toContainEqual({ kind: 'stray', step: -1, count: 1, text: 'NOTICE' })
  expect(samples.map(({ kind }) => kind)).toContain('too-large')
  expect(run.slab.samples.notKept).toBeGreaterThan(0)
})

test('Samples keep bytes that are no message, and how long a frame was announced to be', async () => {
  const frame = {
    name: 'frame',
    lengthOffset: 0,
    lengthBytes: 4,
    endian: 'big',
    lengthAdjustment: 0,
    maxFrame: 1024,
  } as const
  const malformed = await simulate(answers(['no HTTP\r\n']), {
    protocol: http,
    loop: [{ send: { method: 'GET', path: '/' }, think: 0 }],
    reconnect: never,
  })
  expect(samplesOf(malformed)).toEqual([{ kind: 'malformed', step: -1, count: 1, text: 'no HTTP\r\n' }])
  const tooLarge = await simulate(answers(['\x7f\xff\xff\xff']), { protocol: frame, reconnect: never })
  expect(samplesOf(tooLarge)).toMatchObject([{ kind: 'too-large', count: 1, text: '\x7f\xff\xff\xff' }])
})

const unfinished: [string, MemoryServer][] = [
  [
    'closes early',
    {
      received(connection) {
        connection.send(Buffer.from('half'))
        connection.close(1)
      },
    },
  ],
  ['times out', { received: connection => connection.send(Buffer.from('half')) }],
]
test.each(unfinished)('Samples keep what lies unfinished on a connection that %s', async (_, server) => {
  const run = await simulate(server, { reconnect: never })
  expect(samplesOf(run)).toContainEqual({ kind: 'unfinished', step: -1, count: 1, text: 'half' })
})

test('Samples keep nothing of what may stand between frames, as it is the start of none', async () => {
  const protocol = { name: 'line', delimiter: '\0', between: '\n', maxFrame: 1024 } as const
  const run = await simulate(answers(['ok\0\n', '\nok\0\n\n']), { protocol, requests: 5 })
  expect(run).toMatchObject({ sent: 5, completed: 5, failures: {} })
  expect(samplesOf(run)).toEqual([])
  // A server that closes behind it has left nothing unfinished.
  const closing: MemoryServer = {
    received(connection) {
      connection.send(Buffer.from('ok\0\n'), 1)
      connection.close(2)
    },
  }
  const closed = await simulate(closing, { protocol, loop: [{ send: 'ping', think: 10 }], requests: 3 })
  expect(closed).toMatchObject({ completed: 3, failures: {} })
  expect(samplesOf(closed)).toEqual([])
})

test('Samples keep what lies unfinished at the end, and show it already while the run lasts', async () => {
  const server: MemoryServer = { received: connection => connection.send(Buffer.from('half')) }
  const run = await simulate(server, { duration: 3000, timeout: 60_000 })
  const [partial, rest] = run.slab.samples.read()
  expect(partial).toMatchObject({ kind: 'partial', length: 4 })
  expect(partial!.at).toBeLessThan(startMs + 1500)
  expect(rest).toMatchObject({ kind: 'unfinished', count: 1, length: 4 })
})

test('Samples are bounded in number and in length, and later kinds are counted together', async () => {
  const loop = Array.from({ length: sampleEntries + 4 }, (_, step) => ({
    send: `${step}`,
    expect: { equals: 'x' },
    think: 0,
  }))
  const server = lineServer(1, line => line.repeat(400))
  const run = await simulate(server, {
    loop,
    requests: loop.length * 2,
    protocol: { name: 'line', delimiter: '\n', maxFrame: 4096 },
  })
  const samples = run.slab.samples.read()
  expect(samples.map(({ count }) => count)).toEqual(Array.from({ length: sampleEntries }, () => 2))
  expect(samples.map(({ bytes }) => bytes.length)).toEqual(Array.from({ length: sampleEntries }, () => sampleBytesMax))
  expect(samples[0]!.length).toBe(400)
  expect(run.slab.samples.notKept).toBe(8)
})

test('mergeSamples() adds up the counts of workers and shows what came first', async () => {
  const bad = (text: string) =>
    simulate(
      lineServer(1, () => text),
      { loop: [{ send: 'a', expect: 'echo', think: 0 }], requests: 3 },
    )
  const [one, two] = [await bad('one'), await bad('two')]
  const [merged] = mergeSamples([one.slab.samples, two.slab.samples])
  expect(merged).toMatchObject({ kind: 'unexpected', count: 6 })
  expect(textOf(merged!.bytes)).toBe('one')
})
