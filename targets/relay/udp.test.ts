import dgram from 'node:dgram'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import type { ManagedServer } from '../server/managedServer.ts'
import { until } from '../testing/client.ts'
import { openRelay } from '../testing/relay.ts'
import type { RelayCounters } from './counters.ts'
import { startUdpRelay } from './udp.ts'

const cleanups: (() => unknown)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** A UDP socket on this machine that calls `handle` for each datagram. */
async function udp(handle: (bytes: Buffer, from: dgram.RemoteInfo, socket: dgram.Socket) => void) {
  const socket = dgram.createSocket('udp4')
  socket.on('message', (bytes, from) => handle(bytes, from, socket))
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  cleanups.push(() => socket.close())
  return { socket, port: socket.address().port }
}

function answer(bytes: Buffer, from: dgram.RemoteInfo, socket: dgram.Socket): void {
  socket.send(bytes, from.port, from.address)
}

async function open(
  ...args: Parameters<typeof openRelay>
): Promise<{ relay: ManagedServer<RelayCounters>; port: number }> {
  const relay = await openRelay(...args)
  cleanups.push(() => relay.stop())
  return { relay, port: (relay.address as { port: number }).port }
}

test('a relay over UDP adds a round trip, and gives each client its own replies', async () => {
  const server = await udp(answer)
  const { relay, port } = await open(`udp://127.0.0.1:${server.port}`, { rtt: '50ms' })
  const received: string[][] = [[], []]
  const clients = await Promise.all(received.map(texts => udp(bytes => void texts.push(bytes.toString()))))
  const beforeMs = performance.now()
  clients.forEach(({ socket }, index) => {
    socket.send(`from ${index}`, port, '127.0.0.1')
  })
  await until('the replies', () => received.every(texts => texts.length === 1))
  expect(performance.now() - beforeMs).toBeGreaterThanOrEqual(50)
  expect(received).toEqual([['from 0'], ['from 1']])
  await until('its counters', () => relay.counters().datagramsDown === 2)
  expect(relay.counters()).toMatchObject({ connections: 2, datagramsIn: 4, datagramsUp: 2, lost: 0, bytesUp: 12 })
})

test('a relay that loses every datagram passes none on', async () => {
  let received = 0
  const server = await udp(() => received++)
  const { relay, port } = await open(`udp://127.0.0.1:${server.port}`, { loss: '100%' })
  const { socket } = await udp(() => {})
  for (let index = 0; index < 20; index++) socket.send('hello', port, '127.0.0.1')
  await until('its counters', () => relay.counters().lost === 20)
  await relay.stop()
  expect(relay.counters()).toMatchObject({ datagramsIn: 20, datagramsUp: 0, datagramsDown: 0, lost: 20 })
  expect(received).toBe(0)
})

test('a relay over UDP has passed on or lost every datagram by the time it stops', async () => {
  let received = 0
  const server = await udp(() => received++)
  const { relay, port } = await open(`udp://127.0.0.1:${server.port}`, { loss: '30%', rtt: '400ms', jitter: '50ms' })
  const { socket } = await udp(() => {})
  for (let index = 0; index < 100; index++) socket.send('hello', port, '127.0.0.1')
  await until('the datagrams to be taken', () => relay.counters().datagramsIn === 100)
  await relay.stop()
  const { datagramsUp, lost } = relay.counters()
  expect(datagramsUp + lost).toBe(100)
  expect(lost).toBeGreaterThan(0)
  await until('what was passed', () => received === datagramsUp)
})

test('a relay over UDP forgets silent clients, and accepts them again', async () => {
  const server = await udp(answer)
  const { relay, port } = await open(`udp://127.0.0.1:${server.port}`, { idleTimeout: '300ms' })
  let received = 0
  const { socket } = await udp(() => received++)
  for (const round of [1, 2]) {
    socket.send('hello', port, '127.0.0.1')
    await until('the reply', () => received === round)
    await until('the client', () => relay.counters().connections === 1)
    await until('no client', () => relay.counters().connections === 0)
  }
})

test('a relay over UDP rejects datagrams of clients beyond its limit', async () => {
  const server = await udp(answer)
  const listen = { host: '127.0.0.1', port: 0 }
  const options = { listen, settings: {}, seed: 1, idleTimeoutMs: 60_000 }
  const relay = await startUdpRelay({ scheme: 'udp', host: '127.0.0.1', port: server.port }, options, 1)
  cleanups.push(() => relay.stop())
  const { port } = relay.address as { port: number }
  const received: string[] = []
  const first = await udp(bytes => void received.push(bytes.toString()))
  const second = await udp(bytes => void received.push(bytes.toString()))
  first.socket.send('first', port, '127.0.0.1')
  await until('the reply', () => received.length === 1)
  second.socket.send('second', port, '127.0.0.1')
  await until('the refusal', () => relay.counters().rejected === 1)
  first.socket.send('again', port, '127.0.0.1')
  await until('the reply', () => received.length === 2)
  expect(received).toEqual(['first', 'again'])
})

test('a relay over UDP reaches a server by the unspecified address', async () => {
  const server = await udp(answer)
  const { port } = await open(`udp://0.0.0.0:${server.port}`)
  const received: string[] = []
  const { socket } = await udp(bytes => void received.push(bytes.toString()))
  socket.send('hello', port, '127.0.0.1')
  await until('the reply', () => received.length === 1)
  expect(received).toEqual(['hello'])
})

test('a relay over UDP rejects datagrams that are not from the server', async () => {
  const other = await udp(() => {})
  const server = await udp((bytes, { port, address }, socket) => {
    other.socket.send('not asked for', port, address, () => socket.send(bytes, port, address))
  })
  const { relay, port } = await open(`udp://127.0.0.1:${server.port}`)
  const received: string[] = []
  const { socket } = await udp(bytes => void received.push(bytes.toString()))
  socket.send('hello', port, '127.0.0.1')
  await until('the reply', () => received.length === 1)
  await until('its counters', () => relay.counters().datagramsDown === 1)
  expect(received).toEqual(['hello'])
  expect(relay.counters()).toMatchObject({ rejected: 1, datagramsUp: 1 })
})

test.each(['udp://127.0.0.1:0', 'localhost:0', 'udp://localhost:0'])('a relay over UDP listens at %s', async listen => {
  const server = await udp(answer)
  const { relay } = await open(`udp://127.0.0.1:${server.port}`, { listen })
  expect(relay).toMatchObject({ scheme: 'udp', address: { host: expect.stringMatching(/^(127\.0\.0\.1|::1)$/) } })
})

test('a relay over UDP says why it cannot listen', async () => {
  await expect(openRelay('udp://127.0.0.1:1', { listen: 'no-such-host.invalid:0' })).rejects.toThrow(
    'cannot listen on udp://no-such-host.invalid:0: the host is not known',
  )
})
