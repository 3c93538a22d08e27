import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { createPrng } from '../../harness/prng.ts'
import { protocolSpec } from '../../harness/protocols/spec.ts'
import { bytesOf, textOf } from '../../harness/protocols/testing/bytes.ts'
import { createEcho } from '../services/echo.ts'
import { createRpcServer } from '../services/rpc.ts'
import { createTlvServer } from '../services/tlv.ts'
import { Client, until } from '../testing/client.ts'
import { patternOf } from '../testing/pattern.ts'
import { connect, endServices, startService as start } from '../testing/services.ts'
import { noCounters } from './counters.ts'
import type { Connection, Service } from './service.ts'

const mebibyte = 1024 * 1024

afterEach(endServices)

function line(maxFrame = 1024) {
  return createEcho({ name: 'line', delimiter: '\n', maxFrame })
}

test('a server answers messages that arrive in pieces or several at once', async () => {
  const cases = [
    [createEcho(protocolSpec('raw')), 'hello world'],
    [createEcho(protocolSpec('line')), 'hello\nworld\n\n'],
    [createEcho(protocolSpec('frame')), textOf(bytesOf({ u32: 5 }, 'hello', { u32: 0 }, { u32: 5 }, 'world'))],
    [createTlvServer({ maxFrame: 99 }), textOf(bytesOf({ u32: 5 }, { u32: 7 }, 'hello', { u32: 0 }, { u32: 1 }))],
  ] as const
  for (const [service, text] of cases) {
    const server = await start(service)
    const client = await connect(server)
    client.write(text)
    expect(textOf(await client.take(text.length))).toBe(text)
    for (const character of text) {
      client.write(character)
      await new Promise(setImmediate)
    }
    expect(textOf(await client.take(text.length))).toBe(text)
    expect(server.counters()).toMatchObject({ bytesIn: 2 * text.length, bytesOut: 2 * text.length, rejected: 0 })
  }
})

test('a server counts whole messages and open connections', async () => {
  const server = await start(line())
  const [one, two] = [await connect(server), await connect(server)]
  one.write('a\nb\nc')
  two.write('d\n')
  await one.take(4)
  await two.take(2)
  expect(server.counters()).toEqual({ ...noCounters, requests: 3, connections: 2, bytesIn: 7, bytesOut: 6 })
  one.socket.destroy()
  await until('one connection', () => server.counters().connections === 1)
})

test('a server answers messages much longer than its buffers', async () => {
  const server = await start(createEcho({ ...protocolSpec('frame'), maxFrame: 8_000_000 } as never))
  const client = await connect(server)
  const bytes = bytesOf({ u32: 5_000_000 }, patternOf(5_000_000, 253))
  client.write(bytes)
  client.write(bytes)
  expect(Buffer.compare(await client.take(bytes.length), bytes)).toBe(0)
  expect(Buffer.compare(await client.take(bytes.length), bytes)).toBe(0)
  expect(server.counters().requests).toBe(2)
})

test('a server answers what came before the client closed its side, then closes the connection', async () => {
  const server = await start(createRpcServer({ lengthPrefix: true, maxFrame: 99 }, { shuffle: 50 }))
  const client = await connect(server, true)
  const request = bytesOf({ u32: 19 }, { u32: 1 }, new Uint8Array(15))
  client.socket.end(bytesOf(request, request, request, request.subarray(0, 9)))
  expect(await client.takeAll()).toEqual(bytesOf(request, request, request))
  await until('no connection', () => server.counters().connections === 0)
})

test('a server survives half a frame and a reset', async () => {
  const server = await start(createTlvServer({ maxFrame: 99 }))
  const broken = await connect(server)
  broken.write(bytesOf({ u32: 50 }, { u32: 1 }, 'half'))
  await until('the bytes', () => server.counters().bytesIn === 12)
  broken.socket.resetAndDestroy()
  await until('no connection', () => server.counters().connections === 0)
  const client = await connect(server)
  client.write(bytesOf({ u32: 0 }, { u32: 1 }))
  expect(await client.take(8)).toEqual(bytesOf({ u32: 0 }, { u32: 1 }))
})

