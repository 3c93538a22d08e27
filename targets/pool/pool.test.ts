import { afterEach, expect, test } from 'vitest'
import { protocolSpec } from '../../harness/protocols/spec.ts'
import { bytesOf, textOf } from '../../harness/protocols/testing/bytes.ts'
import { parseServiceTime } from '../../harness/serviceTime.ts'
import { parseStall } from '../../harness/stall.ts'
import { pendingMax } from '../server/backpressure.ts'
import type { Service } from '../server/service.ts'
import type { RunningServer } from '../server/tcp.ts'
import { createEcho } from '../services/echo.ts'
import { createHttpServer } from '../services/http.ts'
import { createRpcServer } from '../services/rpc.ts'
import { createTlvServer, overlongText } from '../services/tlv.ts'
import { until } from '../testing/client.ts'
import { patternOf } from '../testing/pattern.ts'
import { connect, endServices, startService } from '../testing/services.ts'
import { advanceUntil, useRealTime, useVirtualTime } from '../testing/virtualTime.ts'
import { poolService } from './pool.ts'
import { Schedule } from './schedule.ts'

afterEach(async () => {
  useRealTime()
  await endServices()
})

interface Settings {
  readonly size?: number
  readonly time?: string
  readonly stall?: string
  readonly jobsMax?: number
  readonly idleTimeoutMs?: number
}

function start(service: Service, { size = 1, time, stall, jobsMax, idleTimeoutMs }: Settings): Promise<RunningServer> {
  const schedule = new Schedule({
    poolSize: size,
    seed: 1,
    ...(time !== undefined && { serviceTime: parseServiceTime(time)! }),
    ...(stall !== undefined && { stall: parseStall(stall)! }),
  })
  return startService(poolService(service, schedule, jobsMax), idleTimeoutMs === undefined ? {} : { idleTimeoutMs })
}

const unlimited = Number.POSITIVE_INFINITY
const line = () => createEcho(protocolSpec('line'))
const rpc = (reply?: string) =>
  createRpcServer({ lengthPrefix: true, maxFrame: 99 }, reply === undefined ? {} : { reply })
const tlv = (maxFrame = 99) => createTlvServer({ maxFrame })

const rpcBytes = 23
const rpcMessage = (id: number) => bytesOf({ u32: 19 }, { u32: id }, new Uint8Array(15))

function idsOf(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return Array.from({ length: bytes.length / rpcBytes }, (_, index) => view.getUint32(index * rpcBytes + 4))
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}

test.each<Settings>([
  { time: 'fixed:100us' },
  { time: 'exponential:50us' },
  { size: 7, time: 'exponential:1ms' },
  { size: unlimited, time: 'bimodal:0ms,20ms,50%' },
  { size: unlimited, time: 'exponential:30ms' },
  { stall: '5ms/10ms' },
  { size: 3, time: 'fixed:1ms', stall: '5ms/10ms' },
  { time: 'fixed:0ms' },
])('a pool answers the requests of a connection in the order of their arrival: %o', async settings => {
  const server = await start(line(), settings)
  const [one, two] = [await connect(server), await connect(server)]
  const textFor = (name: string) =>
    numbers(200)
      .map(index => `${name} ${index} ${'x'.repeat((index * 37) % 300)}\n`)
      .join('')
  for (const name of ['first', 'second']) {
    const [textOne, textTwo] = [textFor(`one ${name}`), textFor(`two ${name}`)]
    one.write(textOne)
    two.write(textTwo)
    expect(textOf(await one.take(textOne.length))).toBe(textOne)
    expect(textOf(await two.take(textTwo.length))).toBe(textTwo)
  }
  expect(server.counters()).toMatchObject({ requests: 800, rejected: 0 })
})

test('a pool answers requests with ids in the order in which they are done', async () => {
  const server = await start(rpc(), { size: unlimited, time: 'bimodal:0ms,100ms,50%' })
  const client = await connect(server)
  client.write(bytesOf(...numbers(100).map(rpcMessage)))
  const ids = idsOf(await client.take(100 * rpcBytes))
  expect(ids.toSorted((a, b) => a - b)).toEqual(numbers(100))
  // The fast ones come in their own order, then the slow ones in theirs.
  const firstSlow = ids.findIndex((id, index) => index > 0 && id < ids[index - 1]!)
  expect(firstSlow).toBeGreaterThan(20)
  expect(ids).toEqual([
    ...ids.slice(0, firstSlow).toSorted((a, b) => a - b),
    ...ids.slice(firstSlow).toSorted((a, b) => a - b),
  ])
})

