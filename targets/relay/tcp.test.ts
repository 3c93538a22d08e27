import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { textOf } from '../../harness/protocols/testing/bytes.ts'
import type { ManagedServer } from '../server/managedServer.ts'
import { Client, until } from '../testing/client.ts'
import { patternOf } from '../testing/pattern.ts'
import { openRelay } from '../testing/relay.ts'
import type { RelayCounters } from './counters.ts'

const cleanups: (() => unknown)[] = []
const sockets: net.Socket[] = []

afterEach(async () => {
  // Without open connections a relay stops at once.
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** A TCP server that calls `handle` for each connection; returns its address. */
async function listen(handle: (socket: net.Socket) => void, path?: string): Promise<string> {
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, socket => {
    sockets.push(socket)
    socket.on('error', () => {})
    handle(socket)
  })
  if (path === undefined) server.listen(0, '127.0.0.1')
  else server.listen(path)
  await once(server, 'listening')
  cleanups.push(() => server.close())
  return path === undefined ? `127.0.0.1:${(server.address() as net.AddressInfo).port}` : `unix:${path}`
}

function echo(socket: net.Socket): void {
  socket.pipe(socket)
}

type Relay = ManagedServer<RelayCounters>

async function open(...args: Parameters<typeof openRelay>): Promise<Relay> {
  const relay = await openRelay(...args)
  cleanups.push(() => relay.stop())
  return relay
}

async function connect(relay: Relay, halfOpen = false): Promise<Client> {
  const client = await Client.connect(relay.address, halfOpen)
  sockets.push(client.socket)
  return client
}

function errorOf(socket: net.Socket): Promise<string | undefined> {
  return new Promise(resolve => {
    let code: string | undefined
    socket.on('error', (error: NodeJS.ErrnoException) => {
      code = error.code
    })
    socket.on('close', () => resolve(code))
    socket.resume()
  })
}

test('a relay adds a round trip to what passes', async () => {
  const relay = await open(await listen(echo), { rtt: '50ms' })
  const client = await connect(relay)
  for (let round = 0; round < 3; round++) {
    const beforeMs = performance.now()
    client.write('hello')
    expect(textOf(await client.take(5))).toBe('hello')
    expect(performance.now() - beforeMs).toBeGreaterThanOrEqual(50)
  }
  expect(relay.counters()).toMatchObject({
    connections: 1,
    bytesUp: 15,
    bytesDown: 15,
    resets: 0,
    lost: 0,
    rejected: 0,
  })
})

test('the first bytes of a server arrive a whole round trip after the connect', async () => {
  const relay = await open(await listen(socket => socket.write('welcome')), { rtt: '60ms' })
  const beforeMs = performance.now()
  const client = await connect(relay)
  expect(textOf(await client.take(7))).toBe('welcome')
  expect(performance.now() - beforeMs).toBeGreaterThanOrEqual(60)
})

test('a relay passes on every byte, and the end of each side separately', async () => {
  const flags = { rtt: '4ms', jitter: '4ms', loss: '0.1%', rate: '400mbit', seed: '7' }
  const relay = await open(await listen(echo), flags)
  const client = await connect(relay, true)
  const bytes = patternOf(2_000_000, 253)
  client.socket.end(bytes)
  expect(Buffer.compare(await client.takeAll(), bytes)).toBe(0)
  await until('no connection', () => relay.counters().connections === 0)
  expect(relay.counters().lost).toBeGreaterThan(0)
  expect(relay.counters()).toMatchObject({ bytesUp: 2_000_000, bytesDown: 2_000_000, resets: 0 })
})

test('a relay reads no more than it can hold while the server does not read, and loses nothing', async () => {
  let server: net.Socket | undefined
  const to = await listen(socket => {
    server = socket.pause()
  })
  const relay = await open(to, { rtt: '2ms', rate: '1gbit' })
  const client = await connect(relay)
  const bytes = patternOf(48 * 1024 * 1024, 251)
  client.socket.end(bytes)
  await until('a connection', () => server !== undefined)
  // The relay holds 250 kB, and the kernel some MB for four sockets.
  let before = -1
  let sinceMs = 0
  await until('a standstill', () => {
    const up = relay.counters().bytesUp
    if (up !== before) sinceMs = performance.now()
    before = up
    return up > 0 && performance.now() - sinceMs > 200
  })
  expect(client.socket.writableLength).toBeGreaterThan(16 * 1024 * 1024)
  let received = 0
  let isSame = true
  server!.on('data', chunk => {
    for (const byte of chunk) isSame &&= byte === received++ % 251
  })
  server!.resume()
  await until('all of it', () => received === bytes.length)
  expect(isSame).toBe(true)
})

test('a relay resets both sides at a segment that is chosen for it', async () => {
  let atServer: Promise<string | undefined> | undefined
  const to = await listen(socket => {
    atServer = errorOf(socket)
  })
  const relay = await open(to, { reset: '100%', rtt: '10ms' })
  const client = await connect(relay)
  client.write('hello')
  expect(await errorOf(client.socket)).toBe('ECONNRESET')
  expect(await atServer).toBe('ECONNRESET')
  // A connection is closed a moment after it was reset.
  await until('its end', () => relay.counters().connections === 0)
  expect(relay.counters()).toMatchObject({ resets: 1, bytesUp: 0, bytesDown: 0 })
})

test('a relay passes the reset of one side on to the other', async () => {
  let server: net.Socket | undefined
  let atServer: Promise<string | undefined> | undefined
  const to = await listen(socket => {
    server = socket
    atServer = errorOf(socket)
  })
  const relay = await open(to, { rtt: '10ms' })
  const first = await connect(relay)
  await until('a connection', () => server !== undefined)
  server!.resetAndDestroy()
  expect(await errorOf(first.socket)).toBe('ECONNRESET')

  server = undefined
  const second = await connect(relay)
  await until('a connection', () => server !== undefined)
  second.socket.resetAndDestroy()
  expect(await atServer).toBe('ECONNRESET')
})

test('a relay resets connections to a server that does not exist', async () => {
  const to = await listen(echo)
  await cleanups.splice(0)[0]!()
  // The reset comes half a round trip after the connect, so that the connect is seen first.
  const relay = await open(to, { rtt: '40ms' })
  expect(await errorOf((await connect(relay)).socket)).toBe('ECONNRESET')
  await until('no connection', () => relay.counters().connections === 0)
})

test('a relay connects to a unix socket, and resets that too', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'volley-'))
  cleanups.push(() => rmSync(folder, { recursive: true }))
  let isClosed = false
  const to = await listen(
    socket => {
      echo(socket)
      socket.on('close', () => {
        isClosed = true
      })
    },
    join(folder, 'x.sock'),
  )
  const relay = await open(to)
  const client = await connect(relay)
  client.write('hello')
  expect(textOf(await client.take(5))).toBe('hello')
  client.socket.resetAndDestroy()
  await until('the end of the other side', () => isClosed)
})

test('a relay passes nothing on during a stall', async () => {
  const relay = await open(await listen(echo), { stall: '300ms/400ms' })
  const client = await connect(relay)
  const beforeMs = performance.now()
  client.write('a')
  await client.take(1)
  await until('the stall', () => performance.now() - beforeMs > 150)
  client.write('b')
  await client.take(1)
  expect(performance.now() - beforeMs).toBeGreaterThanOrEqual(400)
})