test('a server answers what came before a malformed frame, then closes the connection', async () => {
  const frame = createEcho({ ...protocolSpec({ frame: { lengthAdjustment: -4 } }), maxFrame: 1024 } as never)
  const rpc = createRpcServer({ lengthPrefix: true, maxFrame: 99 }, { shuffle: 50 })
  const request = bytesOf({ u32: 19 }, { u32: 1 }, new Uint8Array(15))
  const cases = [
    [frame, bytesOf({ u32: 9 }, 'hello'), bytesOf({ u32: 3 })],
    [frame, bytesOf({ u32: 9 }, 'hello'), bytesOf({ u32: 0xffff_ffff })],
    [line(10), bytesOf('hello\n'), bytesOf('no end to this')],
    [rpc, request, bytesOf({ u32: 18 })],
    [rpc, request, bytesOf({ u32: 2 ** 31 })],
  ] as const
  for (const [service, good, bad] of cases) {
    const server = await start(service)
    const client = await connect(server)
    client.write(bytesOf(good, good, bad, good))
    expect(await client.takeAll()).toEqual(bytesOf(good, good))
    expect(server.counters()).toMatchObject({ requests: 2, rejected: 1 })
  }
})

test('a server survives random bytes', async () => {
  const services = [
    createEcho(protocolSpec('raw')),
    line(),
    createEcho(protocolSpec({ frame: { lengthBytes: 1, id: { offset: 1, bytes: 2 } } }), 'reply'),
    createTlvServer({ maxFrame: 1024 }, 'reply'),
    createRpcServer({ lengthPrefix: false, maxFrame: 1024 }, { shuffle: 4 }),
  ]
  const prng = createPrng(7)
  for (const service of services) {
    const server = await start(service)
    for (let round = 0; round < 20; round++) {
      const client = await connect(server)
      const small = prng.below(2) === 0
      const bytes = Uint8Array.from({ length: prng.below(5000) }, () => (small ? prng.below(3) : prng.below(256)))
      client.socket.end(bytes)
      await until('the end of a connection', () => client.closed)
    }
    await until('no connection', () => server.counters().connections === 0)
  }
})

test('a server stops reading from a client that does not read, and loses nothing', async () => {
  const maxSendBufferBytes = 4 * mebibyte
  const server = await start(createEcho(protocolSpec('raw')), { maxSendBufferBytes })
  const client = await connect(server)
  client.socket.pause()
  const piece = patternOf(65_536, 251)
  const pieces = 1024
  for (let index = 0; index < pieces; index++) client.write(piece)
  // It reads nothing more from the first client when many round trips of another bring only that one's bytes.
  const other = await connect(server)
  let before = 0
  do {
    before = server.counters().bytesIn
    for (let index = 0; index < 100; index++) {
      other.write('x')
      await other.take(1)
    }
  } while (server.counters().bytesIn - before > 100)
  expect(before).toBeGreaterThan(maxSendBufferBytes)
  expect(before).toBeLessThan(maxSendBufferBytes + 16 * mebibyte)
  client.socket.resume()
  const back = await client.take(pieces * piece.length)
  for (let index = 0; index < pieces; index++) {
    expect(Buffer.compare(back.subarray(index * 65_536, (index + 1) * 65_536), piece)).toBe(0)
  }
})

test('a server stops taking small requests while their large replies wait to be sent', async () => {
  const reply = 'x'.repeat(200_000)
  const maxSendBufferBytes = 4 * mebibyte
  const server = await start(createTlvServer({ maxFrame: 1_000_000 }, reply), { maxSendBufferBytes })
  const client = await connect(server)
  client.socket.pause()
  const requests = 500
  client.write(bytesOf(...Array.from({ length: requests }, (_, type) => bytesOf({ u32: 0 }, { u32: type }))))
  await until('a full queue', () => server.counters().bytesOut > maxSendBufferBytes)
  expect(server.counters().bytesOut).toBeLessThan(maxSendBufferBytes + 16 * mebibyte)
  client.socket.resume()
  for (let type = 0; type < requests; type++) {
    expect(await client.take(8)).toEqual(bytesOf({ u32: 200_000 }, { u32: type }))
    await client.take(200_000)
  }
  expect(server.counters().requests).toBe(requests)
})

