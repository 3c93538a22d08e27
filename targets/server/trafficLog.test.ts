import dgram from 'node:dgram'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { bytesOf } from '../../harness/protocols/testing/bytes.ts'
import type { OptionTexts } from '../../harness/serverOptions.ts'
import { serverSettings } from '../cli/settings.ts'
import { loggedService } from '../services/logged.ts'
import { until } from '../testing/client.ts'
import { connect, endServices, startService } from '../testing/services.ts'
import { TrafficLog } from './trafficLog.ts'
import { startUdpServer } from './udp.ts'

afterEach(endServices)

/** A server in this process with the options of `volley serve`, and what its log prints, without the client's port. */
async function logging(name: string, options: OptionTexts, linesPerSecondMax = 10_000) {
  const lines: string[] = []
  const { service, logging, connectionsMax } = serverSettings(name, options)
  const print = (line: string) => void lines.push(line.replace(/127\.0\.0\.1:\d+/, 'client'))
  const log = new TrafficLog({ ...logging!, print, isTimed: false, linesPerSecondMax })
  const server = await startService(loggedService(service, log), { log, ...(connectionsMax && { connectionsMax }) })
  return { lines, server }
}

test('TrafficLog prints each connection as it opens and closes, with what passed over it', async () => {
  const { lines, server } = await logging('tlv', { log: 'connections', maxConnections: '2' })
  const [one, two] = [await connect(server), await connect(server)]
  await until('two connections', () => lines.length === 2)
  const third = await connect(server)
  await until('a third client', () => third.closed)
  one.write(bytesOf({ u32: 2 }, { u32: 1 }, 'ab', { u32: 0 }, { u32: 1 }, { u32: 9 }))
  await one.take(18)
  one.socket.end()
  await until('its end', () => lines.length === 4)
  two.socket.resetAndDestroy()
  await until('the reset', () => lines.length === 5)
  expect(lines.map(line => line.replace(/after [\d.]+ (us|ms|s);/, 'after a while;'))).toEqual([
    'client  opened, 1 connection open',
    'client  opened, 2 connections open',
    'client  turned away: as many connections as are allowed are open',
    'client  closed after a while; in 2 messages, 22 bytes; out 2 messages, 18 bytes; 4 bytes left of a message without its end; 1 connection open',
    'client  reset by the client after a while; in 0 messages, 0 bytes; out 0 messages, 0 bytes; 0 connections open',
  ])
  expect(server.counters()).toMatchObject({ requests: 2, bytesIn: 22, bytesOut: 18 })
})

test('TrafficLog shows what came together in one read, and where a buffer cuts it', async () => {
  const { lines, server } = await logging('echo', { naive: '15', reply: 'echo', log: 'messages' })
  const client = await connect(server)
  const texts = ['Hello World!', 'Hello World!'.repeat(5), 'Hello World!'.repeat(4)]
  for (const text of texts) {
    client.write(text)
    await client.take(text.length)
  }
  const [first, second, third] = [1, 2, 3].map(read => lines.filter(line => line.includes(`  read ${read}  `)))
  expect(first).toEqual(['client  in   12 bytes  read 1  "Hello World!"'])
  expect(second).toEqual([
    'client  in   15 bytes  read 2  "Hello World!Hel"',
    'client  in   15 bytes  read 2  "lo World!Hello "',
    'client  in   15 bytes  read 2  "World!Hello Wor"',
    'client  in   15 bytes  read 2  "ld!Hello World!"',
  ])
  expect(third).toHaveLength(4)
  expect(lines.filter(line => line.includes('  out  ')).slice(0, 2)).toEqual([
    'client  out  12 bytes  write 1  "Hello World!"',
    'client  out  15 bytes  write 2  "Hello World!Hel"',
  ])
})

