import { createHash } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { frame } from '../../harness/protocols/testing/webSocketFrames.ts'
import type { RunningServer, ServerSettings } from '../server/tcp.ts'
import { type Client, until } from '../testing/client.ts'
import { connect, endServices, startService } from '../testing/services.ts'
import { createBroadcastServer } from './broadcast.ts'

afterEach(endServices)

const maxFrame = 65_536
const mask = [0x37, 0xfa, 0x21, 0x3d]
const [text, binary, closing, ping, pong] = [0x81, 0x82, 0x88, 0x89, 0x8a]
/** That of a client of its own, and not the one that volley sends. */
const key = Buffer.from('sixteen bytes of').toString('base64')

function start(settings: Partial<ServerSettings> = {}): Promise<RunningServer> {
  return startService(createBroadcastServer({ framing: 'websocket', maxFrame }), settings)
}

const upgrade = (...changed: readonly string[]) =>
  `${['GET /any?path HTTP/1.1', 'Host: h', 'upgrade: WebSocket', 'connection: keep-alive, Upgrade', `sec-websocket-key: ${key}`, 'sec-websocket-version: 13', ...changed].join('\r\n')}\r\n\r\n`

async function takeHead(client: Client): Promise<string> {
  let head = ''
  while (!head.endsWith('\r\n\r\n')) head += Buffer.from(await client.take(1)).toString()
  return head
}

/** Clients whose connections are upgraded. */
async function upgradeAll(server: RunningServer, count: number): Promise<Client[]> {
  const clients: Client[] = []
  for (let index = 0; index < count; index++) {
    const client = await connect(server)
    client.write(upgrade())
    await takeHead(client)
    clients.push(client)
  }
  return clients
}

const addressOf = ({ socket }: Client) => `127.0.0.1:${socket.localPort}`
const objectOf = (message: string) => JSON.stringify({ client_ip: 'a lie', message })
const sent = (message: string) => frame(text, objectOf(message), mask)
const reply = (address: string, message: string) =>
  frame(text, JSON.stringify({ client_ip: address, message: `${address}${message}` }))
const acknowledgement = (address: string) => reply(address, ': 已经收到信息')
const delivery = (address: string, message: string) => reply(address, ` 地址发送了请求消息：${message}`)
const close = (status: number, ...mask: readonly (readonly number[])[]) =>
  frame(closing, Buffer.from([status >> 8, status & 0xff]), ...mask)

async function expectNext(client: Client, ...frames: readonly Buffer[]): Promise<void> {
  const wanted = Buffer.concat(frames)
  expect(Buffer.from(await client.take(wanted.length)).toString('hex')).toBe(wanted.toString('hex'))
}

async function expectEnd(client: Client, ...frames: readonly Buffer[]): Promise<void> {
  expect(Buffer.from(await client.takeAll()).toString('hex')).toBe(Buffer.concat(frames).toString('hex'))
}

test('the server upgrades a connection, acknowledges messages and sends them to all other clients', async () => {
  const server = await start()
  const first = await connect(server)
  first.write(upgrade())
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  expect(await takeHead(first)).toBe(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  )
  const [second] = (await upgradeAll(server, 1)) as [Client]
  // One that has not been upgraded gets nothing.
  const other = await connect(server)
  await until('three connections', () => server.counters().connections === 3)
  first.write(Buffer.concat([sent('你好 "a"'), frame(text, objectOf('zeros'), [0, 0, 0, 0])]))
  await expectNext(first, acknowledgement(addressOf(first)), acknowledgement(addressOf(first)))
  await expectNext(second, delivery(addressOf(first), '你好 "a"'), delivery(addressOf(first), 'zeros'))
  expect(other.available).toBe(0)
  // Two upgrades and two messages.
  expect(server.counters()).toMatchObject({ requests: 4, deliveries: 2, rejected: 0, dropped: 0 })
})

test.each([1, 7, 1000])('the server takes what comes in pieces of %i bytes, whatever the lengths', async piece => {
  const server = await start()
  const [one, two] = (await upgradeAll(server, 2)) as [Client, Client]
  const room = objectOf('').length
  const messages = [125, 126, 127, 2000].map(bytes => 'x'.repeat(bytes - room))
  const bytes = Buffer.concat(messages.map(sent))
  for (let at = 0; at < bytes.length; at += piece) one.write(bytes.subarray(at, at + piece))
  await expectNext(one, ...messages.map(() => acknowledgement(addressOf(one))))
  await expectNext(two, ...messages.map(message => delivery(addressOf(one), message)))
})

test('the server puts fragments together, and answers what stands between them', async () => {
  const server = await start()
  const [one, two] = (await upgradeAll(server, 2)) as [Client, Client]
  const object = Buffer.from(objectOf('in three parts 你好'))
  const parts = [object.subarray(0, 10), object.subarray(10, 41), object.subarray(41)]
  const [a, b, c] = parts.map((part, index) => frame([0x01, 0x00, 0x80][index]!, part, [index, 2, 3, 4])) as [
    Buffer,
    Buffer,
    Buffer,
  ]
  one.write(Buffer.concat([a, frame(ping, 'still there?', mask), b, frame(0x00, '', mask), c]))
  await expectNext(one, frame(pong, 'still there?'), acknowledgement(addressOf(one)))
  await expectNext(two, delivery(addressOf(one), 'in three parts 你好'))
})