test('a server limits the number of short replies that wait to be sent', async () => {
  const server = await start(createEcho(protocolSpec('raw')), { maxSendBufferBytes: 16 * mebibyte })
  const client = await connect(server)
  client.socket.pause()
  client.write(new Uint8Array(12 * 1024 * 1024))
  await until('replies that wait', () => server.counters().bytesIn === 12 * 1024 * 1024)
  const before = server.counters().requests
  let sent = 0
  while (server.counters().requests - before < 3900 && sent < 20_000) {
    client.write('x')
    sent++
    await new Promise(setImmediate)
  }
  for (let more = 0; more < 1000; more++) {
    client.write('x')
    sent++
    await new Promise(setImmediate)
  }
  expect(server.counters().requests - before).toBeLessThan(4200)
  client.socket.resume()
  await client.take(12 * 1024 * 1024 + sent)
})

test('a service is called for every event of a connection, in order', async () => {
  const events: string[] = []
  const tell = (event: string) => (connection: Connection) => void events.push(`${event} ${connection.link}`)
  const service: Service = {
    ...createTlvServer({ maxFrame: 99 }, 'x'.repeat(90)),
    connect: tell('connect'),
    bufferFull: tell('full'),
    bufferDrained: tell('drained'),
    error: tell('error'),
    close: tell('close'),
  }
  const server = await start(service, { maxSendBufferBytes: 1000 })
  const slow = await connect(server)
  slow.socket.pause()
  const requests = 200_000
  slow.write(Buffer.concat(Array.from({ length: requests }, () => bytesOf({ u32: 0 }, { u32: 1 }))))
  await until('a full buffer', () => server.counters().buffersFull === 1)
  expect(events).toEqual(['connect 0', 'full 0'])
  expect(server.counters().buffersDrained).toBe(0)
  slow.socket.resume()
  await slow.take(requests * 98)
  await until('an empty buffer', () => server.counters().buffersDrained === server.counters().buffersFull)
  expect(server.counters()).toMatchObject({ requests, bytesOut: requests * 98 })
  slow.socket.resetAndDestroy()
  await until('no connection', () => server.counters().connections === 0)
  expect(events.slice(0, 3)).toEqual(['connect 0', 'full 0', 'drained 0'])
  expect(events.slice(-2)).toEqual(['error 0', 'close 0'])
  const other = await connect(server)
  other.socket.end()
  await until('both ends', () => events.at(-1) === 'close 0' && other.closed)
  expect(events.slice(-2)).toEqual(['connect 0', 'close 0'])
})

test('a client that does not read costs no more memory than the send buffer', async () => {
  const server = await start(createEcho(protocolSpec('raw')))
  const client = await connect(server)
  client.socket.pause()
  const before = process.memoryUsage().arrayBuffers
  const piece = new Uint8Array(65_536)
  for (let index = 0; index < 1024; index++) client.write(piece)
  await until('a full buffer', () => server.counters().buffersFull > 0)
  const other = await connect(server)
  for (let index = 0; index < 200; index++) {
    other.write('x')
    await other.take(1)
  }
  // The client's unsent bytes are all one array.
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * mebibyte)
  client.socket.resume()
  await client.take(1024 * piece.length)
})

test('a service sends to all other connections, except to one whose buffer is full', async () => {
  const refused = new Set<number>()
  const longLine = 50_000
  const service: Service = {
    protocol: line(longLine + 1).protocol,
    message({ link, connections }, bytes, from, end, replies) {
      const copy = bytes.slice(from, end)
      for (const other of connections) {
        if (other.link !== link && !other.send(copy)) refused.add(other.link)
      }
      replies.append(new TextEncoder().encode('ok\n'))
    },
  }
  const server = await start(service)
  const [one, two, slow] = [await connect(server), await connect(server), await connect(server)]
  two.write('b\n')
  expect(textOf(await one.take(2))).toBe('b\n')
  expect(textOf(await two.take(3))).toBe('ok\n')
  await slow.take(2)
  slow.socket.pause()
  const text = `${'x'.repeat(longLine)}\n`
  for (let sent = 0; refused.size === 0; sent++) {
    expect(sent).toBeLessThan(400)
    one.write(text)
    await one.take(3)
    await two.take(text.length)
  }
  expect([...refused]).toEqual([2])
  expect(server.counters().buffersFull).toBe(1)
  slow.socket.resume()
  await until('room', () => server.counters().buffersDrained === 1)
  one.write('last\n')
  await one.take(3)
  expect(textOf(await two.take(5))).toBe('last\n')
  // Bytes that the server has sent may still be on their way.
  let received = ''
  while (!received.endsWith('\nlast\n')) received += textOf(await slow.take(Math.max(1, slow.available)))
})

