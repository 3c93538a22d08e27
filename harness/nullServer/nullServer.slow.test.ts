import { once } from 'node:events'
import { existsSync } from 'node:fs'
import net from 'node:net'
import { dirname } from 'node:path'
import { afterAll, describe, expect, type TestContext, test } from 'vitest'
import type { RequestBank } from '../plan/bank.ts'
import { encodeRequests } from '../plan/requests.ts'
import { createProtocol } from '../protocols/catalog.ts'
import type { Protocol } from '../protocols/protocol.ts'
import type { ProtocolSpec } from '../protocols/protocolSpec.ts'
import { protocolSpec } from '../protocols/spec.ts'
import { parseScenario } from '../scenario/load.ts'
import { loadLibc } from '../transports/libc.ts'
import type { Address } from '../transports/transport.ts'
import { planNullReplies } from './nullReplies.ts'
import { chooseNullWay, type NullServer, type NullServerOptions, type NullWay, startNullServer } from './nullServer.ts'

const libc = loadLibc()
if (typeof libc === 'string') console.warn(`skipped: the null server on epoll, because ${libc}`)
const ways: readonly NullWay[] = typeof libc === 'string' ? ['node'] : ['epoll', 'node']
const waitMsMax = 20_000
/** When nothing was written for this long, the buffers are full. */
const stallMs = 50

function bankOf(protocol: ProtocolSpec, sends: readonly unknown[]): RequestBank {
  const steps = sends.map(send => ({ send }))
  const yaml = JSON.stringify({ name: 'null', target: { serve: 'echo' }, protocol: 'raw', loop: [{ send: 'a' }] })
  const { scenario } = parseScenario(yaml, 'null.yaml', [], {})
  const loop = steps.map(({ send }) => ({ send: send as string, think: 0 }))
  return encodeRequests(
    { ...scenario, protocol, loop },
    createProtocol(protocol),
    { files: new Map(), rows: [] } as never,
    1,
  )
}

interface StartOptions extends Partial<NullServerOptions> {
  readonly sends: readonly unknown[]
  readonly protocol: ProtocolSpec
  readonly meanReplyBytes?: number
}

/** By their options: a thread takes a tenth of a second to start, so tests with the same options share a server. */
const servers = new Map<string, Promise<NullServer>>()
afterAll(async () => {
  for (const server of servers.values()) await (await server).stop()
})

const knownWith = (meanReplyBytes: number) => {
  return { meanReplyBytes, replies: [], deliveriesPerReply: 0, pipeline: 1, hasLayers: false }
}

/** A null server for the requests of one loop. */
async function start({ sends, protocol, meanReplyBytes = 0, ...given }: StartOptions) {
  const bank = bankOf(protocol, sends)
  const replies = planNullReplies(protocol, bank, knownWith(meanReplyBytes))
  if (typeof replies === 'string') throw new Error(replies)
  const options = { way: 'node', scheme: 'tcp', threads: 1, replies, ...given } as const
  const key = JSON.stringify(options)
  if (!servers.has(key)) servers.set(key, startNullServer(options))
  return { ...(await servers.get(key)!), bank }
}

/** Connects; the socket is closed with the test. */
async function connect(context: TestContext, address: Address): Promise<net.Socket> {
  const socket = net.connect(address.scheme === 'unix' ? { path: address.path } : { ...address, family: 4 })
  context.onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  return socket
}

/** Reads until `bytes` bytes are in, or the other side has ended. */
async function take(socket: net.Socket, bytes: number): Promise<Buffer> {
  const parts: Buffer[] = []
  let length = 0
  const timer = setTimeout(() => socket.destroy(new Error(`${length} of ${bytes} bytes came`)), waitMsMax)
  try {
    for await (const part of socket.iterator({ destroyOnReturn: false })) {
      parts.push(part)
      length += part.length
      if (length >= bytes) break
    }
  } finally {
    clearTimeout(timer)
  }
  return Buffer.concat(parts)
}

/** The number of whole replies; throws when anything else came. */
function countReplies(protocol: Protocol, bytes: Uint8Array, requestBytes: number): number {
  let count = 0
  for (let from = 0; from < bytes.length; count++) {
    const end = protocol.frameEnd(bytes, from, bytes.length, requestBytes)
    if (end <= 0) throw new Error(`after ${count} replies come ${bytes.length - from} bytes that are no reply`)
    expect(protocol.isRefusal?.(bytes, from, end) ?? false).toBe(false)
    from = end
  }
  return count
}

const http = { name: 'http', host: 'localhost', maxFrame: 1024 * 1024 } as const
/** By protocol: the requests of one loop. */
const cases: readonly (readonly [string, ProtocolSpec, readonly unknown[]])[] = [
  ['raw', protocolSpec('raw'), ['hello', 'hello world']],
  ['raw with replies of a fixed length', protocolSpec({ raw: { reply: { bytes: 3 } } }), ['hello', 'world']],
  ['line', protocolSpec('line'), ['hello', 'hello world']],
  ['frame', protocolSpec({ frame: { id: { offset: 4, bytes: 4 } } }), ['hello', '']],
  ['tlv', protocolSpec('tlv'), [{ type: 1, body: 'hello' }, { type: 2 }]],
  ['rpc', protocolSpec('rpc'), [{ type: 1, body: 'hello' }, { type: 2 }]],
  ['http', http, ['GET /users/7', { method: 'POST', path: '/', body: 'hello' }]],
  ['resp', protocolSpec('resp'), ['PING', 'SET key value', 'GET key']],
]