test('TrafficLog shows the fields of frames, in which reads each came, and what is too long or malformed', async () => {
  const { lines, server } = await logging('tlv', { log: 'messages', maxFrame: '1KiB', reply: 'server' })
  const client = await connect(server)
  const hello = bytesOf({ u32: 5 }, { u32: 7 }, 'hello')
  client.write(hello.subarray(0, 3))
  await until('a part', () => server.counters().bytesIn === 3)
  client.write(hello.subarray(3, 6))
  await until('another', () => server.counters().bytesIn === 6)
  client.write(bytesOf(hello.subarray(6), { u32: 100 }, { u32: 0 }, new Uint8Array(100)))
  await client.take(28)
  client.write(bytesOf({ u32: 2000 }, { u32: 3 }, new Uint8Array(2000)))
  await client.take(35)
  const dump = `hex 0000: ${Array.from({ length: 16 }, () => '00').join(' ')}`
  expect(lines).toEqual([
    'client  in   13 bytes  reads 1 to 3  type 7  "hello"',
    expect.stringMatching(`^client {2}in {3}108 bytes {2}read 3 {2}type 0 {2}${dump}.* …$`),
    'client  out  14 bytes  write 1  type 7  "server"',
    'client  out  14 bytes  write 1  type 0  "server"',
    'client  in   a message that is too long: it is skipped',
    'client  out  35 bytes  write 2  type 3  "报文长度异常的错误"',
  ])
  const http = await logging('http', { log: 'messages' })
  const wrong = await connect(http.server)
  wrong.write('nonsense\r\n\r\n')
  await wrong.takeAll()
  expect(http.lines[0]).toBe('client  in   a message that is malformed: the connection is closed')
  expect(http.lines[1]).toMatch(/^client {2}out {2}\d+ bytes {2}write 1 {2}"HTTP\/1\.1 400 /)
})

test('TrafficLog shows replies one by one however they are written, through a pool and through layers', async () => {
  const request = (id: number) =>
    bytesOf({ u32: 24 }, { u32: id }, { u8: 1 }, { i16: 1 }, { i64: 1n }, { i32: 5 }, 'hello')
  for (const options of [{}, { shuffle: '3' }, { serviceTime: 'fixed:1ms' }] as OptionTexts[]) {
    const { lines, server } = await logging('rpc', { log: 'messages', ...options })
    const client = await connect(server)
    client.write(bytesOf(request(1), request(2), request(3)))
    await client.take(84)
    const ids = (way: string) =>
      lines.flatMap(line => new RegExp(` ${way} .* {2}id (\\d) {2}"hello"`).exec(line)?.[1] ?? [])
    expect(ids('in')).toEqual(['1', '2', '3'])
    expect(ids('out').toSorted()).toEqual(['1', '2', '3'])
    expect(lines).toHaveLength(6)
  }
})

test('TrafficLog tells deliveries of a broadcast to each connection, and masks secrets', async () => {
  const { lines, server } = await logging('broadcast', { log: 'messages' })
  const [one, two] = [await connect(server), await connect(server)]
  one.write('{"client_ip":"x","message":"hi"}\n')
  await one.take(1)
  await two.take(1)
  expect(lines.map(line => line.slice(0, 11))).toEqual(['client  in ', 'client  out', 'client  out'])
  const grouped = await logging('rpc', { log: 'messages', group: 'orders', secret: 'not-to-be-shown' })
  const client = await connect(grouped.server)
  const body = 'orders:not-to-be-shown'
  client.write(
    bytesOf({ u32: 19 + body.length }, { u32: 1 }, { u8: 9 }, { i16: 1 }, { i64: 1n }, { i32: body.length }, body),
  )
  await until('the login', () => grouped.lines.length === 2)
  expect(grouped.lines[0]).toContain('"orders:***"')
  expect(grouped.lines.join('')).not.toContain('not-to-be-shown')
})

test('a server whose log leaves lines out says how many at its end, and has counted all', async () => {
  const { lines, server } = await logging('echo', { protocol: 'line', log: 'connections,messages' }, 4)
  const client = await connect(server)
  client.write('a\n'.repeat(50))
  await client.take(100)
  client.socket.end()
  await server.stop()
  expect(lines.slice(0, 4)).toEqual([
    'client  opened, 1 connection open',
    ...Array(3).fill('client  in   2 bytes  read 1  "a\\n"'),
  ])
  const left = lines.flatMap(line => /^(\d+) more lines were left out/.exec(line)?.[1] ?? []).map(Number)
  const shown = lines.length - left.length
  // A line for each of 50 requests and of 50 replies, and two for the connection.
  expect(shown + left.reduce((sum, count) => sum + count, 0)).toBe(102)
})

test('over UDP TrafficLog prints each datagram, and each client as it is new and forgotten', async () => {
  const { service, logging } = serverSettings('tlv', { listen: 'udp://127.0.0.1:0', log: 'connections,messages' })
  const lines: string[] = []
  const print = (line: string) => void lines.push(line.replace(/127\.0\.0\.1:\d+/, 'client'))
  const log = new TrafficLog({ ...logging!, print, isTimed: false })
  const listen = { host: '127.0.0.1', port: 0 }
  const server = await startUdpServer({ listen, service: loggedService(service, log), log })
  const client = dgram.createSocket('udp4')
  try {
    const replied = once(client, 'message')
    client.send(bytesOf({ u32: 5 }, { u32: 7 }, 'hello'), (server.address as { port: number }).port, '127.0.0.1')
    await replied
  } finally {
    client.close()
    await server.stop()
  }
  expect(lines.map(line => line.replace(/after [\d.]+ (us|ms|s);/, 'after a while;'))).toEqual([
    'client  opened, 1 connection open',
    'client  in   13 bytes  type 7  "hello"',
    'client  out  13 bytes  type 7  "hello"',
    'client  forgotten after a while; in 1 message, 13 bytes; out 1 message, 13 bytes; 0 connections open',
  ])
})
