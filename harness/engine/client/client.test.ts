import { expect, test } from 'vitest'
import type { MemoryConnection, MemoryServer } from '../../transports/memory.ts'
import { lineServer, simulate, startMs } from './testing/simulate.ts'

const rpc = { name: 'rpc', lengthPrefix: true, maxFrame: 2 ** 21 } as const
const never = { when: 'never', backoff: { min: 10, max: 80 } } as const

test('Client sends the next request as soon as the reply has come', async () => {
  const run = await simulate(lineServer(1), { connections: 3 })
  expect(run.completed).toBe(3 * 999)
  expect(run.inFlightAtEnd).toBe(3)
  expect(run.meanMs).toBeCloseTo(1, 3)
  expect(run.connects).toBe(3)
  expect(run.failures).toEqual({})
})

test('Client keeps a pipeline of requests in flight on each connection', async () => {
  const run = await simulate(lineServer(10), { load: { mode: 'loop', pipeline: 16 }, connections: 2 })
  expect(run.completed).toBe(2 * 16 * 99)
  expect(run.inFlightAtEnd).toBe(32)
})

test('Client counts no replies that come at or after the end', async () => {
  const run = await simulate(lineServer(300), { timeout: 5000 })
  expect(run).toMatchObject({ sent: 4, completed: 3, inFlightAtEnd: 1, endedAtMs: startMs + 1000 })
})

test('Client ends with the last reply when the number of requests is given', async () => {
  const run = await simulate(lineServer(1), { requests: 100, connections: 7, duration: 60_000 })
  expect(run).toMatchObject({ sent: 100, completed: 100, inFlightAtEnd: 0 })
  expect(run.endedAtMs).toBeLessThan(startMs + 20)
})

test('Client makes one pass over the steps on each connection in mode once', async () => {
  const lines: string[] = []
  const server = lineServer(1, line => {
    lines.push(line)
    return line
  })
  const loop = ['a', 'b', 'c'].map(send => ({ send, think: 0 }))
  const run = await simulate(server, { load: { mode: 'once', pipeline: 1 }, connections: 4, loop })
  expect(run).toMatchObject({ sent: 12, completed: 12, connects: 4 })
  expect(lines.toSorted().join('')).toBe('aaaabbbbcccc')
  expect(run.endedAtMs).toBeLessThan(startMs + 10)
})

test('Client compares each reply with its own request when only some requests differ each time', async () => {
  const loop = ['static', 'number {{seq}}'].map(send => ({ send, expect: 'echo' as const, think: 0 }))
  for (const pipeline of [1, 4]) {
    const run = await simulate(lineServer(1), { load: { mode: 'loop', pipeline }, loop })
    expect(run.failures).toEqual({})
    expect(run.completed).toBeGreaterThan(900)
  }
})

test('Client pauses a connection after a step with a think time', async () => {
  const run = await simulate(lineServer(1), { loop: [{ send: 'x', think: 9 }] })
  expect(run.completed).toBe(100)
  expect(run.meanMs).toBeCloseTo(1, 3)
})

test('Client closes and reopens the connection for every request, and pauses between', async () => {
  const closed: number[] = []
  const server: MemoryServer = { ...lineServer(1), closed: (_, now) => closed.push(now) }
  const reconnect = { ...never, when: 'every-request' } as const
  const run = await simulate(server, { reconnect, loop: [{ send: 'x', think: 8.95 }], connections: 2 })
  // 0.05 ms to connect, 1 ms for the reply, 8.95 ms of pause; the first connection is open when the run starts.
  expect(run.completed).toBe(200)
  expect(run.connects).toBeGreaterThanOrEqual(200)
  expect(run.failures).toEqual({})
})

