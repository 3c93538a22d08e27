import { afterEach, expect, test } from 'vitest'
import { createPrng } from '../../harness/prng.ts'
import { createProtocol } from '../../harness/protocols/catalog.ts'
import { layeredProtocol } from '../../harness/protocols/layers/layered.ts'
import type { LayerText } from '../../harness/protocols/layers/settings.ts'
import type { Message } from '../../harness/protocols/protocol.ts'
import type { ProtocolSpec } from '../../harness/protocols/protocolSpec.ts'
import { protocolSpec } from '../../harness/protocols/spec.ts'
import { bytesOf, textOf } from '../../harness/protocols/testing/bytes.ts'
import { parseServiceTime } from '../../harness/serviceTime.ts'
import { poolService } from '../pool/pool.ts'
import { Schedule } from '../pool/schedule.ts'
import type { Service } from '../server/service.ts'
import { type RunningServer, startServer } from '../server/tcp.ts'
import { Client, until } from '../testing/client.ts'
import { createEcho } from './echo.ts'
import { keyedService } from './keyed.ts'
import { layeredService } from './layered.ts'
import { createRpcServer } from './rpc.ts'
import { createTlvServer, overlongText } from './tlv.ts'

const names: readonly LayerText[] = ['gzip', 'crc32:before', 'aes-256-gcm']
const layers = { names, key: 'secret' }
const tlv = { name: 'tlv', maxFrame: 1024 } as const
const rpc = { name: 'rpc', lengthPrefix: true, maxFrame: 1024 } as const

let server: RunningServer
let client: Client

async function start(spec: ProtocolSpec, service: Service, wrap = (layered: Service) => layered): Promise<void> {
  const layered = wrap(layeredService(service, spec, layers))
  server = await startServer({ listen: { host: '127.0.0.1', port: 0 }, service: layered })
  client = await Client.connect(server.address)
}

afterEach(async () => {
  client?.socket.destroy()
  await server?.stop()
})

function send(spec: ProtocolSpec, message: Message): void {
  client.write(layeredProtocol(createProtocol(spec), layers).encode(message))
}

/** The next reply, without its layers. */
async function reply(spec: ProtocolSpec): Promise<Message> {
  const protocol = layeredProtocol(createProtocol(spec), layers)
  const headerBytes = spec.name === 'rpc' ? 23 : spec.name === 'tlv' ? 8 : 4
  const header = await client.take(headerBytes)
  const length = Buffer.from(header).readUInt32BE(0) - (spec.name === 'rpc' ? 19 : 0)
  const frame = bytesOf(header, await client.take(length))
  expect(protocol.frameEnd(frame, 0, frame.length, 0)).toBe(frame.length)
  return protocol.decode(frame, 0, frame.length)
}

test('layeredService() answers under the type of the request, also for a message that is too long', async () => {
  await start(tlv, createTlvServer(tlv))
  send(tlv, { type: 7, body: bytesOf('hello') })
  const echoed = await reply(tlv)
  expect([echoed.type, textOf(echoed.body)]).toEqual([7, 'hello'])
  client.write(bytesOf({ u32: 2000 }, { u32: 9 }))
  const { type, body } = await reply(tlv)
  expect([type, textOf(body)]).toEqual([9, overlongText])
})

test('layeredService() answers several messages of one read, also from a pool', async () => {
  const schedule = new Schedule({ poolSize: 1, seed: 1, serviceTime: parseServiceTime('fixed:1ms')! })
  await start(tlv, poolService(createTlvServer(tlv), schedule))
  const protocol = layeredProtocol(createProtocol(tlv), layers)
  const texts = ['one', 'two', 'three']
  client.write(bytesOf(...texts.map(text => protocol.encode({ type: 1, body: bytesOf(text) }))))
  for (const text of texts) expect(textOf((await reply(tlv)).body)).toBe(text)
})

test('layeredService() answers rpc requests in a shuffled order, each under its id', async () => {
  await start(rpc, createRpcServer(rpc, { shuffle: 10, seed: 3 }))
  for (let id = 0; id < 10; id++) send(rpc, { id, type: 2, body: bytesOf(`body ${id}`) })
  const ids: number[] = []
  for (let count = 0; count < 10; count++) {
    const { id, type, body } = await reply(rpc)
    expect([type, textOf(body)]).toEqual([2, `body ${id}`])
    ids.push(id!)
  }
  expect(ids.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})

test('layeredService() does the handshake with a key within the layers', async () => {
  await start(tlv, createTlvServer(tlv), layered => keyedService(layered, 'key'))
  const handshake = createProtocol(tlv).keyHandshake!
  send(tlv, { type: handshake.helloType, body: new Uint8Array(0) })
  const { body: challenge } = await reply(tlv)
  send(tlv, { type: handshake.signatureType, body: handshake.sign('key', challenge) })
  expect((await reply(tlv)).type).toBe(handshake.welcomeType)
  send(tlv, { type: 1, body: bytesOf('hello') })
  expect(textOf((await reply(tlv)).body)).toBe('hello')
})

test.each([
  ['is not wrapped', createProtocol(tlv).encode({ body: bytesOf('hello') })],
  [
    'is wrapped under another key',
    layeredProtocol(createProtocol(tlv), { names, key: 'wrong' }).encode({ body: bytesOf('hello') }),
  ],
])('layeredService() rejects a request that %s, and closes the connection', async (_, frame) => {
  await start(tlv, createTlvServer(tlv))
  client.write(frame)
  expect(await client.takeAll()).toHaveLength(0)
  await until('the count', () => server.counters().rejected === 1)
  expect(server.counters()).toMatchObject({ requests: 0, bytesOut: 0 })
})

test('layeredService() closes a connection whose reply is too long for its length field', async () => {
  const spec = protocolSpec({ frame: { lengthBytes: 1 } })
  await start(spec, createEcho(spec, 'x'.repeat(250)))
  client.write(layeredProtocol(createProtocol(spec), layers).encode({ body: bytesOf('hello') }))
  // Fifty equal characters are short when compressed.
  const [length] = await client.take(1)
  expect(length).toBeLessThan(250)
  client.socket.destroy()
  await server.stop()
  const prng = createPrng(1)
  const text = Array.from({ length: 250 }, () => String.fromCharCode(33 + prng.below(90))).join('')
  await start(spec, createEcho(spec, text))
  client.write(layeredProtocol(createProtocol(spec), layers).encode({ body: bytesOf('hello') }))
  expect(await client.takeAll()).toHaveLength(0)
  expect(server.counters()).toMatchObject({ requests: 1, rejected: 1 })
})