test('connectionsMax refuses connections beyond it', async () => {
  const server = await start(line(), { connectionsMax: 2 })
  const [one, two] = [await connect(server), await connect(server)]
  one.write('a\n')
  two.write('b\n')
  await one.take(2)
  await two.take(2)
  // It may be closed before it has noticed that it was connected.
  const three = await connect(server).catch(() => undefined)
  await until('the end of the third connection', () => three === undefined || three.closed)
  expect(server.counters()).toMatchObject({ connections: 2, rejected: 1 })
  one.socket.destroy()
  await until('room', () => server.counters().connections === 1)
  const four = await connect(server)
  four.write('d\n')
  expect(textOf(await four.take(2))).toBe('d\n')
})

test('idleTimeoutMs closes a connection that sends nothing, and only that one', async () => {
  const server = await start(line(), { idleTimeoutMs: 300 })
  const [silent, busy] = [await connect(server), await connect(server)]
  while (!silent.ended) {
    busy.write('x\n')
    await busy.take(2)
  }
  expect(busy.ended).toBe(false)
})

test('unfinishedBytesMax closes the connection whose incomplete frame exceeds it, and only that one', async () => {
  const server = await start(createTlvServer({ maxFrame: 100_000 }), { unfinishedBytesMax: 65_536 })
  const frame = bytesOf({ u32: 30_000 }, { u32: 1 }, new Uint8Array(30_000))
  // Empty buffers that are kept for reuse do not count.
  const done = await Promise.all(Array.from({ length: 8 }, () => connect(server)))
  for (const client of done) {
    const small = bytesOf({ u32: 9000 }, { u32: 1 }, new Uint8Array(9000))
    const before = server.counters().bytesIn
    client.write(small.subarray(0, 8500))
    await until('half a frame', () => server.counters().bytesIn === before + 8500)
    client.write(small.subarray(8500))
    await client.take(small.length)
  }
  const [one, two, three] = [await connect(server), await connect(server), await connect(server)]
  for (const client of [one, two]) {
    const before = server.counters().bytesIn
    client.write(frame.subarray(0, 20_000))
    await until('half a frame', () => server.counters().bytesIn === before + 20_000)
  }
  expect(server.counters().rejected).toBe(0)
  three.write(frame.subarray(0, 20_000))
  expect(await three.takeAll()).toHaveLength(0)
  expect(server.counters().rejected).toBe(1)
  for (const client of [one, two]) {
    client.write(frame.subarray(20_000))
    expect(await client.take(frame.length)).toEqual(frame)
  }
})

test('a server listens on a unix path', async () => {
  const path = join(tmpdir(), `volley-server-${process.pid}.sock`)
  const server = await start(line(), { listen: { path } })
  expect(server.address).toEqual({ path })
  const client = await connect(server)
  client.write('hello\n')
  expect(textOf(await client.take(6))).toBe('hello\n')
})

test('startServer() says why it cannot listen', async () => {
  const { address } = await start(line())
  const port = 'port' in address ? address.port : 0
  await expect(start(line(), { listen: { host: '127.0.0.1', port } })).rejects.toThrow(
    `cannot listen on tcp://127.0.0.1:${port}: the port is in use`,
  )
})

test('stop() answers pending requests, closes every connection and accepts no more', async () => {
  const server = await start(createRpcServer({ lengthPrefix: true, maxFrame: 99 }, { shuffle: 1000 }))
  const client = await connect(server)
  const request = bytesOf({ u32: 19 }, { u32: 1 }, new Uint8Array(15))
  client.write(bytesOf(...Array.from({ length: 900 }, () => request)))
  // Only requests that have arrived are pending: the bytes are in the kernel once the socket has taken them.
  await until('the bytes to be sent', () => client.socket.writableLength === 0)
  const { address } = server
  await server.stop()
  expect(await client.takeAll()).toHaveLength(900 * request.length)
  await expect(Client.connect(address)).rejects.toThrow()
})