// The tests mostly wait for threads to start and stop, so they run concurrently.
describe.concurrent.each(ways)('the null server on %s', way => {
  test.for(cases)('answers each request once: %s', async ([, spec, sends], context) => {
    const protocol = createProtocol(spec)
    const { addresses, bank } = await start({ way, sends, protocol: spec })
    const all = Buffer.concat([...bank.frames, ...bank.frames])
    const isFixed = spec.name === 'raw' && spec.replyBytes !== undefined
    const isEcho = spec.name !== 'http' && spec.name !== 'resp' && !isFixed
    // Whole, and in two pieces at every possible cut.
    for (let cut = 0; cut < all.length; cut += way === 'epoll' ? 1 : 7) {
      const socket = await connect(context, addresses[0]!)
      socket.setNoDelay()
      if (cut > 0) socket.write(all.subarray(0, cut))
      // The echo of the first piece shows that the server has read it by itself.
      const first = isEcho && cut > 0 ? await take(socket, cut) : Buffer.alloc(0)
      socket.end(all.subarray(cut))
      const replies = Buffer.concat([first, await take(socket, Number.POSITIVE_INFINITY)])
      if (isEcho) expect(replies.equals(all)).toBe(true)
      else expect(countReplies(protocol, replies, 0)).toBe(2 * bank.frames.length)
    }
  })

  test('returns everything to a client that reads slowly', async context => {
    const { addresses } = await start({ way, sends: ['a'], protocol: protocolSpec('raw') })
    const socket = await connect(context, addresses[0]!)
    // More than the kernel buffers for a connection, both ways together.
    const bytes = Buffer.alloc(64 * 1024 * 1024, 'volley, ')
    let written = 0
    const writeOn = () => {
      if (written === bytes.length) return
      const from = written
      written += 64 * 1024
      socket.write(bytes.subarray(from, written), writeOn)
    }
    writeOn()
    let before = 0
    while (written > before) {
      before = written
      await new Promise(resolve => setTimeout(resolve, stallMs))
    }
    expect(written).toBeLessThan(bytes.length)
    expect((await take(socket, bytes.length)).equals(bytes)).toBe(true)
  })

  test('answers in full when replies are much longer than their requests', async context => {
    const protocol = protocolSpec({ raw: { reply: { bytes: 1_000_003 } } })
    const { addresses } = await start({ way, sends: ['hello'], protocol })
    const socket = await connect(context, addresses[0]!)
    socket.write('hello'.repeat(40))
    expect(await take(socket, 40 * 1_000_003)).toHaveLength(40 * 1_000_003)
  })

  test('answers with replies about as long as those of the target', async context => {
    for (const [protocol, send] of [
      [http, 'GET /'],
      [protocolSpec('resp'), 'GET key'],
    ] as const) {
      const { addresses, bank } = await start({ way, sends: [send], protocol, meanReplyBytes: 5000 })
      const socket = await connect(context, addresses[0]!)
      socket.end(Buffer.concat([bank.frames[0]!, bank.frames[0]!]))
      const replies = await take(socket, Number.POSITIVE_INFINITY)
      expect(countReplies(createProtocol(protocol), replies, 0)).toBe(2)
      expect(replies.length / 2).toBeGreaterThan(4000)
      expect(replies.length / 2).toBeLessThan(5000)
    }
  })

  test('closes a connection that sends something else than requests', async context => {
    const { addresses, error } = await start({ way, sends: ['GET /'], protocol: http })
    const socket = await connect(context, addresses[0]!)
    socket.on('error', () => {})
    socket.write('nothing of the kind\r\n\r\n')
    await once(socket, 'close')
    expect(error()).toBeUndefined()
  })

  test('has an address for each thread, and removes its unix sockets', async context => {
    const settings = { way, threads: 2, sends: ['a'], protocol: protocolSpec('line') }
    const tcp = await start(settings)
    expect(new Set(tcp.addresses.map(address => 'port' in address && address.port)).size).toBe(2)
    const unix = await start({ ...settings, scheme: 'unix' })
    for (const address of [...tcp.addresses, ...unix.addresses]) {
      const socket = await connect(context, address)
      socket.write('hello\n')
      expect(String(await take(socket, 6))).toBe('hello\n')
    }
    const paths = unix.addresses.map(address => (address.scheme === 'unix' ? address.path : ''))
    expect(paths.every(existsSync)).toBe(true)
    await unix.stop()
    expect(paths.some(path => existsSync(dirname(path)))).toBe(false)
    expect(unix.error()).toBeUndefined()
  })
})

test('planNullReplies() says that the end of a request cannot be found', () => {
  const spec = protocolSpec({ raw: { reply: { bytes: 3 } } })
  const plan = (sends: readonly string[]) => planNullReplies(spec, bankOf(spec, sends), knownWith(3))
  expect(plan(['hello', 'hello world'])).toBe('a null server cannot tell requests of different lengths apart')
  expect(plan(['hello', 'world'])).toMatchObject({ kind: 'canned', requestBytes: 5 })
})

test('planNullReplies() says that the client mostly reads messages that are no replies', () => {
  const [broadcast, line] = [protocolSpec('broadcast'), protocolSpec('line')]
  expect(planNullReplies(broadcast, bankOf(broadcast, ['hello']), knownWith(100))).toBe(
    'a null server does not send what a client of broadcast reads most',
  )
  const withDeliveries = (deliveriesPerReply: number) =>
    planNullReplies(line, bankOf(line, ['hello']), { ...knownWith(100), deliveriesPerReply })
  expect(withDeliveries(3)).toBe('a null server does not send what a client of line reads most')
  expect(withDeliveries(0.1)).toEqual({ kind: 'echo' })
})

test('chooseNullWay() is epoll where the C library can be called', () => {
  expect(chooseNullWay()).toBe(typeof libc === 'string' ? 'node' : 'epoll')
})
