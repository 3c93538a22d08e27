import { once } from 'node:events'
import { existsSync } from 'node:fs'
import net from 'node:net'
import { dirname } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
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

const servers: NullServer[] = []
const sockets: net.Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await Promise.all(servers.splice(0).map(server => server.stop()))
})

const libc = loadLibc()
if (typeof libc === 'string') console.warn(`skipped: the null server on epoll, because ${libc}`)
const ways: readonly NullWay[] = typeof libc === 'string' ? ['node'] : ['epoll', 'node']
const waitMsMax = 20_000

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

async function start(options: Partial<NullServerOptions>, bank: RequestBank, protocol: ProtocolSpec, meanBytes = 0) {
  const replies = planNullReplies(protocol, bank, meanBytes)!
  const server = await startNullServer({ way: 'node', scheme: 'tcp', threads: 1, replies, ...options })
  servers.push(server)
  return server
}

async function connect(address: Address): Promise<net.Socket> {
  const socket = net.connect(address.scheme === 'unix' ? { path: address.path } : { ...address, family: 4 })
  sockets.push(socket)
  await once(socket, 'connect')
  return socket
}

/** Reads until so many bytes are in, or the other side has ended. */
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

/** How many whole replies there are; throws where what came is anything else. */
function countReplies(protocol: Protocol, bytes: Uint8Array, requestBytes: number): number {
  let count = 0
  for (let from = 0; from < bytes.length; count++) {
    const end = protocol.frameEnd(bytes, from, bytes.length, requestBytes)
    if (end <= 0) throw new Error(`after ${count} replies come ${bytes.length - from} bytes that are none`)
    expect(protocol.isRefusal?.(bytes, from, end) ?? false).toBe(false)
    from = end
  }
  return count
}

const http = { name: 'http', host: 'localhost', maxFrame: 1024 * 1024 } as const
/** By protocol: requests of one loop, and how long all replies to three loops of them are. */
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

describe.each(ways)('the null server on %s', way => {
  test.each(cases)('answers each request once: %s', async (_, spec, sends) => {
    const protocol = createProtocol(spec)
    const bank = bankOf(spec, sends)
    const { addresses } = await start({ way }, bank, spec)
    const all = Buffer.concat([...bank.frames, ...bank.frames, ...bank.frames])
    const isFixed = spec.name === 'raw' && spec.replyBytes !== undefined
    const isEcho = spec.name !== 'http' && spec.name !== 'resp' && !isFixed
    // Whole, and in two pieces that are cut everywhere.
    for (let cut = 0; cut < all.length; cut += way === 'epoll' ? 1 : 7) {
      const socket = await connect(addresses[0]!)
      socket.setNoDelay()
      if (cut > 0) socket.write(all.subarray(0, cut))
      // What an echo brings back tells that the first piece was read for itself.
      const first = isEcho && cut > 0 ? await take(socket, cut) : Buffer.alloc(0)
      socket.end(all.subarray(cut))
      const replies = Buffer.concat([first, await take(socket, Number.POSITIVE_INFINITY)])
      if (isEcho) expect(replies.equals(all)).toBe(true)
      else expect(countReplies(protocol, replies, 0)).toBe(3 * bank.frames.length)
    }
  })

  test('brings back everything to a client that is slow to read', async () => {
    const spec = protocolSpec('raw')
    const { addresses } = await start({ way }, bankOf(spec, ['a']), spec)
    const socket = await connect(addresses[0]!)
    // More than the kernel holds of a connection, both ways together.
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
      await new Promise(resolve => setTimeout(resolve, 100))
    }
    expect(written).toBeLessThan(bytes.length)
    expect((await take(socket, bytes.length)).equals(bytes)).toBe(true)
  })

  test('answers in full where replies are much longer than their requests', async () => {
    const spec = protocolSpec({ raw: { reply: { bytes: 1_000_003 } } })
    const { addresses } = await start({ way }, bankOf(spec, ['hello']), spec)
    const socket = await connect(addresses[0]!)
    socket.write('hello'.repeat(40))
    expect(await take(socket, 40 * 1_000_003)).toHaveLength(40 * 1_000_003)
  })

  test('answers with replies about as long as those of the target', async () => {
    for (const [spec, send] of [
      [http, 'GET /'],
      [protocolSpec('resp'), 'GET key'],
    ] as const) {
      const bank = bankOf(spec, [send])
      const { addresses } = await start({ way }, bank, spec, 5000)
      const socket = await connect(addresses[0]!)
      socket.end(Buffer.concat([bank.frames[0]!, bank.frames[0]!]))
      const replies = await take(socket, Number.POSITIVE_INFINITY)
      expect(countReplies(createProtocol(spec), replies, 0)).toBe(2)
      expect(replies.length / 2).toBeGreaterThan(4000)
      expect(replies.length / 2).toBeLessThan(5000)
    }
  })

  test('closes a connection that sends no requests', async () => {
    const { addresses, error } = await start({ way }, bankOf(http, ['GET /']), http)
    const socket = await connect(addresses[0]!)
    socket.on('error', () => {})
    socket.write('nothing of the kind\r\n\r\n')
    await once(socket, 'close')
    expect(error()).toBeUndefined()
  })

  test('has an address for each thread, and over unix sockets leaves nothing behind', async () => {
    const spec = protocolSpec('line')
    const tcp = await start({ way, threads: 2 }, bankOf(spec, ['a']), spec)
    expect(new Set(tcp.addresses.map(address => 'port' in address && address.port)).size).toBe(2)
    const unix = await start({ way, threads: 2, scheme: 'unix' }, bankOf(spec, ['a']), spec)
    for (const address of [...tcp.addresses, ...unix.addresses]) {
      const socket = await connect(address)
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

test('planNullReplies() has none where requests cannot be told apart', () => {
  const spec = protocolSpec({ raw: { reply: { bytes: 3 } } })
  expect(planNullReplies(spec, bankOf(spec, ['hello', 'hello world']), 3)).toBeUndefined()
  expect(planNullReplies(spec, bankOf(spec, ['hello', 'world']), 3)).toMatchObject({ kind: 'canned', requestBytes: 5 })
})

test('planNullReplies() has none where most of what the client reads is no reply', () => {
  expect(planNullReplies(protocolSpec('broadcast'), bankOf(protocolSpec('broadcast'), ['hello']), 100)).toBeUndefined()
})

test('chooseNullWay() takes epoll where the C library can be called', () => {
  expect(chooseNullWay()).toBe(typeof libc === 'string' ? 'node' : 'epoll')
})
