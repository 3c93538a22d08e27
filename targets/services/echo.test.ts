import { afterEach, expect, test } from 'vitest'
import { protocolSpec } from '../../harness/protocols/spec.ts'
import { bytesOf, textOf } from '../../harness/protocols/testing/bytes.ts'
import { type RunningServer, startServer } from '../server/tcp.ts'
import { Client } from '../testing/client.ts'
import { createEcho } from './echo.ts'

let server: RunningServer
let client: Client

async function start(protocol: unknown, reply?: string): Promise<void> {
  const service = createEcho(protocolSpec(protocol), reply)
  server = await startServer({ listen: { host: '127.0.0.1', port: 0 }, service })
  client = await Client.connect(server.address)
}

afterEach(async () => {
  client?.socket.destroy()
  await server?.stop()
})

test('createEcho() echoes what came in over raw, whatever length replies have for clients', async () => {
  await start({ raw: { reply: { bytes: 100 } } })
  client.write('hello')
  expect(textOf(await client.take(5))).toBe('hello')
})

test('createEcho() answers every line with a text', async () => {
  await start('line', 'server')
  client.write('a\nb\n')
  expect(textOf(await client.take(14))).toBe('server\nserver\n')
})

test('createEcho() answers with a text under the id of the request', async () => {
  await start({ frame: { lengthBytes: 2, endian: 'little', id: { offset: 2, bytes: 4 } } }, 'server')
  client.write(bytesOf({ u16: 9, little: true }, { u32: 0xfedcba98 }, 'hello'))
  expect(await client.take(12)).toEqual(bytesOf({ u16: 10, little: true }, { u32: 0xfedcba98 }, 'server'))
})

test('createEcho() refuses a text that does not fit the protocol', () => {
  expect(() => createEcho(protocolSpec('line'), 'two\nlines')).toThrow(RangeError)
  expect(() => createEcho(protocolSpec({ frame: { maxFrame: 8 } }), 'server')).toThrow(RangeError)
})
