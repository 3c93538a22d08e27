import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { createTlv } from '../../protocols/tlv.ts'
import type { MemoryConnection, MemoryServer } from '../../transports/memory.ts'
import { simulate } from './testing/simulate.ts'

const key = '123456'
const [helloType, challengeType, signatureType, welcomeType, refusalType] = [
  0xffff_fff0, 0xffff_fff1, 0xffff_fff2, 0xffff_fff3, 0xffff_fff4,
]
const tlv = createTlv({ maxFrame: 1024 })
const settings = {
  protocol: { name: 'tlv', maxFrame: 1024 },
  key,
  loop: [{ send: { type: 1, body: 'hi' }, expect: 'echo', think: 0 }],
  reconnect: { when: 'failure', backoff: { min: 10, max: 20 } },
} as const

/** A server with a key, written from the description of the handshake; adds what each connection sent to `log`. */
function keyedServer(serverKey: string, log: string[] = [], delayMs = (link: number) => 1 + link): MemoryServer {
  const challenges = new Map<MemoryConnection, Buffer>()
  const done = new Set<MemoryConnection>()
  let connections = 0
  return {
    received(connection, input) {
      const bytes = Buffer.from(input)
      for (let at = 0; at < bytes.length; ) {
        const body = bytes.subarray(at + 8, at + 8 + bytes.readUInt32BE(at))
        const type = bytes.readUInt32BE(at + 4)
        at += 8 + body.length
        log.push(`${connection.link} ${type >= helloType ? type - helloType : String(body)}`)
        const send = (type: number, body: Uint8Array) =>
          connection.send(tlv.encode({ type, body }), delayMs(connection.link))
        if (done.has(connection)) send(type, Buffer.from(body))
        else if (type === helloType) {
          const challenge = Buffer.alloc(20, ++connections)
          challenges.set(connection, challenge)
          send(challengeType, challenge)
        } else {
          const wanted = createHmac('sha1', serverKey).update(challenges.get(connection)!).digest()
          if (type === signatureType && wanted.equals(body)) {
            done.add(connection)
            send(welcomeType, new Uint8Array(0))
          } else {
            send(refusalType, Buffer.from('no'))
            connection.close(delayMs(connection.link))
          }
        }
      }
    },
    closed: connection => done.delete(connection),
  }
}

test('Client proves on each connection that it knows the key, then sends the steps of connect', async () => {
  const log: string[] = []
  const connect = [{ send: { type: 9, body: 'login' }, expect: { type: 9 }, think: 0 }]
  const run = await simulate(keyedServer(key, log), { ...settings, connect, connections: 3 })
  expect(run.failures).toEqual({})
  expect(run).toMatchObject({ connects: 3, handshakes: 9 })
  expect(run.completed).toBeGreaterThan(300)
  for (const link of [0, 1, 2]) {
    const sent = log.filter(line => line.startsWith(`${link} `)).map(line => line.slice(2))
    expect(sent.slice(0, 4)).toEqual(['0', '2', 'login', 'hi'])
  }
})

test('Client signs the challenge of each connection, in whatever order they come', async () => {
  // All challenges are on their way at once, and come in the reverse order.
  const server = keyedServer(key, [], link => 20 - link)
  const run = await simulate(server, { ...settings, connections: 20 })
  expect(run.failures).toEqual({})
  expect(run).toMatchObject({ connects: 20, handshakes: 40 })
})

test('Client repeats the handshake on each new connection', async () => {
  const run = await simulate(keyedServer(key), {
    ...settings,
    reconnect: { ...settings.reconnect, when: 'every-request' },
  })
  expect(run.failures).toEqual({})
  expect(run.completed).toBeGreaterThan(100)
  // The end may come between the two messages of the last connection.
  expect(2 * run.connects - run.handshakes).toBeLessThanOrEqual(2)
  expect(run.handshakes).toBeGreaterThanOrEqual(2 * run.completed)
})

test('Client counts a refused key as a refused connect, and tries again', async () => {
  const run = await simulate(keyedServer('another'), { ...settings, connections: 2 })
  expect(Object.keys(run.failures)).toEqual(['connect-refused'])
  expect(run.failures['connect-refused']).toBeGreaterThan(20)
  expect(run).toMatchObject({ sent: 0, completed: 0, failed: 0 })
})

test.each<[string, MemoryServer, string]>([
  ['echoes the hello', { received: (connection, bytes) => connection.send(Buffer.from(bytes), 1) }, 'unexpected'],
  ['closes', { received: connection => connection.close(1) }, 'handshake-closed'],
  ['resets', { received: connection => connection.reset(1) }, 'handshake-closed'],
  ['does not answer', {}, 'connect-timeout'],
  [
    'sends bytes that are no message',
    { received: connection => connection.send(Buffer.alloc(64, 0xff), 1) },
    'too-large',
  ],
])('Client counts a server that %s instead of the handshake', async (_, server, kind) => {
  const run = await simulate(server, { ...settings, connections: 2 })
  expect(Object.keys(run.failures)).toEqual([kind])
  expect(run.completed).toBe(0)
})

test('Client without a key counts the refusal of a server with one as unexpected', async () => {
  const server: MemoryServer = {
    received(connection) {
      connection.send(tlv.encode({ type: refusalType, body: Buffer.from('no') }), 1)
      connection.close(1)
    },
  }
  const { key: _, ...without } = settings
  const run = await simulate(server, { ...without, loop: [{ send: { type: 1, body: 'hi' }, think: 0 }] })
  expect(run.completed).toBe(0)
  expect(run.failures['unexpected']).toBeGreaterThan(10)
})
