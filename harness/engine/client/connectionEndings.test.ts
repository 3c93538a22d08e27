import { expect, test } from 'vitest'
import { countsLength } from '../../metrics/histogram.ts'
import { histogram, sum } from '../../metrics/slab.ts'
import type { Scenario } from '../../scenario/scenario.ts'
import type { MemoryConnection, MemoryServer } from '../../transports/memory.ts'
import { simulate, startMs } from './testing/simulate.ts'

const http = { name: 'http', host: 'a', maxFrame: 1024 } as const
const get = { send: { path: '/' }, think: 0 } as const
const overHttp = { protocol: http, loop: [get] } satisfies Partial<Scenario>

interface Served {
  /** What the connection has been sent, without its bodies: by connection, in order. */
  readonly requests: string[][]
  readonly server: MemoryServer
}

/**
 * A server that answers each request after 1 ms with what `answer` returns for it and its number on its connection,
 * counted from 1; after a null it answers nothing more on that connection, and closes it unless `lingers`.
 */
function httpServer(
  answer: (request: string, number: number) => readonly [reply: string, isLast?: boolean],
  { lingers = false, end = 'close' as 'close' | 'reset', refuses = undefined as MemoryServer['refuses'] } = {},
): Served {
  const requests: string[][] = []
  const open = new Map<MemoryConnection, { seen: string[]; partial: string; isOver: boolean }>()
  const server: MemoryServer = {
    ...(refuses && { refuses }),
    accepted(connection) {
      const seen: string[] = []
      requests.push(seen)
      open.set(connection, { seen, partial: '', isOver: false })
    },
    received(connection, bytes) {
      const state = open.get(connection)!
      state.partial += Buffer.from(bytes).toString()
      for (;;) {
        const bodyAt = state.partial.indexOf('\r\n\r\n') + 4
        if (bodyAt < 4 || state.isOver) return
        const head = state.partial.slice(0, bodyAt)
        const bodyEnd = bodyAt + Number(/^Content-Length: (\d+)/m.exec(head)?.[1] ?? 0)
        if (state.partial.length < bodyEnd) return
        const request = `${head.split(' HTTP/')[0]} ${state.partial.slice(bodyAt, bodyEnd)}`.trim()
        state.partial = state.partial.slice(bodyEnd)
        state.seen.push(request)
        const [reply, isLast = false] = answer(request, state.seen.length)
        if (reply !== '') connection.send(Buffer.from(reply), 1)
        if (!isLast) continue
        state.isOver = true
        if (!lingers) connection[end](1)
      }
    },
  }
  return { requests, server }
}

const okReply = (...lines: string[]) => ['HTTP/1.1 200 OK', ...lines, 'Content-Length: 2', '', 'ok'].join('\r\n')
const closing = okReply('Connection: close')

