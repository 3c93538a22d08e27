import { afterEach, expect, test } from 'vitest'
import { protocolSpec } from '../../harness/protocols/spec.ts'
import { bytesOf, textOf } from '../../harness/protocols/testing/bytes.ts'
import { type RunningServer, startServer } from '../server/tcp.ts'
import { Client } from '../testing/client.ts'
import { createNaive } from './naive.ts'

let server: RunningServer
let client: Client

async function start(protocol: unknown, readBytes: number, reply?: string): Promise<void> {
  const service = createNaive(protocolSpec(protocol), readBytes, reply)
  server = await startServer({ listen: { host: '127.0.0.1', port: 0 }, service })
  client = await Client.connect(server.address)
}

afterEach(async () => {
  client?.socket.destroy()
  await server?.stop()
})

const hello = bytesOf({ u32: 5 }, 'hello')

test('createNaive() takes messages that arrive together for one', async () => {
  await start('frame', 1024)
  client.write(bytesOf(hello, hello, hello))
  expect(await client.take(6)).toEqual(bytesOf({ u32: 2 }, 'ok'))
  expect(server.counters().requests).toBe(1)
})

test('createNaive() takes a message that is longer than a read for several, and answers each with the text', async () => {
  await start('line', 15, 'got it')
  client.write(`${'x'.repeat(30)}\n`)
  expect(textOf(await client.take(21))).toBe('got it\ngot it\ngot it\n')
  expect(server.counters().requests).toBe(3)
})

test('createNaive() with the reply echo sends back what it read, in pieces as it was cut', async () => {
  await start('raw', 15, 'echo')
  const text = 'Hello World!'.repeat(10)
  client.write(text)
  expect(textOf(await client.take(text.length))).toBe(text)
  expect(server.counters().requests).toBeGreaterThanOrEqual(8)
})

test('createNaive() answers without an id', async () => {
  await start({ frame: { id: { offset: 4, bytes: 4 } } }, 64)
  client.write(bytesOf({ u32: 9 }, { u32: 77 }, 'hello'))
  expect(await client.take(10)).toEqual(bytesOf({ u32: 6 }, { u32: 0 }, 'ok'))
})
