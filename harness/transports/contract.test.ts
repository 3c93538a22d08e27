import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, test } from 'vitest'
import type { FailureKind } from '../failures.ts'
import { datagramBytesMax } from '../protocols/datagram.ts'
import { createEpollTransport } from './epoll.ts'
import { type Libc, loadLibc } from './libc.ts'
import { createMemoryTransport, type MemoryServer } from './memory.ts'
import { createNodeTransport } from './node.ts'
import { certificate } from './testing/certificate.ts'
import {
  finished,
  type Loop,
  type TcpInfo,
  type Transport,
  type TransportOptions,
  writeQueueBytesMax,
  written,
} from './transport.ts'
import { createUdpTransport } from './udp.ts'

/** How the server behaves; every row has a server for each. */
type Peer =
  | 'echo'
  | 'silent'
  | 'close-on-accept'
  | 'close-on-data'
  | 'reset-on-data'
  | 'absent'
  | 'not-reading'
  | 'namer'

interface Row {
  readonly name: string
  open(peer: Peer, links: number): Promise<Transport>
}

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

const memoryPeers: Record<Peer, MemoryServer> = {
  echo: { received: (connection, bytes) => connection.send(bytes, 0.1) },
  silent: {},
  'close-on-accept': { accepted: connection => connection.close(1) },
  'close-on-data': { received: connection => connection.close(1) },
  'reset-on-data': { received: connection => connection.reset(1) },
  absent: { refuses: () => 'connect-refused' },
  'not-reading': { accepted: connection => connection.stopReading() },
  namer: {},
}

type Create = (options: TransportOptions) => Transport

const createNode: Create = options => createNodeTransport(options)
const createUdp: Create = options => createUdpTransport(options)
const libc = loadLibc()
const createEpoll: Create = options => createEpollTransport(libc as Libc, options)

function socketRow(name: string, create: Create, scheme: 'tcp' | 'udp' | 'unix' | 'tls', host = '127.0.0.1'): Row {
  return {
    name: `${name} over ${scheme}${host === '::1' ? ', IPv6' : ''}`,
    async open(peer, links) {
      const { port, path } = await startPeer(scheme, peer, host)
      if (scheme === 'unix') return create({ address: { scheme, path }, links })
      if (scheme === 'tcp' || scheme === 'udp') return create({ address: { scheme, host, port }, links })
      return create({ address: { scheme, host, port, tls: { ca: certificate.cert } }, links })
    },
  }
}

/** Starts the server in a thread of its own; returns its port, and the path of its unix socket. */
async function startPeer(scheme: string, peer: Peer, host: string): Promise<{ port: number; path: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'volley-'))
  cleanups.push(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'socket')
  const workerData = { scheme, peer, host, path, certificate }
  const thread = new Worker(new URL('./testing/peer.mjs', import.meta.url), { workerData })
  cleanups.push(() => thread.terminate())
  const [port] = await once(thread, 'message')
  return { port, path }
}

const streamRows: Row[] = [
  socketRow('node', createNode, 'tcp'),
  socketRow('node', createNode, 'tcp', '::1'),
  socketRow('node', createNode, 'unix'),
  socketRow('node', createNode, 'tls'),
  { name: 'memory', open: async peer => createMemoryTransport(memoryPeers[peer]) },
]
const datagramRows: Row[] = [socketRow('udp', createUdp, 'udp'), socketRow('udp', createUdp, 'udp', '::1')]
if (typeof libc === 'string') console.warn(`skipped: the epoll transport, because ${libc}`)
else {
  datagramRows.push(socketRow('epoll', createEpoll, 'udp'), socketRow('epoll', createEpoll, 'udp', '::1'))
  streamRows.push(
    socketRow('epoll', createEpoll, 'tcp'),
    socketRow('epoll', createEpoll, 'tcp', '::1'),
    socketRow('epoll', createEpoll, 'unix'),
  )
}

/** A loop that records its events, acts on them with the given functions, and gives up after ten seconds. */
class Script implements Loop {
  readonly events: string[] = []
  readonly bytes: Uint8Array[] = []
  receivedBytes = 0
  done = false
  readonly #act: Partial<Loop>
  readonly #transport: Transport
  #until: number | undefined
  #started = false

