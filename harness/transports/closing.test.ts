import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { describe, expect, test } from 'vitest'
import type { FailureKind } from '../failures.ts'
import { connectCause } from './connectCause.ts'
import { createEpollTransport } from './epoll.ts'
import { type Libc, loadLibc } from './libc.ts'
import { createNodeTransport } from './node.ts'
import { certificate } from './testing/certificate.ts'
import { type Address, finished, type Transport, type TransportOptions } from './transport.ts'

const libc = loadLibc()
type Create = (options: TransportOptions) => Transport
const streams: [string, 'tcp' | 'tls', Create][] = [
  ['node', 'tcp', createNodeTransport],
  ['node', 'tls', createNodeTransport],
]
if (typeof libc === 'string') console.warn(`skipped: the epoll transport, because ${libc}`)
else streams.push(['epoll', 'tcp', options => createEpollTransport(libc as Libc, options)])

/**
 * A server in a thread of its own, because the epoll transport blocks this one. It posts its port, and then how each
 * connection ended.
 */
const server = `
const { parentPort, workerData } = require('node:worker_threads')
const { scheme, certificate, closes } = workerData
const accepted = socket => {
  socket.on('error', error => parentPort.postMessage(error.code))
  socket.on('end', () => parentPort.postMessage('end'))
  socket.resume()
  if (closes) socket.destroy()
  else socket.write('welcome')
}
const server = scheme === 'tls' && !closes
  ? require('node:tls').createServer(certificate, accepted)
  : require('node:net').createServer(accepted)
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))`

async function serve(scheme: string, closes = false): Promise<{ thread: Worker; port: number }> {
  const thread = new Worker(server, { eval: true, workerData: { scheme, certificate, closes } })
  const [port] = await once(thread, 'message')
  return { thread, port }
}

function addressOf(scheme: 'tcp' | 'tls', port: number): Address {
  const host = '127.0.0.1'
  return scheme === 'tcp' ? { scheme, host, port } : { scheme, host, port, tls: { ca: certificate.cert } }
}

/** Connects one link; returns the cause if that fails, and else closes it in the given way once the server has spoken. */
async function connectAndClose(transport: Transport, isReset: boolean): Promise<FailureKind | undefined> {
  let cause: FailureKind | undefined
  let done = false
  let isConnecting = false
  const leave = (found?: FailureKind) => {
    cause = found
    done = true
    transport.wakeAt(transport.now())
  }
  await transport.run({
    opened: () => {},
    received: link => {
      transport.close(link, isReset)
      leave()
    },
    closed: (_, found) => leave(found),
    wake: now => {
      if (done) return finished
      if (!isConnecting) transport.connect(0)
      isConnecting = true
      return now + 20
    },
  })
  return cause
}

describe.each(streams)('transport %s over %s', (_, scheme, create) => {
  test.each([
    // Node has no way to the socket below TLS: schemes other than tcp are refused where a scenario asks for resets.
    [true, scheme === 'tls' ? 'end' : 'ECONNRESET'],
    [false, 'end'],
  ])('closes a connection by a reset: %s', async (isReset, seen) => {
    const { thread, port } = await serve(scheme)
    const ended = once(thread, 'message')
    expect(await connectAndClose(create({ address: addressOf(scheme, port), links: 1 }), isReset)).toBeUndefined()
    expect(await ended).toEqual([seen])
    await thread.terminate()
  })

  test('reports an address that is not of this machine as a lack of ports, and connects from no other', async () => {
    const { thread, port } = await serve(scheme)
    // 192.0.2.0/24 is for documentation.
    const options = { address: addressOf(scheme, port), links: 1, sourceAddresses: ['192.0.2.1'] }
    expect(await connectAndClose(create(options), false)).toBe('no-free-port')
    await thread.terminate()
  })
})

test('the node transport tells a connection that is closed in the TLS handshake apart from a failed connect', async () => {
  const { thread, port } = await serve('tls', true)
  const transport = createNodeTransport({ address: addressOf('tls', port), links: 1 })
  expect(await connectAndClose(transport, false)).toBe('handshake-closed')
  await thread.terminate()
})

test.each<[string | undefined, FailureKind]>([
  ['ECONNREFUSED', 'connect-refused'],
  ['ENOENT', 'connect-refused'],
  ['ETIMEDOUT', 'connect-timeout'],
  ['EADDRNOTAVAIL', 'no-free-port'],
  ['EAGAIN', 'no-free-port'],
  ['EMFILE', 'no-descriptor'],
  ['ENFILE', 'no-descriptor'],
  ['ENETUNREACH', 'unreachable'],
  ['EHOSTUNREACH', 'unreachable'],
  ['EACCES', 'connect-failed'],
  [undefined, 'connect-failed'],
])('connectCause() of %s is %s', (error, kind) => {
  expect(connectCause(error, false)).toBe(kind)
})

test('connectCause() of a unix socket whose queue is full blames no ports', () => {
  expect(connectCause('EAGAIN', true)).toBe('connect-failed')
})
