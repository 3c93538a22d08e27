import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import { freePort } from '../port.ts'
import { createProtocol } from '../protocols/catalog.ts'
import { protocolSpec } from '../protocols/spec.ts'
import { certificate } from '../transports/testing/certificate.ts'
import type { Address } from '../transports/transport.ts'
import { RawClients } from './rawClient.ts'

const waitMs = 10_000
const cleanups: (() => unknown)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

interface Server {
  readonly address: Address
  /** How each connection ended, in the order in which they ended. */
  readonly ends: string[]
}

type Scheme = 'tcp' | 'tls' | 'unix'

async function serve(handle: (socket: net.Socket) => void, scheme: Scheme = 'tcp'): Promise<Server> {
  const ends: string[] = []
  const sockets = new Set<net.Socket>()
  const accept = (socket: net.Socket) => {
    let end = 'closed'
    sockets.add(socket)
    socket.on('error', (error: NodeJS.ErrnoException) => {
      end = error.code!
    })
    socket.on('close', () => ends.push(end))
    handle(socket)
  }
  const server = scheme === 'tls' ? tls.createServer(certificate, accept) : net.createServer(accept)
  const folder = mkdtempSync(join(tmpdir(), 'volley-'))
  const path = join(folder, 'server.sock')
  server.listen(scheme === 'unix' ? { path } : { host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
    rmSync(folder, { recursive: true, force: true })
  })
  if (scheme === 'unix') return { address: { scheme, path }, ends }
  const { port } = server.address() as net.AddressInfo
  const place = { host: '127.0.0.1', port }
  return {
    address: scheme === 'tls' ? { scheme, ...place, tls: { ca: certificate.cert } } : { scheme, ...place },
    ends,
  }
}

function clientsOf(address: Address, protocol: unknown = 'line'): RawClients {
  const clients = new RawClients(address, createProtocol(protocolSpec(protocol)))
  cleanups.push(() => clients.destroy())
  return clients
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + waitMs
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`the condition did not hold within ${waitMs} ms`)
    await new Promise(resolve => setTimeout(resolve, 1))
  }
}

const echo = (socket: net.Socket) => void socket.pipe(socket)
const text = (line: string) => new TextEncoder().encode(line)

test.each<Scheme>(['tcp', 'tls', 'unix'])('a client splits what it receives into replies: %s', async scheme => {
  const { address, ends } = await serve(echo, scheme)
  const clients = clientsOf(address)
  const client = await clients.connect(waitMs)
  expect(await client.write(text('one\ntwo\nthr'), waitMs)).toBe(true)
  await client.until(() => client.bytesIn === 11, waitMs)
  expect(client.replies).toEqual([
    { bytes: 4, isRefusal: false },
    { bytes: 4, isRefusal: false },
  ])
  expect(client.partialBytes).toBe(3)
  await clients.closeGracefully()
  expect(client.isClosed).toBe(true)
  await until(() => ends.length === 1)
  expect(ends).toEqual(['closed'])
})

test.each<Scheme>(['tcp', 'tls'])('reset() arrives as a reset: %s', async scheme => {
  let bytesRead = 0
  const { address, ends } = await serve(socket => {
    socket.on('data', chunk => {
      bytesRead += chunk.length
    })
  }, scheme)
  const client = await clientsOf(address).connect(waitMs)
  await client.write(text('hal'), waitMs)
  // A reset that arrives before the accept looks like an end.
  await until(() => bytesRead === 3)
  client.reset()
  await until(() => ends.length === 1)
  expect(ends).toEqual(['ECONNRESET'])
})

test('until() ends after its time, and when no further reply can arrive', async () => {
  const { address } = await serve(socket => socket.once('data', () => socket.end()))
  const client = await clientsOf(address).connect(waitMs)
  expect(await client.until(() => false, 20)).toBe(false)
  await client.write(text('x'), waitMs)
  expect(await client.until(() => client.replies.length > 0, 10 * waitMs)).toBe(false)
  expect(client.isEnded).toBe(true)
})

test('bytes that are not a message are reported, and then only counted', async () => {
  const { address } = await serve(socket => void socket.write(Buffer.alloc(1000, 0xff)))
  const client = await clientsOf(address, 'frame').connect(waitMs)
  await until(() => client.bytesIn === 1000)
  expect(client.garbage).toBe('a message that is too large: announces 4 GiB, more than maxFrame 1 MiB')
  expect(client.replies).toEqual([])
})

test('a reply that lasts until the server closes is one, unless it is cut off', async () => {
  for (const [reply, statuses] of [
    ['HTTP/1.0 200 OK\r\n\r\nhello', [200]],
    ['HTTP/1.0 200 OK\r\nServer', []],
    ['HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nhello', []],
  ] as const) {
    const { address } = await serve(socket => void socket.end(reply))
    const client = await clientsOf(address, 'http').connect(waitMs)
    await until(() => client.isEnded)
    expect(client.replies.map(({ status }) => status)).toEqual(statuses)
    expect(client.partialBytes).toBe(statuses.length === 1 ? 0 : reply.length)
  }
})

test('ids, types and statuses of replies are kept', async () => {
  const frames = createProtocol(protocolSpec('rpc'))
  const { address } = await serve(socket => void socket.write(frames.encode({ body: text('a'), id: 7, type: 3 })))
  const rpc = await clientsOf(address, 'rpc').connect(waitMs)
  await rpc.until(() => rpc.replies.length === 1, waitMs)
  expect(rpc.replies).toEqual([{ bytes: 24, isRefusal: false, id: 7, type: 3 }])
  const http = await serve(socket => void socket.write('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n'))
  const client = await clientsOf(http.address, 'http').connect(waitMs)
  await client.until(() => client.replies.length === 1, waitMs)
  expect(client.replies).toEqual([{ bytes: 45, isRefusal: true, status: 404 }])
})

test('a paused client receives nothing', async () => {
  const { address } = await serve(socket => {
    socket.on('data', () => {
      const more = () => void (socket.write(Buffer.alloc(65_536, 10)) && setImmediate(more))
      more()
    })
  })
  const client = await clientsOf(address).connect(waitMs)
  client.pause()
  await client.write(text('go\n'), waitMs)
  await client.until(() => false, 50)
  expect(client.bytesIn).toBe(0)
})

test('connect() says why there is no connection', async () => {
  const port = await freePort()
  for (const scheme of ['tcp', 'tls'] as const) {
    const clients = clientsOf({ scheme, host: '127.0.0.1', port })
    await expect(clients.connect(waitMs)).rejects.toThrow('connection refused')
  }
})

test('destroy() closes every connection, ends every wait and prevents new connections', async () => {
  const { address, ends } = await serve(echo)
  const clients = clientsOf(address)
  const [one, two] = [await clients.connect(waitMs), await clients.connect(waitMs)]
  const wait = one.until(() => false, 10 * waitMs)
  clients.destroy()
  expect(await wait).toBe(false)
  await two.until(() => two.isClosed, waitMs, 'closed')
  await until(() => ends.length === 2)
  await expect(clients.connect(waitMs)).rejects.toThrow('the trial is over')
})