test('Client draws the steps of a mix by their weights', async () => {
  const seen: Record<string, number> = {}
  const server = lineServer(0.1, line => {
    seen[line] = (seen[line] ?? 0) + 1
    return line
  })
  const mix = [
    { send: 'often', think: 0, weight: 3 },
    { send: 'seldom', think: 0, weight: 1 },
  ]
  await simulate(server, { mix, connections: 4, duration: 2000 })
  expect(seen['often']! / seen['seldom']!).toBeGreaterThan(2.8)
  expect(seen['often']! / seen['seldom']!).toBeLessThan(3.2)
})

test('Client patches what differs from one request to the next and expects it back', async () => {
  const seen: string[] = []
  const server = lineServer(1, line => {
    seen.push(line)
    return line
  })
  const send = 'n={{seq}} c={{connection}} u={{uuid}} r={{random 8}} t={{stamp}}'
  const run = await simulate(server, { loop: [{ send, expect: 'echo', think: 0 }], connections: 2, duration: 50 })
  expect(run.failures).toEqual({})
  const numbers = seen.map(line => /^n=(\d{10}) c=(\d{6}) u=([0-9a-f-]{36}) r=([\w-]{8}) t=(\d{16})$/.exec(line))
  expect(numbers.every(match => match !== null)).toBe(true)
  expect(numbers.map(match => Number(match![1]))).toEqual(seen.map((_, index) => index + 1))
  expect(new Set(numbers.map(match => Number(match![2])))).toEqual(new Set([0, 1]))
  expect(new Set(numbers.map(match => match![3])).size).toBe(seen.length)
  expect(numbers.every(match => /^.{14}4.{4}[89ab]/.test(match![3]!))).toBe(true)
})

test('Client counts a reply that is not the echo of its patched request as unexpected', async () => {
  const server = lineServer(1, line => line.replace(/\d$/, 'x'))
  const run = await simulate(server, { loop: [{ send: '{{seq}}', expect: 'echo', think: 0 }], requests: 10 })
  expect(run).toMatchObject({ completed: 0, failed: 10, failures: { unexpected: 10 } })
})

test('Client compares replies with constant requests, in a mix with requests that differ each time', async () => {
  const mix = ['{{seq}}', 'the same', 'the same, but longer'].map(send => {
    return { send, expect: 'echo' as const, think: 0, weight: 1 }
  })
  for (const pipeline of [1, 5]) {
    const run = await simulate(lineServer(1), { mix, connections: 2, load: { mode: 'loop', pipeline } })
    expect(run.failures).toEqual({})
    expect(run.completed).toBeGreaterThan(1000)
  }
})

test('Client sends the rows of the data sequentially', async () => {
  const seen: string[] = []
  const server = lineServer(1, line => {
    seen.push(line)
    return line
  })
  const rows = [{ name: 'ann' }, { name: 'bob' }, { name: 'cyd' }]
  const data = { file: 'x.csv', order: 'sequential' } as const
  await simulate(server, { loop: [{ send: 'hi {{data.name}}', think: 0 }], data, requests: 4 }, { rows })
  expect(seen).toEqual(['hi ann', 'hi bob', 'hi cyd', 'hi ann'])
})

test('Client sends its first requests with the row of the handshake', async () => {
  const seen: string[] = []
  const server = lineServer(1, line => {
    seen.push(line)
    return line
  })
  await simulate(
    server,
    {
      connect: [{ send: 'login {{data.name}}', think: 0 }],
      loop: [{ send: 'hi {{data.name}}', think: 0 }],
      data: { file: 'x.csv', order: 'sequential' },
      requests: 2,
    },
    { rows: [{ name: 'ann' }, { name: 'bob' }] },
  )
  expect(seen).toEqual(['login ann', 'hi ann', 'hi bob'])
})

test('Client completes the handshake on each new connection before the loop', async () => {
  const seen: string[] = []
  const server = lineServer(1, line => {
    seen.push(line)
    return line === 'key' ? 'welcome' : line
  })
  const connect = [
    { send: 'hello', think: 0 },
    { send: 'key', expect: { equals: 'welcome' }, think: 0 },
  ]
  const run = await simulate(server, { connect, requests: 3 })
  expect(seen).toEqual(['hello', 'key', 'ping', 'ping', 'ping'])
  expect(run).toMatchObject({ sent: 3, completed: 3, handshakes: 2 })
})

