import dgram from 'node:dgram'
import { afterEach, expect, test } from 'vitest'
import { datagramBytesMax } from '../../harness/protocols/datagram.ts'
import { protocolSpec } from '../../harness/protocols/spec.ts'
import { bytesOf, textOf } from '../../harness/protocols/testing/bytes.ts'
import { parseServiceTime } from '../../harness/serviceTime.ts'
import { poolService } from '../pool/pool.ts'
import { Schedule } from '../pool/schedule.ts'
import { createEcho } from '../services/echo.ts'
import { createRpcServer } from '../services/rpc.ts'
import { createTlvServer, overlongText } from '../services/tlv.ts'
import { until } from '../testing/client.ts'
import { advanceUntil, useRealTime, useVirtualTime } from '../testing/virtualTime.ts'
import type { ManagedServer } from './managedServer.ts'
import type { Service } from './service.ts'
import { startUdpServer, type UdpServerSettings } from './udp.ts'

const cleanups: (() => unknown)[] = []

afterEach(async () => {
  useRealTime()
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function start(service: Service, settings: Partial<UdpServerSettings> = {}): Promise<ManagedServer> {
  const server = await startUdpServer({ listen: { host: '127.0.0.1', port: 0 }, service, ...settings })
  cleanups.push(() => server.stop())
  return server
}

/** A client that is independent of the code under test: a plain socket and the datagrams that it received. */
class DatagramClient {
  readonly datagrams: Buffer[] = []
  readonly #socket = dgram.createSocket('udp4')
  readonly #port: number

  constructor(server: ManagedServer) {
    this.#port = (server.address as { port: number }).port
    this.#socket.on('message', bytes => this.datagrams.push(bytes))
    cleanups.push(() => this.#socket.close())
  }

  send(...datagrams: (Uint8Array | string)[]): void {
    for (const bytes of datagrams) this.#socket.send(bytes, this.#port, '127.0.0.1')
  }

  /** Resolves with the next `count` datagrams once they are received. */
  async take(count: number): Promise<Buffer[]> {
    await until(`${count} datagrams`, () => this.datagrams.length >= count)
    return this.datagrams.splice(0, count)
  }
}

const line = () => createEcho(protocolSpec('line'))
const rpcMessage = (id: number) => bytesOf({ u32: 19 }, { u32: id }, new Uint8Array(15))
const idOf = (bytes: Buffer) => bytes.readUInt32BE(4)

test('startUdpServer() answers each datagram to its sender, with a datagram', async () => {
  const server = await start(line())
  const [one, two] = [new DatagramClient(server), new DatagramClient(server)]
  one.send('a\n', 'b\n')
  two.send('c\n')
  expect((await one.take(2)).map(textOf)).toEqual(['a\n', 'b\n'])
  expect((await two.take(1)).map(textOf)).toEqual(['c\n'])
  expect(server.counters()).toMatchObject({ requests: 3, connections: 2, bytesIn: 6, bytesOut: 6, rejected: 0 })
})

test('startUdpServer() rejects more or less than one message, and continues', async () => {
  const server = await start(line())
  const client = new DatagramClient(server)
  client.send('half', 'two\nlines\n', '', 'whole\n')
  expect((await client.take(1)).map(textOf)).toEqual(['whole\n'])
  // The empty one only probes whether the port is open.
  expect(server.counters()).toMatchObject({ requests: 1, rejected: 2 })
})

test('startUdpServer() answers a TLV message that is too long as a stream does, and takes the longest datagram', async () => {
  const server = await start(createTlvServer({ maxFrame: datagramBytesMax - 8 }))
  const client = new DatagramClient(server)
  client.send(bytesOf({ u32: 1 << 20 }, { u32: 7 }, 'too long'))
  const [error] = await client.take(1)
  expect(textOf(error!.subarray(8))).toBe(overlongText)
  const longest = bytesOf({ u32: datagramBytesMax - 8 }, { u32: 7 }, new Uint8Array(datagramBytesMax - 8))
  client.send(longest)
  expect((await client.take(1))[0]!.equals(longest)).toBe(true)
  expect(server.counters()).toMatchObject({ requests: 2, rejected: 1 })
})

test('startUdpServer() sends replies that are made together as separate datagrams, also in shuffled order', async () => {
  const server = await start(createRpcServer({ lengthPrefix: true, maxFrame: 99 }, { shuffle: 8 }))
  const client = new DatagramClient(server)
  client.send(...Array.from({ length: 40 }, (_, id) => rpcMessage(id)))
  const replies = await client.take(40)
  expect(new Set(replies.map(idOf)).size).toBe(40)
  expect(replies.every(({ length }) => length === 23)).toBe(true)
})

test('startUdpServer() serves through a job pool, and answers pending requests before it stops', async () => {
  const schedule = new Schedule({ poolSize: 1, seed: 1, serviceTime: parseServiceTime('fixed:5ms')! })
  const server = await start(poolService(line(), schedule))
  const client = new DatagramClient(server)
  const sent = Array.from({ length: 20 }, (_, index) => `${index}\n`)
  client.send(...sent)
  await until('requests', () => server.counters().requests === 20)
  await server.stop()
  expect((await client.take(20)).map(textOf)).toEqual(sent)
})

test('startUdpServer() finishes a long job before it stops, but waits no longer than it may', async () => {
  useVirtualTime()
  const pooled = (time: string) =>
    poolService(line(), new Schedule({ poolSize: 1, seed: 1, serviceTime: parseServiceTime(time)! }))
  const [slow, slowest] = [await start(pooled('fixed:6s')), await start(pooled('fixed:1h'))]
  const [client, other] = [new DatagramClient(slow), new DatagramClient(slowest)]
  client.send('a\n')
  other.send('b\n', 'c\n')
  await until('requests', () => slow.counters().requests === 1 && slowest.counters().requests === 2)
  await advanceUntil(Promise.all([slow.stop(), slowest.stop(200)]))
  expect((await client.take(1)).map(textOf)).toEqual(['a\n'])
  expect([slow.unanswered, slowest.unanswered]).toEqual([0, 2])
})

test('startUdpServer() does not forget a client that waits for a reply', async () => {
  const schedule = new Schedule({ poolSize: 1, seed: 1, serviceTime: parseServiceTime('fixed:300ms')! })
  const server = await start(poolService(line(), schedule), { idleTimeoutMs: 50 })
  const client = new DatagramClient(server)
  client.send('a\n')
  expect((await client.take(1)).map(textOf)).toEqual(['a\n'])
  await until('no client', () => server.counters().connections === 0)
})

test('startUdpServer() forgets silent clients, and rejects more clients than it may have', async () => {
  const server = await start(line(), { connectionsMax: 1, idleTimeoutMs: 50 })
  const [one, two] = [new DatagramClient(server), new DatagramClient(server)]
  one.send('a\n')
  await one.take(1)
  two.send('b\n')
  await until('a rejection', () => server.counters().rejected === 1)
  await until('no client', () => server.counters().connections === 0)
  two.send('c\n')
  expect((await two.take(1)).map(textOf)).toEqual(['c\n'])
})

test('startUdpServer() says why it cannot listen', async () => {
  const server = await start(line())
  const { port } = server.address as { port: number }
  const again = startUdpServer({ listen: { host: '127.0.0.1', port }, service: line() })
  await expect(again).rejects.toThrow(`cannot listen on udp://127.0.0.1:${port}: the port is in use`)
})
