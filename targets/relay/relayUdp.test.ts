import dgram from 'node:dgram'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { killServers, ServerChild } from '../testing/child.ts'
import { until } from '../testing/client.ts'
import { countersOf, startRelay } from '../testing/relay.ts'
import { startUdpRelay } from './udp.ts'

const cleanups: (() => unknown)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  await killServers()
})

/** A UDP socket on this machine, and what came in on it. */
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

async function udpPort(relay: ServerChild): Promise<number> {
  await until('the address', () => relay.messages.length > 0)
  const [message] = relay.messages
  return Number(/^udp:\/\/127\.0\.0\.1:(\d+)$/.exec(message!.type === 'listening' ? message!.address : '')?.[1])
}

test('a relay over UDP adds a round trip, and gives each client its own replies', async () => {
  const server = await udp(answer)
  const relay = startRelay(`udp://127.0.0.1:${server.port}`, '--rtt', '50ms')
  const port = await udpPort(relay)
  const received: string[][] = [[], []]
  const clients = await Promise.all(received.map(texts => udp(bytes => void texts.push(bytes.toString()))))
  const beforeMs = performance.now()
  clients.forEach(({ socket }, index) => {
    socket.send(`from ${index}`, port, '127.0.0.1')
  })
  await until('the replies', () => received.every(texts => texts.length === 1))
  expect(performance.now() - beforeMs).toBeGreaterThanOrEqual(50)
  expect(received).toEqual([['from 0'], ['from 1']])
  await until('its counters', () => countersOf(relay)?.datagramsDown === 2)
  expect(countersOf(relay)).toMatchObject({ connections: 2, datagramsIn: 4, datagramsUp: 2, lost: 0, bytesUp: 12 })
  expect(relay.stdout).toContain(`relay listening on udp://127.0.0.1:${port}   to udp://127.0.0.1:${server.port}, `)
})

test('a relay that loses every datagram passes none', async () => {
  let received = 0
  const server = await udp(() => received++)
  const relay = startRelay(`udp://127.0.0.1:${server.port}`, '--loss', '100%')
  const port = await udpPort(relay)
  const { socket } = await udp(() => {})
  for (let index = 0; index < 20; index++) socket.send('hello', port, '127.0.0.1')
  await until('its counters', () => countersOf(relay)?.lost === 20)
  relay.process.kill('SIGTERM')
  expect(await relay.exited()).toBe(0)
  expect(countersOf(relay)).toMatchObject({ final: true, datagramsIn: 20, datagramsUp: 0, datagramsDown: 0, lost: 20 })
  expect(received).toBe(0)
})

test('a relay over UDP passes or loses all that it was sent by the time it ends', async () => {
  let received = 0
  const server = await udp(() => received++)
  const relay = startRelay(`udp://127.0.0.1:${server.port}`, '--loss', '30%', '--rtt', '400ms', '--jitter', '50ms')
  const port = await udpPort(relay)
  const { socket } = await udp(() => {})
  for (let index = 0; index < 100; index++) socket.send('hello', port, '127.0.0.1')
  await until('the datagrams to be taken', () => countersOf(relay)?.datagramsIn === 100)
  relay.process.kill('SIGTERM')
  expect(await relay.exited()).toBe(0)
  const { datagramsUp, lost } = countersOf(relay)!
  expect(datagramsUp + lost).toBe(100)
  expect(lost).toBeGreaterThan(0)
  await until('what was passed', () => received === datagramsUp)
})

test('a relay over UDP forgets clients that are silent, and takes them again', async () => {
  const server = await udp(answer)
  const relay = startRelay(`udp://127.0.0.1:${server.port}`, '--idle-timeout', '300ms')
  const port = await udpPort(relay)
  let received = 0
  const { socket } = await udp(() => received++)
  for (const round of [1, 2]) {
    socket.send('hello', port, '127.0.0.1')
    await until('the reply', () => received === round)
    await until('the client', () => countersOf(relay)?.connections === 1)
    await until('nobody', () => countersOf(relay)?.connections === 0)
  }
})

test('a relay over UDP rejects datagrams of clients beyond its bound', async () => {
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

test('a relay over UDP leads to a server at no address in particular', async () => {
  const server = await udp(answer)
  const relay = startRelay(`udp://0.0.0.0:${server.port}`)
  const port = await udpPort(relay)
  const received: string[] = []
  const { socket } = await udp(bytes => void received.push(bytes.toString()))
  socket.send('hello', port, '127.0.0.1')
  await until('the reply', () => received.length === 1)
  expect(received).toEqual(['hello'])
})

test('a relay over UDP counts what others than the server send it as rejected', async () => {
  const other = await udp(() => {})
  const server = await udp((bytes, { port, address }, socket) => {
    other.socket.send('not asked for', port, address, () => socket.send(bytes, port, address))
  })
  const relay = startRelay(`udp://127.0.0.1:${server.port}`)
  const port = await udpPort(relay)
  const received: string[] = []
  const { socket } = await udp(bytes => void received.push(bytes.toString()))
  socket.send('hello', port, '127.0.0.1')
  await until('the reply', () => received.length === 1)
  await until('its counters', () => countersOf(relay)?.datagramsDown === 1)
  expect(received).toEqual(['hello'])
  expect(countersOf(relay)).toMatchObject({ rejected: 1, datagramsUp: 1 })
})

test.each(['udp://127.0.0.1:0', 'localhost:0', 'udp://localhost:0'])('a relay over UDP listens at %s', async listen => {
  const server = await udp(answer)
  const flags = ['relay', '--to', `udp://127.0.0.1:${server.port}`, '--listen', listen]
  const relay = ServerChild.start(flags, { ipc: true })
  await until('the first line', () => relay.stdout.includes('\n') || relay.exitCode !== undefined)
  expect(relay.stderr).toBe('')
  expect(relay.stdout).toMatch(/^relay listening on udp:\/\/(127\.0\.0\.1|\[::1\]):\d+ {3}/)
})

test('a relay over UDP says why it cannot listen', async () => {
  const flags = ['relay', '--to', 'udp://127.0.0.1:1', '--listen', 'no-such-host.invalid:0']
  const child = ServerChild.start(flags)
  expect(await child.exited()).toBe(2)
  expect(child.stderr).toBe('cannot listen on udp://no-such-host.invalid:0: the host is not known\n')
})
