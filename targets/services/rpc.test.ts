import { afterEach, expect, test } from 'vitest'
import { bytesOf } from '../../harness/protocols/testing/bytes.ts'
import { type RunningServer, startServer } from '../server/tcp.ts'
import { Client } from '../testing/client.ts'
import { createRpcServer, type RpcOptions } from './rpc.ts'

let server: RunningServer
let client: Client

async function start(options: RpcOptions, lengthPrefix = true): Promise<void> {
  const service = createRpcServer({ lengthPrefix, maxFrame: 2 * 1024 * 1024 }, options)
  server = await startServer({ listen: { host: '127.0.0.1', port: 0 }, service })
  client = await Client.connect(server.address)
}

afterEach(async () => {
  client.socket.destroy()
  await server.stop()
})

function message(id: number, body: string, { lengthPrefix = true } = {}): Uint8Array {
  const rest = bytesOf({ u32: id }, { u8: id % 256 }, { i16: -id }, { i64: BigInt(-id) }, { i32: body.length }, body)
  return lengthPrefix ? bytesOf({ u32: rest.length }, rest) : rest
}

/** The ids of replies that are all `length` bytes long, in the order of their arrival; each is checked to be complete. */
function idsOf(bytes: Uint8Array, length: number, bodyOf: (id: number) => string): number[] {
  const ids: number[] = []
  for (let from = 0; from < bytes.length; from += length) {
    const id = new DataView(bytes.buffer, bytes.byteOffset).getUint32(from + 4)
    expect(Buffer.compare(bytes.subarray(from, from + length), message(id, bodyOf(id)))).toBe(0)
    ids.push(id)
  }
  return ids
}

const body = (id: number) => `body ${String(id).padStart(6, '0')}`

test('createRpcServer() echoes header and body, with and without length', async () => {
  for (const lengthPrefix of [true, false]) {
    await start({}, lengthPrefix)
    const bytes = bytesOf(message(1, 'hello', { lengthPrefix }), message(30_000, '', { lengthPrefix }))
    client.write(bytes)
    expect(await client.take(bytes.length)).toEqual(bytes)
    client.socket.destroy()
    await server.stop()
  }
})

test('createRpcServer() answers with a text under the header of the request', async () => {
  for (const lengthPrefix of [true, false]) {
    await start({ reply: 'server' }, lengthPrefix)
    client.write(message(77, 'hello', { lengthPrefix }))
    const wanted = message(77, 'server', { lengthPrefix })
    expect(await client.take(wanted.length)).toEqual(wanted)
    client.socket.destroy()
    await server.stop()
  }
})

test('createRpcServer() answers every id exactly once when it shuffles', async () => {
  await start({ shuffle: 16 })
  const ids = Array.from({ length: 1000 }, (_, index) => index + 1)
  client.write(bytesOf(...ids.map(id => message(id, body(id)))))
  const seen = idsOf(await client.take(1000 * 34), 34, body)
  expect(seen.toSorted((a, b) => a - b)).toEqual(ids)
  expect(seen).not.toEqual(ids)
  // A request is overtaken by at most the 15 others that were held with it, in groups of 16.
  seen.forEach((id, index) => {
    expect(Math.abs(id - 1 - index)).toBeLessThan(32)
  })
})

test('createRpcServer() does not delay a request until others arrive to shuffle it with', async () => {
  await start({ shuffle: 1000, reply: 'server' })
  for (const count of [1, 2, 999, 1000, 1001]) {
    const ids = Array.from({ length: count }, (_, index) => index)
    client.write(bytesOf(...ids.map(id => message(id, body(id)))))
    const seen = idsOf(await client.take(count * 29), 29, () => 'server')
    expect(seen.toSorted((a, b) => a - b)).toEqual(ids)
  }
})

test('createRpcServer() shuffles bodies larger than the bytes that it holds', async () => {
  await start({ shuffle: 8 })
  const large = 'x'.repeat(700_000)
  client.write(bytesOf(...[1, 2, 3, 4, 5].map(id => message(id, large))))
  const seen = idsOf(await client.take(5 * 700_023), 700_023, () => large)
  expect(seen.toSorted()).toEqual([1, 2, 3, 4, 5])
})

test('createRpcServer() shuffles the same way for the same seed', async () => {
  const orders: number[][] = []
  for (const seed of [5, 5, 6]) {
    await start({ shuffle: 100, seed })
    client.write(bytesOf(...Array.from({ length: 100 }, (_, id) => message(id, body(id)))))
    orders.push(idsOf(await client.take(100 * 34), 34, body))
    client.socket.destroy()
    await server.stop()
  }
  expect(orders[1]).toEqual(orders[0])
  expect(orders[2]).not.toEqual(orders[0])
})
