import { afterEach, expect, test } from 'vitest'
import { bytesOf, textOf } from '../../harness/protocols/testing/bytes.ts'
import type { RunningServer, ServerSettings } from '../server/tcp.ts'
import { type Client, until } from '../testing/client.ts'
import { connect, endServices, startService } from '../testing/services.ts'
import { createBroadcastServer } from './broadcast.ts'

const clients: Client[] = []
/** A socket that is closed no longer knows its port. */
const ports = new Map<Client, number>()

afterEach(async () => {
  clients.length = 0
  await endServices()
})

function start(
  settings: Partial<ServerSettings> = {},
  framing: 'line' | 'json' | 'text' = 'line',
): Promise<RunningServer> {
  return startService(createBroadcastServer({ framing, maxFrame: 65_536 }), settings)
}

/** Connects `count` clients and waits until the server knows all of them. */
async function connectAll(server: RunningServer, count: number): Promise<Client[]> {
  const some: Client[] = []
  for (let index = 0; index < count; index++) some.push(await connect(server))
  clients.push(...some)
  for (const client of some) ports.set(client, client.socket.localPort!)
  await until('the connections', () => server.counters().connections === clients.length)
  return some
}

function addressOf(client: Client): string {
  return `127.0.0.1:${ports.get(client)}`
}

function messageOf(client: Client, text: string): Uint8Array {
  return bytesOf(`${JSON.stringify({ client_ip: addressOf(client), message: text })}\n`)
}

const acknowledgementTo = (client: Client) => messageOf(client, `${addressOf(client)}: 已经收到信息`)
const deliveryFrom = (client: Client, text: string) =>
  messageOf(client, `${addressOf(client)} 地址发送了请求消息：${text}`)

async function expectNext(client: Client, ...lines: Uint8Array[]): Promise<void> {
  const wanted = bytesOf(...lines)
  expect(textOf(await client.take(wanted.length))).toBe(textOf(wanted))
}

test('createBroadcastServer() acknowledges a message and sends it to all other clients', async () => {
  const server = await start()
  const [one, two, three] = (await connectAll(server, 3)) as [Client, Client, Client]
  one.write('{"client_ip": "a lie", "message": "say \\"\\u4f60\\u597d\\""}\n')
  await expectNext(one, acknowledgementTo(one))
  for (const other of [two, three]) await expectNext(other, deliveryFrom(one, 'say "你好"'))
  two.write(bytesOf(messageOf(two, 'a'), messageOf(two, 'b')))
  await expectNext(two, acknowledgementTo(two), acknowledgementTo(two))
  for (const other of [one, three]) await expectNext(other, deliveryFrom(two, 'a'), deliveryFrom(two, 'b'))
  expect(server.counters()).toMatchObject({ requests: 3, deliveries: 6, rejected: 0, dropped: 0 })
  expect([one, two, three].map(({ available }) => available)).toEqual([0, 0, 0])
})

test.each(['/q', '/quit'])('createBroadcastServer() lets a client leave by %s without a delivery', async text => {
  const server = await start()
  const [one, two] = (await connectAll(server, 2)) as [Client, Client]
  one.write(bytesOf(messageOf(one, 'bye'), messageOf(one, text), messageOf(one, 'too late')))
  expect(textOf(await one.takeAll())).toBe(textOf(acknowledgementTo(one)))
  await until('one connection', () => server.counters().connections === 1)
  two.write(messageOf(two, 'still here'))
  await expectNext(two, deliveryFrom(one, 'bye'), acknowledgementTo(two))
  expect(server.counters()).toMatchObject({ requests: 3, deliveries: 1, rejected: 0 })
})

test('createBroadcastServer() closes a connection that sends an invalid message, and serves the others', async () => {
  const server = await start()
  const lines = ['hello', '{"message": 5}', '[]', '{"message": "a"', `{"message":"${'x'.repeat(65_530)}"}`]
  for (const [index, line] of lines.entries()) {
    const [one, two] = (await connectAll(server, 2)) as [Client, Client]
    one.write(`${line}\n`)
    expect(await one.takeAll()).toHaveLength(0)
    two.write(messageOf(two, 'a'))
    await expectNext(two, acknowledgementTo(two))
    expect(server.counters().rejected).toBe(index + 1)
    two.socket.destroy()
    await until('no connection', () => server.counters().connections === 0)
    clients.length = 0
  }
})

