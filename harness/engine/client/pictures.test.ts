import { expect, test } from 'vitest'
import { field } from '../../metrics/slab.ts'
import { checksums } from '../../protocols/picture/checksums.ts'
import { protocolSpec } from '../../protocols/spec.ts'
import type { Scenario } from '../../scenario/scenario.ts'
import type { MemoryConnection, MemoryServer } from '../../transports/memory.ts'
import { lineServer, simulate } from './testing/simulate.ts'

/** A server that cuts frames by their first byte, which is the length of the rest, and answers each. */
function framesOf(answer: (frame: Buffer, connection: MemoryConnection, now: number) => void): MemoryServer {
  const partial = new Map<unknown, Buffer>()
  return {
    received(connection, bytes, now) {
      let rest = Buffer.concat([partial.get(connection) ?? Buffer.alloc(0), bytes])
      while (rest.length > 0 && rest.length > rest[0]!) {
        answer(rest.subarray(0, rest[0]! + 1), connection, now)
        rest = rest.subarray(rest[0]! + 1)
      }
      partial.set(connection, Buffer.from(rest))
    },
  }
}

const loopOf = (...sends: Scenario['loop'] & object) => sends

test('fills slots of frames in, and their checksums after that', async () => {
  const seen = new Set<string>()
  const wrong: string[] = []
  const server = framesOf((frame, connection) => {
    const sum = checksums.crc32.of(frame, 0, frame.length - 4)
    if (frame.readUInt32BE(frame.length - 4) !== sum) wrong.push(frame.toString('hex'))
    seen.add(frame.subarray(1, -4).toString('hex'))
    connection.send(frame, 1)
  })
  const protocol = protocolSpec({ frame: [{ length: 'u8' }, 'body', { checksum: 'crc32' }] })
  const body = [
    { number: 'u16le', value: '{{seq}}' },
    { number: 'u8', value: '{{random 0..7}}' },
    'x{{random 3}}',
  ] as const
  const loop = loopOf({ send: { body }, think: 0, expect: 'echo' })
  const run = await simulate(server, { protocol, loop, connections: 3, requests: 300 })
  expect(run).toMatchObject({ sent: 300, completed: 300, failures: {} })
  expect(wrong).toEqual([])
  const sequence = [...seen].map(hex => Buffer.from(hex, 'hex').readUInt16LE(0)).sort((a, b) => a - b)
  expect(sequence).toEqual(Array.from({ length: 300 }, (_, index) => index + 1))
  expect([...seen].every(hex => Buffer.from(hex, 'hex')[2]! <= 7)).toBe(true)
})

test('joins replies that come in any order to their requests by ids in other places', async () => {
  const held: Buffer[] = []
  // Answers in pairs, the later one first; the id stands at the end of a reply.
  const server = framesOf((frame, connection) => {
    held.push(Buffer.from(frame))
    if (held.length < 2) return
    for (const request of held.splice(0).reverse()) {
      const reply = Buffer.concat([request.subarray(3), request.subarray(1, 3)])
      connection.send(Buffer.concat([Uint8Array.of(reply.length), reply]), 1)
    }
  })
  const protocol = protocolSpec({
    frame: {
      request: [{ length: 'u8' }, { id: 'u16', min: 1, max: 4096 }, 'body'],
      reply: [{ length: 'u8' }, 'body', { id: 'u16' }],
    },
  })
  const loop = loopOf({ send: 'hello {{seq}}', think: 0, expect: 'echo' })
  const load = { mode: 'loop', pipeline: 4 } as const
  const run = await simulate(server, { protocol, loop, load, connections: 1, requests: 400 })
  expect(run).toMatchObject({ sent: 400, completed: 400, failures: {} })
})

test('asks fields of replies, and fails those that have another value', async () => {
  const server = framesOf((frame, connection) => connection.send(Uint8Array.of(2, frame[1]! % 3, 0x61), 1))
  const protocol = protocolSpec({ frame: [{ length: 'u8' }, { status: 'u8' }, 'body'] })
  const send = (status: number) => ({ fields: { status }, body: 'x' })
  const loop = loopOf(
    { send: send(3), think: 0, expect: { status: 0, equals: 'a' } },
    { send: send(4), think: 0, expect: { status: [1, 2], begins: 'a' } },
    { send: send(5), think: 0, expect: { status: 1 } },
  )
  const run = await simulate(server, { protocol, loop, requests: 30 })
  expect(run).toMatchObject({ completed: 20, failed: 10, failures: { unexpected: 10 } })
})