test.each([
  ['says that it closes', closing],
  ['speaks HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok'],
  ['gives no length', 'HTTP/1.1 200 OK\r\n\r\nok'],
  ['gives no length in HTTP/1.0', 'HTTP/1.0 200 OK\r\nServer: a\r\n\r\n'],
  ['says so with chunks', 'HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['says so without a body', 'HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n'],
])('Client opens a new connection at once after each reply of a server that %s', async (_, reply) => {
  const { server, requests } = httpServer(() => [reply, true])
  const run = await simulate(server, { ...overHttp, connections: 4, requests: 200, duration: 60_000 })
  expect(run).toMatchObject({ sent: 200, completed: 200, failed: 0, failures: {} })
  expect(requests.flat()).toHaveLength(200)
  // 1 ms for each of 50 replies one after the other, 0.05 ms for each connect, and no backoff.
  expect(run.endedAtMs).toBeLessThan(startMs + 60)
})

test('Client closes the connection itself where the server waits for it', async () => {
  const { server, requests } = httpServer(() => [closing, true], { lingers: true })
  const run = await simulate(server, { ...overHttp, connections: 2, requests: 50, duration: 60_000 })
  expect(run).toMatchObject({ completed: 50, failures: {} })
  expect(requests.every(seen => seen.length <= 1)).toBe(true)
})

test('Client goes on over a new connection when only some replies end theirs', async () => {
  const { server, requests } = httpServer((_, number) => [number === 10 ? closing : okReply(), number === 10])
  const run = await simulate(server, { ...overHttp, connections: 3, requests: 300, duration: 60_000 })
  expect(run).toMatchObject({ completed: 300, failed: 0, failures: {} })
  expect(run.connects).toBeLessThanOrEqual(33)
  expect(Math.max(...requests.map(seen => seen.length))).toBe(10)
})

test('Client keeps its connection where a reply of HTTP/1.0 keeps it, and after an interim reply', async () => {
  for (const reply of [
    'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok',
    `HTTP/1.1 100 Continue\r\nConnection: close\r\n\r\n${okReply()}`,
  ]) {
    const run = await simulate(httpServer(() => [reply]).server, { ...overHttp, requests: 50 })
    expect(run).toMatchObject({ completed: 50, connects: 1, failures: {} })
  }
})

test.each([
  ['closes before the whole body', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok', 'close', 'closed-early'],
  [
    'closes before the last chunk',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n',
    'close',
    'closed-early',
  ],
  ['closes in the head', 'HTTP/1.0 200 OK\r\nServer', 'close', 'closed-early'],
  ['closes after an interim reply', 'HTTP/1.1 100 Continue\r\n\r\n', 'close', 'closed-early'],
  ['resets a body without a length', 'HTTP/1.0 200 OK\r\n\r\nok', 'reset', 'reset'],
  ['sends a body without a length over maxFrame', `HTTP/1.0 200 OK\r\n\r\n${'x'.repeat(1024)}`, 'close', 'too-large'],
] as const)('Client fails the request when the server %s', async (_, reply, end, kind) => {
  const { server } = httpServer(() => [reply, true], { end })
  const run = await simulate(server, { ...overHttp, requests: 5, duration: 60_000 })
  expect(run).toMatchObject({ sent: 5, completed: 0, failed: 5, failures: { [kind]: 5 } })
})

test('Client sends the requests again that a pipeline has behind the last reply, and counts them once', async () => {
  const { server, requests } = httpServer((_, number) => [number === 3 ? closing : okReply(), number === 3])
  const run = await simulate(server, {
    ...overHttp,
    load: { mode: 'loop', pipeline: 8 },
    connections: 2,
    requests: 100,
    duration: 60_000,
  })
  expect(run).toMatchObject({ sent: 100, completed: 100, failed: 0, failures: {} })
  expect(requests.every(seen => seen.length <= 3)).toBe(true)
  expect(requests.flat()).toHaveLength(100)
  // The response time of a request that was sent twice counts from the first time.
  expect(run.meanMs).toBeGreaterThan(2)
})

test('Client compares the reply to a request that it sent again with that request', async () => {
  const echo = (body: string, close: boolean) =>
    `HTTP/1.1 200 OK\r\n${close ? 'Connection: close\r\n' : ''}Content-Length: ${body.length}\r\n\r\n${body}`
  const { server, requests } = httpServer((request, number) => [
    echo(request.split(' ')[2]!, number === 3),
    number === 3,
  ])
  const loop = ['constant', 'n={{seq}}', '{{random 8}}'].map(body => {
    return { send: { method: 'POST', path: '/', body }, expect: 'echo' as const, think: 0 }
  })
  for (const pipeline of [1, 4, 5]) {
    const load = { mode: 'loop', pipeline } as const
    const run = await simulate(server, { protocol: http, loop, load, requests: 60, duration: 60_000 })
    expect(run).toMatchObject({ sent: 60, completed: 60, failures: {} })
  }
  expect(requests.flat()).toHaveLength(180)
})

test('Client goes through the steps in order over several connections, in mode once too', async () => {
  const loop = ['/a', '/b', '/c'].map(path => ({ send: { path }, think: 0 }))
  const { server, requests } = httpServer(() => [closing, true])
  const once = await simulate(server, { protocol: http, loop, load: { mode: 'once', pipeline: 1 }, connections: 2 })
  expect(once).toMatchObject({ sent: 6, completed: 6, failures: {}, connects: 6 })
  expect(requests.flat().toSorted()).toEqual(['GET /a', 'GET /a', 'GET /b', 'GET /b', 'GET /c', 'GET /c'])
  const { server: second, requests: sequence } = httpServer(() => [closing, true])
  await simulate(second, { protocol: http, loop, requests: 7 })
  expect(sequence.flat()).toEqual(['GET /a', 'GET /b', 'GET /c', 'GET /a', 'GET /b', 'GET /c', 'GET /a'])
})

test('Client keeps the values that it has captured when a reply ends its connection', async () => {
  const { server, requests } = httpServer(request => {
    return [request === 'GET /login' ? closing.replace('ok', 't1') : closing, true]
  })
  const loop = [
    { send: { path: '/login' }, capture: { token: 'body' }, think: 0 },
    { send: { path: '/{{token}}' }, think: 0 },
  ]
  const run = await simulate(server, { protocol: http, loop, requests: 6 })
  expect(run).toMatchObject({ completed: 6, failures: {} })
  expect(requests.flat()).toEqual(['GET /login', 'GET /t1', 'GET /login', 'GET /t1', 'GET /login', 'GET /t1'])
})

test('Client sends the requests of a plan over connections that end with each reply', async () => {
  const { server } = httpServer(() => [closing, true])
  const load = { mode: 'rate', pipeline: 1, rate: 400, arrivals: 'constant' } as const
  const run = await simulate(server, { ...overHttp, load, connections: 2 })
  expect(run.failures).toEqual({})
  expect(run.completed).toBeGreaterThan(390)
  const busy = await simulate(httpServer(() => [closing, true]).server, {
    ...overHttp,
    load: { ...load, pipeline: 4, rate: 4000 },
    connections: 3,
  })
  expect(busy.failures).toEqual({})
  expect(busy.completed).toBeGreaterThan(2500)
})

test('Client pauses for the think time before the next request, over a new connection', async () => {
  const { server } = httpServer(() => [closing, true])
  const run = await simulate(server, { protocol: http, loop: [{ send: { path: '/' }, think: 8.95 }] })
  // 0.05 ms to connect, 1 ms for the reply and 8.95 ms of pause; the first connection is open when the run starts.
  expect(run).toMatchObject({ completed: 100, failures: {} })
})

test('Client takes the reply to a request that asks the server to close for the last of its connection', async () => {
  const { server, requests } = httpServer(() => [okReply(), true])
  const loop = [{ send: { path: '/', headers: { Connection: 'close' } }, think: 0 }]
  const run = await simulate(server, { protocol: http, loop, requests: 20 })
  expect(run).toMatchObject({ completed: 20, failed: 0, failures: {} })
  expect(requests.every(seen => seen.length === 1 || seen.length === 0)).toBe(true)
})

test('Client opens no connection again with reconnect never: what was sent behind the last reply has failed', async () => {
  const reconnect = { when: 'never', backoff: { min: 10, max: 20 } } as const
  const alone = await simulate(httpServer(() => [closing, true]).server, { ...overHttp, reconnect, connections: 3 })
  expect(alone).toMatchObject({ sent: 3, completed: 3, connects: 3, failures: {} })
  const { server } = httpServer((_, number) => [number === 2 ? closing : okReply(), number === 2])
  const load = { mode: 'loop', pipeline: 5 } as const
  const run = await simulate(server, { ...overHttp, reconnect, load, requests: 5 })
  expect(run).toMatchObject({ sent: 5, completed: 2, failed: 3, failures: { 'closed-early': 3 } })
})

test('Client takes a connection that ends with its handshake for one that failed, and waits before the next', async () => {
  const { server, requests } = httpServer(() => [closing, true])
  const run = await simulate(server, { ...overHttp, connect: [get], duration: 400 })
  expect(run).toMatchObject({ sent: 0, completed: 0 })
  expect(Object.keys(run.failures)).toEqual(['handshake-closed'])
  expect(requests.length).toBeLessThan(30)
})

test('Client fails the requests to be sent again when no further connection opens', async () => {
  let connects = 0
  const { server } = httpServer((_, number) => [number === 2 ? closing : okReply(), number === 2], {
    refuses: () => (++connects % 2 === 0 ? 'connect-refused' : undefined),
  })
  const load = { mode: 'loop', pipeline: 4 } as const
  const run = await simulate(server, { ...overHttp, load, requests: 40, duration: 60_000 })
  expect(run.failures['connect-refused']).toBeGreaterThan(0)
  expect(run.failures['closed-early']).toBe(run.failed)
  expect(run).toMatchObject({ sent: 40, completed: 40 - run.failed })
  expect(run.completed).toBeGreaterThan(0)
})

test('Client accounts for requests to be sent again, whenever the run ends', async () => {
  const load = { mode: 'loop', pipeline: 4 } as const
  let withdrawn = 0
  for (let duration = 10; duration < 13.2; duration += 0.06) {
    const { server } = httpServer(() => [closing, true])
    const run = await simulate(server, { ...overHttp, load, duration })
    // simulate() itself compares what was sent with the other counters.
    expect(run.failures).toEqual({})
    expect(run.inFlightAtEnd).toBeLessThanOrEqual(4)
    if (run.inFlightAtEnd === 3) withdrawn++
  }
  expect(withdrawn).toBeGreaterThan(0)
})

test('Client sends a heartbeat again that was behind the last reply', async () => {
  const { server, requests } = httpServer((_, number) => [number === 20 ? closing : okReply(), number === 20])
  const heartbeat = { every: 3, send: { path: '/beat' }, reply: true }
  const run = await simulate(server, { ...overHttp, heartbeat, load: { mode: 'loop', pipeline: 3 }, duration: 200 })
  expect(run.failures).toEqual({})
  expect(run.connects).toBeGreaterThan(10)
  expect(run.heartbeats).toBeGreaterThan(10)
  expect(requests.filter(seen => seen.at(-1) === 'GET /beat' || seen[0] === 'GET /beat').length).toBeGreaterThan(0)
})

test('Client waits after the end for the replies to requests in flight, up to one that ends its connection', async () => {
  const { server } = httpServer((_, number) => [number === 2 ? closing : okReply(), number === 2], { lingers: true })
  const load = { mode: 'loop', pipeline: 4 } as const
  const run = await simulate(server, { ...overHttp, load, duration: 0.5, timeout: 5000 })
  expect(run).toMatchObject({ sent: 4, completed: 0, inFlightAtEnd: 4, failures: {} })
  expect(run.leftAtMs).toBeLessThan(startMs + 5)
})

test('Client takes a reply that lasts to the end of its connection after the end of the run too', async () => {
  const { server } = httpServer(() => ['HTTP/1.1 200 OK\r\n\r\nok', true])
  const run = await simulate(server, { ...overHttp, connections: 2, duration: 0.5, timeout: 5000 })
  expect(run).toMatchObject({ sent: 2, completed: 0, inFlightAtEnd: 2, failures: {} })
  const countsOf = (index: number) =>
    run.slab.counts.subarray(index * countsLength, (index + 1) * countsLength).reduce((sum, count) => sum + count, 0)
  expect([countsOf(histogram.drained), countsOf(histogram.censored)]).toEqual([2, 0])
})

test('Client fails a reply that refuses the request and ends its connection, and goes on at once', async () => {
  const busy = 'HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno'
  const run = await simulate(httpServer(() => [busy, true]).server, { ...overHttp, requests: 50, duration: 60_000 })
  expect(run).toMatchObject({ sent: 50, completed: 0, failed: 50, failures: { unexpected: 50 } })
  expect(run.endedAtMs).toBeLessThan(startMs + 60)
})

test.each(['failure', 'every-request'] as const)(
  'Client adds up the time in flight without that of its connects, with reconnect %s',
  async when => {
    const reconnect = { when, backoff: { min: 10, max: 20 } } as const
    const { server } = httpServer(() => [closing, true])
    const { slab, completed } = await simulate(server, { ...overHttp, reconnect, connections: 3, requests: 300 })
    expect(completed).toBe(300)
    expect(slab.sums[sum.inFlightMs]).toBeCloseTo(slab.sums[sum.responseMs]!, 3)
  },
)

test('Client skips the empty line that a server sends after each body', async () => {
  const { server } = httpServer(() => [`${okReply()}\r\n`])
  const run = await simulate(server, { ...overHttp, requests: 50, duration: 60_000 })
  expect(run).toMatchObject({ completed: 50, connects: 1, failures: {} })
})