test('a pool of one server answers the requests of all connections one after the other', async () => {
  const server = await start(rpc(), { time: 'fixed:20ms' })
  const [one, two] = [await connect(server), await connect(server)]
  one.write(bytesOf(rpcMessage(1), rpcMessage(2)))
  await until('the first requests', () => server.counters().requests === 2)
  two.write(rpcMessage(3))
  await two.take(rpcBytes)
  // Requests that arrived earlier on another connection are answered earlier.
  expect(server.counters().bytesOut).toBe(3 * rpcBytes)
})

test('a pool counts a request when it arrives', async () => {
  const server = await start(line(), { time: 'fixed:1h' })
  const client = await connect(server)
  client.write('a\nb\nc\n')
  await until('the requests', () => server.counters().requests === 3)
  expect(server.counters().bytesOut).toBe(0)
})

test('a pool keeps large replies until they are due', async () => {
  const service = createEcho({ ...protocolSpec('frame'), maxFrame: 8_000_000 } as never)
  const server = await start(service, { time: 'fixed:5ms' })
  const client = await connect(server)
  const body = patternOf(3_000_000, 253)
  const bytes = bytesOf({ u32: 3_000_000 }, body, { u32: 0 }, { u32: 3_000_000 }, body)
  client.write(bytes)
  expect(Buffer.compare(await client.take(bytes.length), bytes)).toBe(0)
})

test('a pool finishes pending requests when the server stops', async () => {
  const server = await start(rpc(), { time: 'fixed:1ms' })
  const client = await connect(server)
  client.write(bytesOf(...numbers(300).map(rpcMessage)))
  await until('the requests', () => server.counters().requests === 300)
  await server.stop()
  expect(idsOf(await client.takeAll())).toEqual(numbers(300))
  expect(server.counters().connections).toBe(0)
})

test('a pool finishes a job that takes longer than a connection without one may take to close', async () => {
  useVirtualTime()
  const server = await start(line(), { time: 'fixed:6s' })
  const client = await connect(server)
  client.write('a\n')
  await until('the request', () => server.counters().requests === 1)
  await advanceUntil(server.stop())
  expect(textOf(await client.takeAll())).toBe('a\n')
  expect(server.unanswered).toBe(0)
})

test('stop() waits for a pool no longer than it may, and counts the requests that are left', async () => {
  const server = await start(line(), { time: 'fixed:1h' })
  const [client, idle] = [await connect(server), await connect(server)]
  client.write('a\nb\nc\n')
  await until('the requests', () => server.counters().requests === 3)
  await server.stop(200)
  expect(server.unanswered).toBe(3)
  expect(server.counters().connections).toBe(0)
  expect(await client.takeAll()).toHaveLength(0)
  expect(await idle.takeAll()).toHaveLength(0)
})

test('a pool does not finish the requests of a client that has disconnected', async () => {
  const server = await start(line(), { time: 'fixed:300ms' })
  const client = await connect(server)
  client.write('x\n'.repeat(300))
  await until('the requests', () => server.counters().requests === 300)
  client.socket.destroy()
  await server.stop()
  expect(server.counters().connections).toBe(0)
  expect(server.unanswered).toBe(0)
  expect(server.counters().bytesOut).toBeLessThan(100)
})

test('a pool that has paused a connection answers all that it has sent when the server stops', async () => {
  const server = await start(line(), { size: unlimited, time: 'fixed:1500ms' })
  const client = await connect(server)
  const sent = 'x\n'.repeat(4 * pendingMax)
  client.write(sent)
  await until('as many requests as may wait', () => server.counters().requests === pendingMax)
  await until('the bytes to be sent', () => client.socket.writableLength === 0)
  await server.stop()
  expect(await client.takeAll()).toHaveLength(sent.length)
  expect(server.counters()).toMatchObject({ requests: 4 * pendingMax, rejected: 0 })
  expect(server.unanswered).toBe(0)
})

test('a client that waits for a reply is not idle', async () => {
  const server = await start(line(), { size: unlimited, time: 'fixed:400ms', idleTimeoutMs: 200 })
  const client = await connect(server)
  for (const text of ['a\n', 'b\n']) {
    client.write(text)
    expect(textOf(await client.take(2))).toBe(text)
  }
  expect(await client.takeAll()).toHaveLength(0)
})

test('a pool finishes pending requests when the client has closed its side', async () => {
  const server = await start(line(), { time: 'fixed:20ms' })
  const client = await connect(server, true)
  client.socket.end('a\nb\nc\nhalf')
  expect(textOf(await client.takeAll())).toBe('a\nb\nc\n')
  await until('no connection', () => server.counters().connections === 0)
})