test('passes over messages that are to be ignored, and counts and times those that are delivered', async () => {
  const server = lineServer(2, line => (line === 'quit' ? null : `+OK ${line}`))
  const chatty: MemoryServer = {
    ...server,
    accepted: connection => connection.send(Buffer.from('INFO hello\n')),
    received(connection, bytes, now) {
      // The text of the request comes back as the message of a subscription, before the reply to it.
      connection.send(Buffer.from(`MSG ${Buffer.from(bytes)}PING\n`), 1)
      server.received!(connection, bytes, now)
    },
  }
  const protocol = protocolSpec({ line: {}, replies: { ignore: ['INFO ', 'PING'], deliver: 'MSG ' } })
  const loop = loopOf({ send: 'pub {{stamp}}', think: 0, expect: { begins: '+OK' } })
  const run = await simulate(chatty, { protocol, loop, connections: 2, requests: 50 })
  expect(run).toMatchObject({ sent: 50, completed: 50, failures: {} })
  expect(run.collector.total(field.ignored)).toBe(50 + 2)
  expect(run.collector.total(field.deliveries)).toBe(50)
  const { quantiles } = run.measured.delivery
  expect(quantiles.count).toBe(50)
  expect(quantiles.max).toBeCloseTo(1, 1)
})

test('takes replies of several lines as one, and refusals as failures', async () => {
  const server = lineServer(1, line => (line === 'no' ? '550 no' : '250-one\n250-two\n250 end'))
  const protocol = protocolSpec({ line: {}, replies: { until: '### ', refuse: ['4', '5'] } })
  const loop = loopOf(
    { send: 'a', think: 0, expect: { contains: 'two\n250' } },
    { send: 'no', think: 0 },
    { send: 'no', think: 0, expect: { equals: '550 no' } },
  )
  const run = await simulate(server, { protocol, loop, requests: 30 })
  // The last one is expected.
  expect(run).toMatchObject({ completed: 20, failed: 10, failures: { unexpected: 10 } })
})

test('listens for what the server says first, sends a whole message as it is, and then frames', async () => {
  const seen: string[] = []
  const server: MemoryServer = {
    accepted: connection => connection.send(Uint8Array.of(5, 0x76, 0x31, 0x20, 0x6f, 0x6b), 1),
    received(connection, bytes) {
      seen.push(Buffer.from(bytes).toString('hex'))
      connection.send(Uint8Array.of(2, 0x6f, 0x6b), 1)
    },
  }
  const protocol = protocolSpec({ frame: [{ length: 'u8' }, 'body'] })
  const connect: Scenario['connect'] = [
    { send: '', listens: true, think: 0, expect: { begins: 'v1' } },
    { send: { unframed: [{ hex: 'cafe' }, '{{random 2}}'] }, think: 0, expect: { equals: 'ok' } },
  ]
  const loop = loopOf({ send: 'hi', think: 0 })
  const run = await simulate(server, { protocol, connect, loop, connections: 2, requests: 6 })
  expect(run).toMatchObject({ sent: 6, completed: 6, failures: {}, handshakes: 4 })
  expect(seen.filter(hex => /^cafe.{4}$/.test(hex))).toHaveLength(2)
  expect(seen.filter(hex => hex === '026869')).toHaveLength(6)
})

test('a server that does not say what is listened for has failed the handshake', async () => {
  const server: MemoryServer = { accepted: connection => connection.send(Buffer.from('go away\n'), 1) }
  const connect: Scenario['connect'] = [{ send: '', listens: true, think: 0, expect: { begins: '220' } }]
  const run = await simulate(server, { connect, duration: 300 })
  expect(run.completed).toBe(0)
  expect(Object.keys(run.failures)).toEqual(['unexpected'])
})

test('opens a connection anew after a reply that is the last one', async () => {
  const server: MemoryServer = {
    received(connection, bytes) {
      const isLast = Buffer.from(bytes).toString() === 'quit\n'
      connection.send(Buffer.from(isLast ? '221 bye\n' : '250 ok\n'), 1)
      if (isLast) connection.close(1.5)
    },
  }
  const protocol = protocolSpec({ line: {}, replies: { last: '221' } })
  const loop = loopOf({ send: 'noop', think: 0 }, { send: 'quit', think: 0 })
  const run = await simulate(server, { protocol, loop, connections: 2, requests: 40 })
  expect(run).toMatchObject({ sent: 40, completed: 40 })
  expect(run.failures).toEqual({})
  expect(run.connects).toBeGreaterThanOrEqual(20)
})