  constructor(transport: Transport, act: Partial<Loop>) {
    this.#transport = transport
    this.#act = act
  }

  opened(link: number, now: number): void {
    this.events.push(`opened ${link}`)
    this.#act.opened?.(link, now)
  }
  received(link: number, bytes: Uint8Array, from: number, to: number, now: number): void {
    this.receivedBytes += to - from
    this.bytes.push(Uint8Array.from(bytes.subarray(from, to)))
    this.#act.received?.(link, bytes, from, to, now)
  }
  closed(link: number, cause: FailureKind, now: number): void {
    this.events.push(`closed ${link} ${cause}`)
    this.#act.closed?.(link, cause, now)
  }
  wake(now: number): number {
    this.#until ??= now + 10_000
    if (!this.#started) {
      this.#started = true
      this.#transport.connect(0)
    }
    if (now >= this.#until) this.events.push('gave up')
    return this.done || now >= this.#until ? finished : (this.#act.wake?.(now) ?? now + 20)
  }
  end(): void {
    this.done = true
    this.#transport.wakeAt(0)
  }
  text(): string {
    return Buffer.concat(this.bytes).toString('latin1')
  }
}

describe.each([...streamRows, ...datagramRows])('the transport contract: $name', ({ open }) => {
  test('opens, writes a range, receives it back and ends', async () => {
    const transport = await open('echo', 1)
    const script: Script = new Script(transport, {
      opened: link => transport.write(link, Buffer.from('<hello>'), 1, 6),
      received: () => script.receivedBytes === 5 && script.end(),
    })
    await transport.run(script)
    expect(script.events).toEqual(['opened 0'])
    expect(script.text()).toBe('hello')
  })

  test('reports no more events of a closed link, and connects it again', async () => {
    const transport = await open('echo', 1)
    let opens = 0
    const script: Script = new Script(transport, {
      opened(link) {
        transport.write(link, Buffer.from(`${++opens}`), 0, 1)
        if (opens === 3) return
        transport.close(link)
        transport.connect(link)
      },
      received: () => script.end(),
    })
    await transport.run(script)
    expect(script.events).toEqual(['opened 0', 'opened 0', 'opened 0'])
    expect(script.text()).toBe('3')
  })

  test('keeps the bytes of links apart', async () => {
    const transport = await open('echo', 20)
    const got = new Map<number, string>()
    const script: Script = new Script(transport, {
      opened(link) {
        if (link < 19) transport.connect(link + 1)
        const bytes = Buffer.from(`from ${link}.`)
        transport.write(link, bytes, 0, bytes.length)
      },
      received(link, bytes, from, to) {
        got.set(link, (got.get(link) ?? '') + Buffer.from(bytes.subarray(from, to)).toString())
        if (got.size === 20 && [...got.values()].every(text => text.endsWith('.'))) script.end()
      },
    })
    await transport.run(script)
    expect([...got].every(([link, text]) => text === `from ${link}.`)).toBe(true)
  })

  test('wakes when it was asked to, and earlier when asked again', async () => {
    const transport = await open('silent', 1)
    const wakes: number[] = []
    let openedAt = 0
    const script: Script = new Script(transport, {
      opened(_, now) {
        openedAt = now
        transport.wakeAt(now + 5)
      },
      wake(now) {
        wakes.push(now)
        if (openedAt > 0 && now >= openedAt + 5) script.done = true
        return script.done ? finished : now + 5000
      },
    })
    await transport.run(script)
    expect(script.events).toEqual(['opened 0'])
    expect(wakes).toHaveLength(2)
    expect(wakes[1]! - openedAt).toBeGreaterThanOrEqual(5)
  })

  test('rejects with the error that the loop throws', async () => {
    const transport = await open('silent', 1)
    const script = new Script(transport, {
      wake() {
        throw new Error('broken loop')
      },
    })
    await expect(transport.run(script)).rejects.toThrow('broken loop')
  })
})

describe.each(streamRows)('the transport contract of streams: $name', ({ open }) => {
  test('keeps the order of many writes', async () => {
    const transport = await open('echo', 1)
    const expected = Array.from({ length: 500 }, (_, index) => `${index};`).join('')
    const script: Script = new Script(transport, {
      opened(link) {
        for (let index = 0; index < 500; index++) {
          const bytes = Buffer.from(`${index};`)
          transport.write(link, bytes, 0, bytes.length)
        }
      },
      received: () => script.receivedBytes === expected.length && script.end(),
    })
    await transport.run(script)
    expect(script.text()).toBe(expected)
  })

  test('delivers a large write whole, and reports whether it still needs the bytes', async () => {
    const transport = await open('echo', 1)
    const bytes = Buffer.alloc(8 * 1024 * 1024, 'abcdefghijklmnopqrstuvwxyz0')
    const original = Buffer.from(bytes)
    const script: Script = new Script(transport, {
      opened(link) {
        // Taken bytes may be changed at once; kept bytes must not be changed.
        if (transport.write(link, bytes, 0, bytes.length) === written.taken) bytes.fill(0)
      },
      received: () => script.receivedBytes === original.length && script.end(),
    })
    await transport.run(script)
    expect(Buffer.concat(script.bytes).equals(original)).toBe(true)
  })

  test('refuses a write when the queue is full or the link is not open', async () => {
    const transport = await open('not-reading', 1)
    const block = Buffer.alloc(4 * 1024 * 1024)
    const results: number[] = []
    const script: Script = new Script(transport, {
      opened(link) {
        for (let count = 0; count < (2 * writeQueueBytesMax) / block.length; count++) {
          results.push(transport.write(link, block, 0, block.length))
        }
        transport.close(link)
        results.push(transport.write(link, block, 0, 1))
        script.end()
      },
    })
    await transport.run(script)
    const accepted = results.indexOf(written.refused)
    expect(accepted).toBeGreaterThanOrEqual(writeQueueBytesMax / block.length - 1)
    expect(results.slice(accepted).every(result => result === written.refused)).toBe(true)
  })

  test.each([
    ['absent', () => 'connect-refused'],
    ['close-on-accept', () => 'closed-early'],
    ['close-on-data', () => 'closed-early'],
    ['reset-on-data', name => (/unix|tls/.test(name) ? 'closed-early' : 'reset')],
  ] as [Peer, (name: string) => FailureKind][])('reports the cause when the peer is %s', async (peer, cause) => {
    const transport = await open(peer, 1)
    const script: Script = new Script(transport, {
      opened: link => peer.endsWith('data') && transport.write(link, Buffer.from('x'), 0, 1),
      closed: () => script.end(),
    })
    await transport.run(script)
    const name = expect.getState().currentTestName!
    expect(script.events.at(-1)).toBe(`closed 0 ${cause(name)}`)
  })
})

describe.each(datagramRows)('the transport contract: $name', ({ open }) => {
  test('sends each write as a datagram of its own, up to the longest possible', async () => {
    const transport = await open('echo', 1)
    const sent = ['one', 'two', 'three'].map(text => Buffer.from(text))
    const longest = Buffer.alloc(datagramBytesMax, 'abcdefg')
    const script: Script = new Script(transport, {
      opened(link) {
        for (const bytes of sent) transport.write(link, bytes, 0, bytes.length)
      },
      received(link) {
        if (script.bytes.length === 3) transport.write(link, longest, 0, longest.length)
        if (script.bytes.length === 4) script.end()
      },
    })
    await transport.run(script)
    expect(script.events).toEqual(['opened 0'])
    expect(script.bytes.map(bytes => Buffer.compare(bytes, [...sent, longest][script.bytes.indexOf(bytes)]!))).toEqual([
      0, 0, 0, 0,
    ])
  })

  test.each([1, 2, 3])('reports that nothing listens, after %i writes', async writes => {
    const transport = await open('absent', 1)
    const script: Script = new Script(transport, {
      opened(link) {
        for (let write = 0; write < writes; write++) transport.write(link, Buffer.from('x'), 0, 1)
      },
      closed: () => script.end(),
    })
    await transport.run(script)
    expect(script.events).toEqual(['opened 0', 'closed 0 connect-refused'])
  })

  test('has another port when it connects again, so that late datagrams to the old one are lost', async () => {
    const transport = await open('namer', 1)
    const script: Script = new Script(transport, {
      opened: link => transport.write(link, Buffer.from('x'), 0, 1),
      received(link) {
        if (script.bytes.length === 2) return script.end()
        transport.close(link)
        transport.connect(link)
      },
    })
    await transport.run(script)
    const [first, second] = script.text().split(';')
    expect(first).toMatch(/^\S+ \d+$/)
    expect(second).not.toBe(first)
  })
})

const tcpTransports: [string, Create][] = [['node', createNode]]
const udpTransports: [string, Create][] = [['udp', createUdp]]
if (typeof libc !== 'string') {
  tcpTransports.push(['epoll', createEpoll])
  udpTransports.push(['epoll', createEpoll])
}

test.each([
  ...tcpTransports.map(([name, create]) => [name, 'tcp', create] as const),
  ...udpTransports.map(([name, create]) => [name, 'udp', create] as const),
])('the %s transport connects from its source addresses in turn: %s', async (_, scheme, create) => {
  const { port } = await startPeer(scheme, 'namer', '127.0.0.1')
  const sourceAddresses = ['127.0.0.7', '127.0.0.8', '127.0.0.9']
  const address = { scheme, host: '127.0.0.1', port } as const
  const transport = create({ address, links: 4, sourceAddresses, firstConnection: 1 })
  const named: string[] = []
  const script: Script = new Script(transport, {
    opened(link) {
      if (scheme === 'udp') transport.write(link, Buffer.from('x'), 0, 1)
      if (link < 3) transport.connect(link + 1)
    },
    received(link, bytes, from, to) {
      named[link] = Buffer.from(bytes.subarray(from, to)).toString().replace(/ .*;/, ';')
      if (named.filter(Boolean).length === 4) script.end()
    },
  })
  await transport.run(script)
  expect(named).toEqual(['127.0.0.8;', '127.0.0.9;', '127.0.0.7;', '127.0.0.8;'])
})

test.each(tcpTransports)(
  'the %s transport takes the next source address for the next connection',
  async (_, create) => {
    const { port } = await startPeer('tcp', 'namer', '127.0.0.1')
    const sourceAddresses = ['127.0.0.7', '127.0.0.8']
    const transport = create({ address: { scheme: 'tcp', host: '127.0.0.1', port }, links: 1, sourceAddresses })
    const named: string[] = []
    const script: Script = new Script(transport, {
      received(link, bytes, from, to) {
        named.push(Buffer.from(bytes.subarray(from, to)).toString())
        if (named.length === 3) return script.end()
        transport.close(link)
        transport.connect(link)
      },
    })
    await transport.run(script)
    expect(named).toEqual(['127.0.0.7;', '127.0.0.8;', '127.0.0.7;'])
  },
)

test.skipIf(typeof libc === 'string')(
  'the epoll transport returns the figures of the kernel for a connection',
  async () => {
    const { port } = await startPeer('tcp', 'echo', '127.0.0.1')
    const transport = createEpoll({ address: { scheme: 'tcp', host: '127.0.0.1', port }, links: 1 })
    let atOpen: TcpInfo | undefined
    const script: Script = new Script(transport, {
      opened(link) {
        atOpen = { ...transport.tcpInfo!(link)! }
        transport.write(link, Buffer.from('hello'), 0, 5)
      },
      received: () => script.end(),
    })
    expect(transport.tcpInfo!(0)).toBeUndefined()
    await transport.run(script)
    expect(atOpen!.roundTripMs).toBeGreaterThan(0)
    expect(atOpen!.roundTripMs).toBeLessThan(1000)
    expect(atOpen!.leastRoundTripMs).toBeGreaterThan(0)
    expect(atOpen!.leastRoundTripMs).toBeLessThanOrEqual(atOpen!.roundTripMs)
    expect(transport.retransmits).toBe(0)
  },
)