test('createBroadcastServer() drops clients that do not read or have disconnected, and serves the others', async () => {
  const server = await start({ maxSendBufferBytes: 10_000 })
  const [one, two, slow, closed] = (await connectAll(server, 4)) as [Client, Client, Client, Client]
  slow.socket.pause()
  closed.socket.resetAndDestroy()
  const text = 'x'.repeat(60_000)
  const before = process.memoryUsage().arrayBuffers
  let sent = 0
  for (; server.counters().dropped === 0; sent++) {
    expect(sent).toBeLessThan(2000)
    one.write(messageOf(one, text))
    await expectNext(one, acknowledgementTo(one))
    await expectNext(two, deliveryFrom(one, text))
  }
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024)
  await until('two connections', () => server.counters().connections === 2)
  one.write(messageOf(one, 'last'))
  await expectNext(two, deliveryFrom(one, 'last'))
  expect(server.counters()).toMatchObject({ requests: sent + 1, dropped: 1, rejected: 0 })
})

test('createBroadcastServer() delivers the messages of every client to every other one, in any pieces', async () => {
  const server = await start()
  const many = await connectAll(server, 10)
  const rounds = 50
  for (let round = 0; round < rounds; round++) for (const client of many) client.write(messageOf(client, `${round}`))
  const expected = many.map(
    client =>
      rounds * acknowledgementTo(client).length +
      many
        .filter(other => other !== client)
        .flatMap(other => Array.from({ length: rounds }, (_, round) => deliveryFrom(other, `${round}`).length))
        .reduce((sum, length) => sum + length, 0),
  )
  for (const [index, client] of many.entries()) {
    const lines = textOf(await client.take(expected[index]!)).split('\n')
    expect(lines.pop()).toBe('')
    expect(lines).toHaveLength(rounds * 10)
    // The messages of each sender arrive in its order.
    for (const other of many.filter(other => other !== client)) {
      const own = lines.filter(line => line.includes(`${addressOf(other)} `))
      expect(own).toEqual(
        Array.from({ length: rounds }, (_, round) => textOf(deliveryFrom(other, `${round}`)).trimEnd()),
      )
    }
  }
  expect(server.counters()).toMatchObject({ requests: 500, deliveries: 4500 })
})

const objectOf = (text: string, address = 'a lie') => JSON.stringify({ message: text, client_ip: address })
const withoutEnd = (line: Uint8Array) => line.subarray(0, -1)

test('createBroadcastServer() with framing json takes objects with nothing between them, and answers with such', async () => {
  const server = await start({}, 'json')
  const [one, two] = (await connectAll(server, 2)) as [Client, Client]
  const texts = ['hello', 'a "}{" \\ 你好', '']
  // Glued, with blanks between, and the last one cut.
  const sent = Buffer.from(`${objectOf(texts[0]!)}${objectOf(texts[1]!)}\r\n ${objectOf(texts[2]!)}`)
  one.write(sent.subarray(0, -9))
  await expectNext(one, withoutEnd(acknowledgementTo(one)), withoutEnd(acknowledgementTo(one)))
  one.write(sent.subarray(-9))
  await expectNext(one, withoutEnd(acknowledgementTo(one)))
  await expectNext(two, ...texts.map(text => withoutEnd(deliveryFrom(one, text))))
  expect(server.counters()).toMatchObject({ requests: 3, deliveries: 3, rejected: 0 })
})

test('createBroadcastServer() with framing text answers with bare text, which begins with the address of its reader', async () => {
  const server = await start({}, 'text')
  const [one, two, three] = (await connectAll(server, 3)) as [Client, Client, Client]
  one.write(objectOf('hello') + objectOf('second', addressOf(two)))
  const acknowledged = bytesOf(`${addressOf(one)}: 已经收到信息`)
  await expectNext(one, acknowledged, acknowledged)
  for (const other of [two, three]) {
    const texts = ['hello', 'second'].map(text => bytesOf(`${addressOf(other)} 地址发送了请求消息：${text}`))
    await expectNext(other, ...texts)
  }
  expect(server.counters()).toMatchObject({ requests: 2, deliveries: 4, rejected: 0 })
})

test.each(['json', 'text'] as const)('createBroadcastServer() with framing %s ends one client alone', async framing => {
  const server = await start({}, framing)
  const [one, two, three, four] = (await connectAll(server, 4)) as [Client, Client, Client, Client]
  one.write(objectOf('/q') + objectOf('too late'))
  expect(await one.takeAll()).toHaveLength(0)
  // No object, and one that is too long.
  two.write('hello')
  expect(await two.takeAll()).toHaveLength(0)
  three.write(objectOf('x'.repeat(65_536)))
  expect(await three.takeAll()).toHaveLength(0)
  await until('one connection', () => server.counters().connections === 1)
  four.write(objectOf('still here'))
  await until('the acknowledgement', () => four.available > 0)
  expect(server.counters()).toMatchObject({ deliveries: 0, rejected: 2 })
})
