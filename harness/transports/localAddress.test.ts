import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, expect, test } from 'vitest'
import { formatHost } from '../address.ts'
import { createEpollTransport } from './epoll.ts'
import { type Libc, loadLibc } from './libc.ts'
import { createNodeTransport } from './node.ts'
import { certificate } from './testing/certificate.ts'
import { type Address, finished, type Loop, type Transport, type TransportOptions } from './transport.ts'
import { createUdpTransport } from './udp.ts'
import { WrappedTransport } from './wrapped.ts'

type Scheme = 'tcp' | 'udp' | 'tls' | 'unix'
type Create = (options: TransportOptions) => Transport

const msMax = 10_000
const wakeMs = 50
const v4 = '127.0.0.1'
const v6 = '::1'

const rows: [string, Scheme, string, Create][] = [
  ['node', 'tcp', v4, createNodeTransport],
  ['node', 'tcp', v6, createNodeTransport],
  ['node', 'tls', v4, createNodeTransport],
  ['node', 'unix', '', createNodeTransport],
  ['udp', 'udp', v4, createUdpTransport],
  ['udp', 'udp', v6, createUdpTransport],
]
const libc = loadLibc()
if (typeof libc === 'string') console.warn(`skipped: the epoll transport, because ${libc}`)
else {
  const epoll: Create = options => createEpollTransport(libc as Libc, options)
  rows.push(['epoll', 'tcp', v4, epoll], ['epoll', 'tcp', v6, epoll], ['epoll', 'unix', '', epoll])
  rows.push(['epoll', 'udp', v4, epoll], ['epoll', 'udp', v6, epoll])
}

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

/** Starts a server, in a thread of its own, that tells each client by which address it knows it. */
async function startCaller(scheme: Scheme, host: string): Promise<Address> {
  const folder = mkdtempSync(join(tmpdir(), 'volley-'))
  cleanups.push(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'socket')
  const workerData = { scheme, peer: 'caller', host, path, certificate }
  const thread = new Worker(new URL('./testing/peer.mjs', import.meta.url), { workerData })
  cleanups.push(() => thread.terminate())
  const [port] = await once(thread, 'message')
  if (scheme === 'unix') return { scheme, path }
  return scheme === 'tls' ? { scheme, host, port, tls: { ca: certificate.cert } } : { scheme, host, port }
}

class Plain extends WrappedTransport {
  connect = (link: number) => this.transport.connect(link)
  write = (link: number, bytes: Uint8Array, from: number, to: number) => this.transport.write(link, bytes, from, to)
  close = (link: number) => this.transport.close(link)
  run = (loop: Loop) => this.transport.run(loop)
}

/** Connects twice; the addresses that the transport gave and those that the server saw. */
async function converse(transport: Transport): Promise<{ own: (string | undefined)[]; seen: string[] }> {
  const own: (string | undefined)[] = []
  const seen: string[] = []
  let startedAt: number | undefined
  let isDone = false
  await transport.run({
    opened(link) {
      own.push(transport.localAddress!(link))
      transport.write(link, Buffer.from('x'), 0, 1)
    },
    received(link, bytes, from, to) {
      seen.push(Buffer.from(bytes.subarray(from, to)).toString())
      transport.close(link)
      expect(transport.localAddress!(link)).toBeUndefined()
      isDone = seen.length === 2
      if (isDone) transport.wakeAt(transport.now())
      else transport.connect(link)
    },
    closed(_link, cause) {
      throw new Error(`the connection closed: ${cause}`)
    },
    wake(now) {
      if (startedAt === undefined) transport.connect(0)
      startedAt ??= now
      if (now > startedAt + msMax) throw new Error(`waited ${msMax} ms for the server`)
      return isDone ? finished : now + wakeMs
    },
  })
  return { own, seen }
}

test.each(rows)(
  'localAddress() of the %s transport is what the server sees, over %s %s',
  async (_, scheme, host, create) => {
    const transport = new Plain(create({ address: await startCaller(scheme, host), links: 1 }))
    expect(transport.localAddress(0)).toBeUndefined()
    const { own, seen } = await converse(transport)
    if (scheme === 'unix') {
      expect(own).toEqual([undefined, undefined])
      return
    }
    expect(own).toEqual(
      seen.map(text => /^(\S+) (\d+);$/.exec(text)!).map(([, ip, port]) => `${formatHost(ip!)}:${port}`),
    )
    expect(own[0]).not.toBe(own[1])
    expect(own[0]!.startsWith(`${formatHost(host)}:`)).toBe(true)
  },
)