test('Client fails the connect when a reply to the handshake is not as expected', async () => {
  const connect = [{ send: 'key', expect: { equals: 'welcome' }, think: 0 }]
  const run = await simulate(
    lineServer(1, () => 'go away'),
    { connect, reconnect: never },
  )
  expect(run).toMatchObject({ sent: 0, completed: 0, connects: 1 })
  expect(run.failures['unexpected']).toBe(1)
})

test('Client counts heartbeats separately from requests', async () => {
  const run = await simulate(lineServer(1), {
    heartbeat: { every: 100, send: 'beat', reply: true },
    loop: [{ send: 'x', think: 50 }],
  })
  expect(run.heartbeats).toBeGreaterThanOrEqual(8)
  expect(run.heartbeats).toBeLessThanOrEqual(10)
  expect(run.completed).toBe(20)
})

test('Client matches replies in any order by their id', async () => {
  const server: MemoryServer = {
    received(connection, bytes) {
      for (let at = 0; at < bytes.length; at += 27) {
        connection.send(bytes.slice(at, at + 27), 1 + ((bytes[at + 7]! * 7) % 5))
      }
    },
  }
  const run = await simulate(server, {
    protocol: rpc,
    load: { mode: 'loop', pipeline: 20 },
    loop: [{ send: 'ping', expect: 'echo', think: 0 }],
  })
  expect(run.failures).toEqual({})
  expect(run.completed).toBeGreaterThan(5000)
  expect(run.inFlightAtEnd).toBe(20)
})

test('Client counts a reply with an unknown id as unexpected', async () => {
  const server: MemoryServer = {
    received(connection, bytes) {
      const stray = bytes.slice()
      stray[4] = 0x55
      connection.send(stray, 1)
      connection.send(bytes, 1)
    },
  }
  const run = await simulate(server, { protocol: rpc, requests: 10 })
  expect(run).toMatchObject({ completed: 10, failed: 0, failures: { unexpected: 10 } })
})

test('Client reopens a connection without ids after a timeout, and only frees the slot of one with ids', async () => {
  const silent: MemoryServer = {}
  const ordered = await simulate(silent, { connections: 2, load: { mode: 'loop', pipeline: 3 } })
  expect(ordered.failures['timeout']).toBe(ordered.failed)
  expect(ordered.failed).toBeGreaterThanOrEqual(2 * 3 * 5)
  expect(ordered.connects).toBeGreaterThan(10)
  const multiplexed = await simulate(silent, { protocol: rpc, load: { mode: 'loop', pipeline: 3 } })
  expect(multiplexed.connects).toBe(1)
  expect(multiplexed.failed).toBeGreaterThanOrEqual(3 * 9)
})

test('Client waits longer and longer before it connects again to a target that refuses', async () => {
  const attempts: number[] = []
  const server: MemoryServer = {
    refuses(link) {
      attempts.push(link)
      return 'connect-refused'
    },
  }
  const run = await simulate(server, { duration: 2000 })
  expect(run.failures).toEqual({ 'connect-refused': attempts.length })
  // 10 to 80 ms of backoff over two seconds, with half of each wait drawn at random.
  expect(attempts.length).toBeGreaterThan(20)
  expect(attempts.length).toBeLessThan(60)
})

test('Client leaves connections closed, and ends the run early, when it never reconnects', async () => {
  const run = await simulate({ refuses: () => 'connect-refused' }, { reconnect: never, connections: 3 })
  expect(run.failures).toEqual({ 'connect-refused': 3 })
  expect(run.endedAtMs).toBeLessThan(startMs + 10)
})

