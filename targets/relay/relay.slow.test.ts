import { once } from 'node:events'
import net from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { textOf } from '../../harness/protocols/testing/bytes.ts'
import { killServers, type ServerChild } from '../testing/child.ts'
import { Client, until } from '../testing/client.ts'
import { countersOf, spawnRelay } from '../testing/relay.ts'

const cleanups: (() => unknown)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  await killServers()
})

/** A TCP server that calls `handle` for each connection; returns its address. */
async function listen(handle: (socket: net.Socket) => void): Promise<string> {
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, socket => {
    socket.on('error', () => {})
    handle(socket)
    cleanups.push(() => socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanups.push(() => server.close())
  return `127.0.0.1:${(server.address() as net.AddressInfo).port}`
}

function echo(socket: net.Socket): void {
  socket.pipe(socket)
}

async function connect(relay: ServerChild): Promise<Client> {
  const client = await Client.connect(await relay.address())
  cleanups.push(() => client.socket.destroy())
  return client
}

test('a relay process prints where it listens, then a line a second, and sends its counters', async () => {
  const relay = spawnRelay(await listen(echo), '--rtt', '50ms')
  const client = await connect(relay)
  for (let round = 0; round < 3; round++) {
    client.write('hello')
    expect(textOf(await client.take(5))).toBe('hello')
  }
  expect(relay.stdout).toMatch(/^relay listening on 127\.0\.0\.1:\d+ {3}to tcp:\/\/127\.0\.0\.1:\d+, rtt 50 ms\n/)
  const line = /^[\d:]{8} {2}connections 1 {3}up \d+ B\/s {3}down \d+ B\/s {3}late [\d.]+ (us|ms|s)$/m
  await until('a line', () => line.test(relay.stdout))
  await until('its counters', () => countersOf(relay)?.bytesDown === 15)
  expect(countersOf(relay)).toMatchObject({ connections: 1, bytesUp: 15, resets: 0, lost: 0, rejected: 0 })
})

test('a relay process passes on what is on its way on SIGTERM, and exits 0', async () => {
  const received: Buffer[] = []
  let hasEnded = false
  const to = await listen(socket => {
    socket.on('data', chunk => received.push(chunk))
    socket.on('end', () => {
      hasEnded = true
      socket.end()
    })
  })
  const relay = spawnRelay(to, '--rtt', '800ms')
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

test('a relay process exits at once on a second signal', async () => {
  const relay = spawnRelay(await listen(echo), '--rtt', '9s')
  const client = await connect(relay)
  client.write('hello')
  relay.process.kill('SIGTERM')
  await relay.refuses()
  relay.process.kill('SIGTERM')
  expect(await relay.exited()).toBe(1)
})