test('the server answers pings, passes over pongs, and closes when it is asked to', async () => {
  const server = await start()
  const [one, two] = (await upgradeAll(server, 2)) as [Client, Client]
  one.write(Buffer.concat([frame(ping, '', mask), frame(pong, 'x', mask), frame(ping, 'y'.repeat(125), mask)]))
  await expectNext(one, frame(pong, ''), frame(pong, 'y'.repeat(125)))
  // A socket that is closed no longer knows its port.
  const address = addressOf(one)
  one.write(Buffer.concat([sent('bye'), close(3000, mask), sent('too late')]))
  await expectEnd(one, acknowledgement(address), close(3000))
  await expectNext(two, delivery(address, 'bye'))
  two.write(frame(closing, '', mask))
  await expectEnd(two, frame(closing, ''))
  expect(server.counters()).toMatchObject({ deliveries: 1, rejected: 0 })
})

test('a client leaves by a message, and one that stays when the server stops is told so', async () => {
  const server = await start({ drainTimes: { quietMs: 5 } })
  const [one, two] = (await upgradeAll(server, 2)) as [Client, Client]
  one.write(sent('/quit'))
  await expectEnd(one, close(1000))
  const stopped = server.stop()
  await expectEnd(two, close(1001))
  await stopped
})

describe('the server closes a connection, and serves the others, after', () => {
  const wrong: readonly (readonly [string, Buffer, number])[] = [
    ['a frame without a mask', frame(text, objectOf('hello')), 1002],
    ['a reserved bit', frame(0xc1, objectOf('hello'), mask), 1002],
    ['an unknown kind', frame(0x83, objectOf('hello'), mask), 1002],
    ['a ping in fragments', frame(0x09, 'a', mask), 1002],
    ['a ping that is too long', frame(ping, 'a'.repeat(126), mask), 1002],
    ['fragments without a beginning', frame(0x80, 'a', mask), 1002],
    ['a message within another', Buffer.concat([frame(0x01, 'a', mask), frame(text, 'b', mask)]), 1002],
    ['a length that is longer than it need be', Buffer.from('81fe000500000000', 'hex'), 1002],
    ['another upgrade', Buffer.from(upgrade()), 1002],
    ['bytes in place of a text', frame(binary, objectOf('hello'), mask), 1003],
    ['a text that is no object', frame(text, 'hello', mask), 1007],
    ['a text that is not UTF-8', frame(text, Buffer.from([0xc3, 0x28]), mask), 1007],
    ['a message that is too long', frame(text, objectOf('x'.repeat(maxFrame)), mask), 1009],
    ['a length beyond all messages', Buffer.from('81ffffffffffffffffff00000000', 'hex'), 1009],
    [
      'fragments that are too long together',
      Buffer.concat([frame(0x01, 'x'.repeat(40_000), mask), frame(0x80, 'x'.repeat(40_000), mask)]),
      1009,
    ],
    [
      'too many fragments',
      Buffer.concat([frame(0x01, '', mask), ...Array.from({ length: 1100 }, () => frame(0x00, '', mask))]),
      1009,
    ],
  ]
  test.each(wrong)('%s', async (_, bytes, status) => {
    const server = await start()
    const [one, two] = (await upgradeAll(server, 2)) as [Client, Client]
    one.write(bytes)
    await expectEnd(one, close(status))
    two.write(sent('still here'))
    await expectNext(two, acknowledgement(addressOf(two)))
    expect(server.counters()).toMatchObject({ rejected: 1, deliveries: 0 })
  })
})

describe('the server refuses', () => {
  const refused: readonly (readonly [string, string, RegExp])[] = [
    ['another method', upgrade().replace('GET', 'GETS'), /^HTTP\/1\.1 400 /],
    ['HTTP/1.0', upgrade().replace('HTTP/1.1', 'HTTP/1.0'), /^HTTP\/1\.1 400 /],
    [
      'a request that asks for no upgrade',
      'GET / HTTP/1.1\r\nHost: h\r\n\r\n',
      /^HTTP\/1\.1 426 .*\r\nUpgrade: websocket\r\n/,
    ],
    [
      'another version',
      upgrade().replace('version: 13', 'version: 8'),
      /^HTTP\/1\.1 426 .*\r\nSec-WebSocket-Version: 13\r\n/,
    ],
    ['a key that is too short', upgrade().replace(key, 'c2hvcnQ='), /^HTTP\/1\.1 400 /],
    ['a head that is too long', upgrade(`X: ${'x'.repeat(9000)}`), /^HTTP\/1\.1 431 /],
    ['a message before the upgrade', sent('hello').toString('latin1'), /^HTTP\/1\.1 400 /],
    ['a line of another protocol', '{"message":"hello"}\n', /^HTTP\/1\.1 400 /],
  ]
  test.each(refused)('%s', async (_, bytes, answer) => {
    const server = await start()
    const client = await connect(server)
    client.write(Buffer.from(bytes, 'latin1'))
    expect(Buffer.from(await client.takeAll()).toString()).toMatch(answer)
    expect(server.counters()).toMatchObject({ rejected: 1, deliveries: 0 })
  })
})

test('the server drops a client that does not read, and serves the others', async () => {
  const server = await start({ maxSendBufferBytes: 10_000 })
  const [one, two, slow] = (await upgradeAll(server, 3)) as [Client, Client, Client]
  slow.socket.pause()
  const message = 'x'.repeat(50_000)
  for (let count = 0; server.counters().dropped === 0; count++) {
    expect(count).toBeLessThan(2000)
    one.write(sent(message))
    await expectNext(one, acknowledgement(addressOf(one)))
    await expectNext(two, delivery(addressOf(one), message))
  }
  expect(server.counters()).toMatchObject({ dropped: 1, rejected: 0 })
})