const faults: [string, (connection: MemoryConnection, bytes: Uint8Array) => void, string][] = [
  ['closes instead of answering', connection => connection.close(1), 'closed-early'],
  ['resets instead of answering', connection => connection.reset(1), 'reset'],
  [
    'answers half a line and closes',
    connection => {
      connection.send(Buffer.from('pi'))
      connection.close(1)
    },
    'closed-early',
  ],
  ['answers with an endless line', connection => connection.send(Buffer.alloc(2000, 0x61), 1), 'too-large'],
]
test.each(faults)('Client counts and reconnects when the target %s', async (_, answer, kind) => {
  const run = await simulate({ received: answer }, { connections: 2, load: { mode: 'loop', pipeline: 4 } })
  expect(run.completed).toBe(0)
  expect(run.failures).toEqual({ [kind]: run.failed })
  expect(run.connects).toBeGreaterThan(10)
})

test('Client counts a connection that is closed before it served anything', async () => {
  const run = await simulate({ accepted: connection => connection.close(0.01) }, { connections: 2 })
  expect(run.completed).toBe(0)
  expect(run.failures['closed-early']).toBeGreaterThan(10)
})

test('Client stops counting at once after the signal to stop', async () => {
  const run = await simulate(lineServer(1), { duration: 60_000 }, { stopAt: 500 })
  expect(run.endedAtMs).toBeLessThan(605)
  expect(run.completed).toBeGreaterThan(480)
})

test('Client fails its requests when the write queue is full', async () => {
  const server: MemoryServer = { accepted: connection => connection.stopReading() }
  const run = await simulate(server, {
    protocol: { name: 'raw' },
    load: { mode: 'loop', pipeline: 10_000 },
    loop: [{ send: { random: 16_384 }, think: 0 }],
    reconnect: never,
  })
  expect(run.failures['overflow']).toBe(run.failed)
  expect(run.failed).toBeGreaterThan(4000)
})

test('Client counts exactly when a batch of patched requests finds the write queue full', async () => {
  const server: MemoryServer = { accepted: connection => connection.stopReading() }
  const run = await simulate(server, {
    protocol: { name: 'line', delimiter: '\n', maxFrame: 2 ** 20 },
    load: { mode: 'loop', pipeline: 2000 },
    loop: [{ send: '{{seq}}{{random 100000}}', think: 0 }],
    requests: 1000,
    reconnect: never,
  })
  expect(run.failures['overflow']).toBe(run.failed)
  expect(run.failed).toBeGreaterThan(500)
  expect(run.inFlightAtEnd).toBe(0)
})

test('Client goes on with the next step when it opens a connection for every request', async () => {
  const seen: string[] = []
  const server = lineServer(1, line => {
    seen.push(line)
    return line
  })
  const loop = ['a', 'b', 'c'].map(send => ({ send, think: 0 }))
  await simulate(server, { reconnect: { ...never, when: 'every-request' }, loop, requests: 7 })
  expect(seen.join('')).toBe('abcabca')
})

test('Client begins with the first step on a connection that replaces a broken one', async () => {
  const seen: string[] = []
  const server: MemoryServer = {
    received(connection, bytes) {
      const line = Buffer.from(bytes).toString().trim()
      seen.push(line)
      if (line === 'b') connection.close()
      else connection.send(bytes, 1)
    },
  }
  const loop = ['a', 'b', 'c'].map(send => ({ send, think: 0 }))
  await simulate(server, { loop, requests: 4 })
  expect(seen.join('')).toBe('abab')
})

test('Client opens a new connection after a timeout when it has one for every request', async () => {
  const connections = new Set<MemoryConnection>()
  const silent: MemoryServer = { received: connection => void connections.add(connection) }
  const run = await simulate(silent, { protocol: rpc, reconnect: { ...never, when: 'every-request' } })
  expect(run.failures).toEqual({ timeout: run.failed })
  expect(connections.size).toBe(run.sent)
})
