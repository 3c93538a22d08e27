import { describe, expect, test } from 'vitest'
import type { MemoryServer } from '../../transports/memory.ts'
import { lineServer, type Simulated, simulate } from './testing/simulate.ts'

/** Each request differs from every other, so that a shifted reply would be unexpected. */
const checked = [{ send: 'n {{seq}}', expect: 'echo' as const, think: 0 }]
const rpc = { name: 'rpc', lengthPrefix: true, maxFrame: 2 ** 21 } as const

function kindsOf({ slab }: Simulated): Record<string, number> {
  return Object.fromEntries(slab.samples.read().map(({ kind, count }) => [kind, count]))
}

function greets(afterMs: number, lines = ['welcome'], gapMs = 0): MemoryServer {
  return {
    ...lineServer(1),
    accepted(connection) {
      for (const [index, line] of lines.entries()) connection.send(Buffer.from(`${line}\n`), afterMs + index * gapMs)
    },
  }
}

describe('a server that speaks first', () => {
  test('is recognized: its greeting is no failure and no reply', async () => {
    const run = await simulate(greets(2), { loop: checked, connections: 3 })
    expect(run.failures).toEqual({})
    expect(run.completed).toBeGreaterThan(900)
    expect(kindsOf(run)).toEqual({ greeting: 3 })
  })

  test('is waited for on every later connection', async () => {
    const reconnect = { when: 'every-request', backoff: { min: 10, max: 80 } } as const
    const run = await simulate(greets(2), { loop: checked, reconnect })
    expect(run.failures).toEqual({})
    expect(run.completed).toBeGreaterThan(200)
    expect(kindsOf(run)['greeting']).toBeGreaterThan(200)
  })

  test('is recognized during the pause before the first request, which goes on', async () => {
    const loop = [{ ...checked[0]!, think: 400 }]
    const run = await simulate(greets(30), { loop, connections: 4, duration: 1200 })
    // The first connection sends at once, and its greeting comes after that: unasked.
    expect(run.failures).toEqual({ unexpected: 1 })
    expect(kindsOf(run)['greeting']).toBeGreaterThanOrEqual(3)
    // A pause that ended with the greeting would leave time for one more request of each.
    expect(run.sent).toBeLessThanOrEqual(4 * 3)
  })

  test('may greet with several lines, one after the other', async () => {
    const reconnect = { when: 'every-request', backoff: { min: 10, max: 80 } } as const
    const run = await simulate(greets(2, ['220-mail', '220-more', '220 ready'], 1), { loop: checked, reconnect })
    expect(run.failures).toEqual({})
    expect(run.completed).toBeGreaterThan(100)
  })

  test('is found out when its greeting was taken for the reply to the handshake', async () => {
    const connect = [{ send: 'login', expect: { equals: 'login' }, think: 0 }]
    const run = await simulate(greets(2), { connect, loop: checked, duration: 2000 })
    // The first connection fails; the next one listens first.
    expect(run.failures).toEqual({ unexpected: 1 })
    expect(run.completed).toBeGreaterThan(900)
  })
})

test('a server that greets only its first connection is not waited for until the timeout', async () => {
  let accepted = 0
  const server: MemoryServer = {
    ...lineServer(1),
    accepted(connection) {
      if (accepted++ === 0) connection.send(Buffer.from('welcome\n'), 2)
      connection.close(150)
    },
  }
  const run = await simulate(server, { loop: checked, duration: 2000 })
  expect(run.failures).toEqual({ 'closed-early': run.connects - 1 })
  expect(run.connects).toBeGreaterThan(5)
})

test('a greeting that came too late to be recognized shows as a surplus frame at the end', async () => {
  for (const pipeline of [1, 4]) {
    const run = await simulate(greets(30), { load: { mode: 'loop', pipeline }, connections: 2 })
    expect(run.failures).toEqual({})
    expect(kindsOf(run)).toEqual({ surplus: 2 })
  }
})

test('a healthy run has no surplus frame and no stray one', async () => {
  for (const settings of [{}, { requests: 100 }, { load: { mode: 'loop', pipeline: 8 } as const }, { loop: checked }]) {
    expect(kindsOf(await simulate(lineServer(1), { connections: 3, ...settings }))).toEqual({})
  }
})

test('a frame that was not asked for closes its connection, and the pairs are right on the next one', async () => {
  let requests = 0
  const server: MemoryServer = {
    received(connection, bytes) {
      const notice = ++requests % 100 === 0 ? 'NOTICE\n' : ''
      connection.send(Buffer.concat([bytes, Buffer.from(notice)]), 1)
    },
  }
  const run = await simulate(server, { loop: checked, duration: 2000 })
  const strays = kindsOf(run)['stray']!
  expect(strays).toBeGreaterThan(5)
  expect(run.failed).toBe(0)
  expect(run.failures).toEqual({ unexpected: strays })
  expect(run.connects).toBe(strays + 1)
  expect(run.completed).toBeGreaterThanOrEqual(strays * 100)
})

test('a frame that was not asked for closes its connection between two requests, too', async () => {
  let requests = 0
  const server: MemoryServer = {
    received(connection, bytes) {
      connection.send(bytes, 1)
      if (++requests % 20 === 0) connection.send(Buffer.from('NOTICE\n'), 3)
    },
  }
  const run = await simulate(server, { loop: [{ ...checked[0]!, think: 9 }], duration: 2000 })
  expect(run.failed).toBe(0)
  expect(run.failures).toEqual({ unexpected: run.connects - 1 })
  expect(run.connects).toBeGreaterThan(4)
})

test('a connection on which every reply comes twice is opened again after the shortest wait', async () => {
  const server: MemoryServer = {
    received(connection, bytes) {
      connection.send(Buffer.concat([bytes, bytes]), 1)
    },
  }
  const run = await simulate(server, {
    loop: checked,
    duration: 2000,
    reconnect: { when: 'failure', backoff: { min: 10, max: 5000 } },
  })
  expect(run.failed).toBe(0)
  // At most 10 ms of backoff, and 50 in which a greeting is looked for: a wait that grows would leave about ten.
  expect(run.completed).toBeGreaterThan(25)
})

test('with ids a frame that was not asked for leaves its connection open', async () => {
  const server: MemoryServer = {
    received(connection, bytes) {
      const stray = bytes.slice()
      stray[4] = 0x55
      connection.send(stray, 1)
      connection.send(bytes, 1)
    },
  }
  const run = await simulate(server, { protocol: rpc, requests: 10 })
  expect(run).toMatchObject({ completed: 10, connects: 1 })
  expect(kindsOf(run)).toEqual({ stray: 10 })
})

test('a connection that refuses after it had served is tried less and less often', async () => {
  let isUp = true
  let attempts = 0
  const server: MemoryServer = {
    ...lineServer(1),
    accepted: connection => {
      connection.close(500)
      isUp = false
    },
    refuses() {
      if (isUp) return undefined
      attempts++
      return 'connect-refused'
    },
  }
  await simulate(server, { duration: 4000, reconnect: { when: 'failure', backoff: { min: 10, max: 1000 } } })
  expect(attempts).toBeGreaterThan(5)
  expect(attempts).toBeLessThan(20)
})
