import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { textOf } from '../../harness/protocols/testing/bytes.ts'
import { killServers, ServerChild } from '../testing/child.ts'
import { Client, until } from '../testing/client.ts'
import { countersOf, startRelay } from '../testing/relay.ts'

const cleanups: (() => unknown)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  await killServers()
})

/** A TCP server that treats each connection as told. */
async function listen(handle: (socket: net.Socket) => void, path?: string): Promise<string> {
  const sockets: net.Socket[] = []
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, socket => {
    sockets.push(socket)
    socket.on('error', () => {})
    handle(socket)
  })
  if (path === undefined) server.listen(0, '127.0.0.1')
  else server.listen(path)
  await once(server, 'listening')
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return path === undefined ? `127.0.0.1:${(server.address() as net.AddressInfo).port}` : `unix:${path}`
}

function echo(socket: net.Socket): void {
  socket.pipe(socket)
}

async function connect(relay: ServerChild, halfOpen = false): Promise<Client> {
  const client = await Client.connect(await relay.address(), halfOpen)
  cleanups.push(() => client.socket.destroy())
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

test('a relay adds a round trip to what passes, and not to connect()', async () => {
  const relay = startRelay(await listen(echo), '--rtt', '50ms')
  const client = await connect(relay)
  for (let round = 0; round < 3; round++) {
    const beforeMs = performance.now()
    client.write('hello')
    expect(textOf(await client.take(5))).toBe('hello')
    expect(performance.now() - beforeMs).toBeGreaterThanOrEqual(50)
  }
  expect(relay.stdout).toMatch(/^relay listening on 127\.0\.0\.1:\d+ {3}to tcp:\/\/127\.0\.0\.1:\d+, rtt 50 ms\n/)
  await until('a line', () => /^[\d:]{8} {2}connections 1 {3}up \d+ B\/s {3}down \d+ B\/s$/m.test(relay.stdout))
  await until('its counters', () => countersOf(relay)?.bytesDown === 15)
  expect(countersOf(relay)).toMatchObject({ connections: 1, bytesUp: 15, resets: 0, lost: 0, rejected: 0 })
})

test('a relay has a server that speaks first heard a whole round trip after the connect', async () => {
  const relay = startRelay(await listen(socket => socket.write('welcome')), '--rtt', '60ms')
  await relay.address()
  const beforeMs = performance.now()
  const client = await connect(relay)
  expect(textOf(await client.take(7))).toBe('welcome')
  expect(performance.now() - beforeMs).toBeGreaterThanOrEqual(60)
})

test('a relay passes every byte on, and the ends of both sides, each for itself', async () => {
  const flags = ['--rtt', '4ms', '--jitter', '4ms', '--loss', '0.1%', '--rate', '400mbit', '--seed', '7']
  const relay = startRelay(await listen(echo), ...flags)
  const client = await connect(relay, true)
  const bytes = Uint8Array.from({ length: 2_000_000 }, (_, index) => index % 253)
  client.socket.end(bytes)
  expect(Buffer.compare(await client.takeAll(), bytes)).toBe(0)
  await until('no connection', () => countersOf(relay)?.connections === 0)
  expect(countersOf(relay)!.lost).toBeGreaterThan(0)
  expect(countersOf(relay)).toMatchObject({ bytesUp: 2_000_000, bytesDown: 2_000_000, resets: 0 })
})

test('a relay reads no more than it can hold while the server does not read, and loses nothing', async () => {
  let server: net.Socket | undefined
  const relay = startRelay(
    await listen(socket => {
      server = socket.pause()
    }),
    '--rtt',
    '2ms',
    '--rate',
    '1gbit',
  )
  const client = await connect(relay)
  const bytes = Uint8Array.from({ length: 48 * 1024 * 1024 }, (_, index) => index % 251)
  client.socket.end(bytes)
  await until('a connection', () => server !== undefined)
  // What the relay holds is 250 kB; what the kernel holds for four sockets is some MB.
  let before = -1
  await until('a standstill', () => {
    const up = countersOf(relay)?.bytesUp ?? 0
    const stands = up > 0 && up === before
    before = up
    return stands && client.socket.writableLength > 16 * 1024 * 1024
  })
  let received = 0
  let isSame = true
  server!.on('data', chunk => {
    for (const byte of chunk) isSame &&= byte === received++ % 251
  })
  server!.resume()
  await until('all of it', () => received === bytes.length)
  expect(isSame).toBe(true)
})

test('a relay resets both sides at a segment that is drawn for it', async () => {
  let atServer: Promise<string | undefined> | undefined
  const to = await listen(socket => {
    atServer = errorOf(socket)
  })
  const relay = startRelay(to, '--reset', '100%', '--rtt', '10ms')
  const client = await connect(relay)
  client.write('hello')
  expect(await errorOf(client.socket)).toBe('ECONNRESET')
  expect(await atServer).toBe('ECONNRESET')
  await until('its counters', () => countersOf(relay)?.resets === 1)
  expect(countersOf(relay)).toMatchObject({ connections: 0, bytesUp: 0, bytesDown: 0 })
})

test('a relay passes the reset of one side on to the other', async () => {
  let server: net.Socket | undefined
  let atServer: Promise<string | undefined> | undefined
  const to = await listen(socket => {
    server = socket
    atServer = errorOf(socket)
  })
  const relay = startRelay(to, '--rtt', '10ms')
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

test('a relay resets connections to a server that is not there', async () => {
  const to = await listen(echo)
  await cleanups.splice(0)[0]!()
  // The reset is half a round trip behind the connect, which is so seen before it.
  const relay = startRelay(to, '--rtt', '40ms')
  expect(await errorOf((await connect(relay)).socket)).toBe('ECONNRESET')
  await until('no connection', () => countersOf(relay)?.connections === 0)
})

test('a relay leads to a unix socket, and breaks it off as well', async () => {
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
  const relay = startRelay(to)
  const client = await connect(relay)
  client.write('hello')
  expect(textOf(await client.take(5))).toBe('hello')
  client.socket.resetAndDestroy()
  await until('the end of the other side', () => isClosed)
})

test('a relay lets nothing pass in a stall', async () => {
  const relay = startRelay(await listen(echo), '--stall', '300ms/400ms')
  const client = await connect(relay)
  const beforeMs = performance.now()
  client.write('a')
  await client.take(1)
  await until('the stall', () => performance.now() - beforeMs > 150)
  client.write('b')
  await client.take(1)
  expect(performance.now() - beforeMs).toBeGreaterThanOrEqual(400)
})

test('a relay flushes what is on its way on SIGTERM, and exits 0', async () => {
  const received: Buffer[] = []
  let hasEnded = false
  const to = await listen(socket => {
    socket.on('data', chunk => received.push(chunk))
    socket.on('end', () => {
      hasEnded = true
      socket.end()
    })
  })
  const relay = startRelay(to, '--rtt', '800ms')
  const client = await connect(relay)
  client.write(new Uint8Array(200_000).fill(7))
  await until('the bytes to be taken', () => client.socket.writableLength === 0)
  relay.process.kill('SIGTERM')
  expect(await relay.exited()).toBe(0)
  await until('the end', () => hasEnded)
  expect(Buffer.concat(received).equals(Buffer.alloc(200_000, 7))).toBe(true)
  expect(countersOf(relay)).toMatchObject({ final: true, bytesUp: 200_000, connections: 0 })
  expect(relay.stderr).toBe('')
})

test('a relay exits at once on a second signal', async () => {
  const relay = startRelay(await listen(echo), '--rtt', '9s')
  const client = await connect(relay)
  client.write('hello')
  relay.process.kill('SIGTERM')
  await relay.refuses()
  relay.process.kill('SIGTERM')
  expect(await relay.exited()).toBe(1)
})

test('a relay exits 2 and says what is wrong with its flags', async () => {
  const cases: [string[], string][] = [
    [[], '--to is missing: tcp://host:port, udp://host:port or unix:/path\n'],
    [
      ['--to', 'tls://h:1', '--listen', 'x', '--rtt', '75', '--jitter', '3ms', '--rate', '50m', '--loss', '2'],
      `--to expected tcp://host:port, udp://host:port or unix:/path, got "tls://h:1"
--listen expected an address such as 127.0.0.1:8081, got "x"
--rtt expected a duration such as 75ms, up to 10s, got "75"
--jitter expected no more than --rtt, got "3ms"
--rate expected a bit rate such as 50mbit, from 1kbit to 100gbit, got "50m"
--loss expected a share such as 2%, got "2"
`,
    ],
    [
      ['--to', '127.0.0.1:1', '--rtt', '11s', '--rate', '10bit', '--stall', '2s/1s', '--reset', '101%', '--seed', 'x'],
      `--rtt expected a duration such as 75ms, up to 10s, got "11s"
--rate expected a bit rate such as 50mbit, from 1kbit to 100gbit, got "10bit"
--reset expected a share such as 0.1%, got "101%"
--stall expected 1s/10s (a stall shorter than its period) or forever@54s, got "2s/1s"
--seed expected a whole number from 0 to 9007199254740991, got "x"
`,
    ],
    [
      ['--to', 'udp://127.0.0.1:1', '--listen', 'unix:/x', '--reset', '1%'],
      '--listen expected host:port for UDP, got "unix:/x"\n--reset is for TCP: UDP has no connections\n',
    ],
    [['--to', '127.0.0.1:1', '--idle-timeout', '1s'], '--idle-timeout is for UDP\n'],
    [
      ['--to', '127.0.0.1:1', '--listen', 'udp://127.0.0.1:0'],
      '--listen expected an address of TCP, as that of --to is, got "udp://127.0.0.1:0"\n',
    ],
    [
      ['--to', 'udp://127.0.0.1:1', '--listen', 'tcp://127.0.0.1:0'],
      '--listen expected host:port for UDP, got "tcp://127.0.0.1:0"\n',
    ],
    [['--to', '127.0.0.1:1', '--colour'], "unknown option '--colour'\n"],
  ]
  for (const [flags, message] of cases) {
    const child = ServerChild.start(['relay', ...flags])
    expect(await child.exited()).toBe(2)
    expect(child.stderr).toBe(message)
  }
})