test('a pool discards the replies to a closed connection, and serves the others', async () => {
  const server = await start(rpc('r'), { size: unlimited, time: 'fixed:300ms' })
  const [closed, open] = [await connect(server), await connect(server)]
  closed.write(bytesOf(...numbers(50).map(rpcMessage)))
  await until('the requests', () => server.counters().requests === 50)
  closed.socket.resetAndDestroy()
  await until('one connection', () => server.counters().connections === 1)
  // This connection gets the link of the closed one, and must not get its replies.
  const next = await connect(server)
  next.write(rpcMessage(777))
  open.write(rpcMessage(778))
  expect(await next.take(rpcBytes + 1)).toEqual(bytesOf({ u32: 20 }, { u32: 777 }, new Uint8Array(14), { u8: 1 }, 'r'))
  await open.take(rpcBytes + 1)
  expect(next.available).toBe(0)
  expect(server.counters().bytesOut).toBe(2 * (rpcBytes + 1))
})

test('a full pool closes the connection that sends one request more, after its pending replies', async () => {
  const server = await start(line(), { time: 'fixed:100ms', jobsMax: 3 })
  const client = await connect(server)
  client.write('a\nb\nc\nd\ne\n')
  expect(textOf(await client.takeAll())).toBe('a\nb\nc\n')
  expect(server.counters()).toMatchObject({ requests: 4, rejected: 1 })
})

test('a pool pauses a connection with very many pending requests, and takes those of others', async () => {
  const server = await start(line(), { time: 'fixed:1s' })
  const client = await connect(server)
  client.write('x\n'.repeat(3 * pendingMax))
  await until('as many requests as may wait', () => server.counters().requests === pendingMax)
  const other = await connect(server)
  for (let sent = 1; sent <= 20; sent++) {
    other.write('y\n')
    await until('a request of another', () => server.counters().requests >= pendingMax + sent)
  }
  expect(server.counters().requests).toBe(pendingMax + 20)
})

test('a pool resumes a connection that it has paused, and loses nothing', async () => {
  const server = await start(line(), { time: 'fixed:5us' })
  const client = await connect(server)
  const text = numbers(4 * pendingMax)
    .map(index => `${index}\n`)
    .join('')
  client.write(text)
  expect(textOf(await client.take(text.length)) === text).toBe(true)
  expect(server.counters()).toMatchObject({ requests: 4 * pendingMax, rejected: 0 })
})

test('a pool that has stalled forever answers nothing more, and its server can stop', async () => {
  const server = await start(line(), { stall: 'forever@200ms' })
  const client = await connect(server)
  let sent = 0
  while (client.available === 2 * sent) {
    client.write('x\n')
    sent++
    await until('the request', () => server.counters().requests === sent)
    if (server.counters().bytesOut < 2 * sent) break
    await until('the reply', () => client.available === 2 * sent)
  }
  expect(sent).toBeGreaterThan(1)
  client.write('x\nx\n')
  await until('more requests', () => server.counters().requests === sent + 2)
  await server.stop()
  expect(await client.takeAll()).toHaveLength(2 * (sent - 1))
})

test('a pool answers a message that is too long after those before it', async () => {
  const server = await start(tlv(), { time: 'fixed:30ms' })
  const client = await connect(server)
  const short = bytesOf({ u32: 5 }, { u32: 7 }, 'hello')
  client.write(bytesOf(short, { u32: 200 }, { u32: 9 }, new Uint8Array(200), short))
  const expected = bytesOf(short, { u32: 27 }, { u32: 9 }, overlongText, short)
  expect(await client.take(expected.length)).toEqual(expected)
})

test('a pool refuses a malformed message after the replies before it', async () => {
  const server = await start(createHttpServer({ host: 'localhost', maxFrame: 1024 }, 'hi'), { time: 'fixed:30ms' })
  const client = await connect(server)
  client.write('GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\nnonsense\r\n\r\n')
  const statuses = textOf(await client.takeAll()).match(/HTTP\/1.1 \d+/g)
  expect(statuses).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 400'])
})

test('a pool answers a request that asks to close its connection before it closes it', async () => {
  const server = await start(createHttpServer({ host: 'localhost', maxFrame: 1024 }, 'hi'), { time: 'fixed:30ms' })
  const client = await connect(server)
  const get = 'GET / HTTP/1.1\r\n\r\n'
  client.write(`${get}GET / HTTP/1.1\r\nConnection: close\r\n\r\n${get}`)
  expect(textOf(await client.takeAll()).match(/HTTP\/1.1 200/g)).toHaveLength(2)
  expect(server.counters()).toMatchObject({ requests: 2 })
})
