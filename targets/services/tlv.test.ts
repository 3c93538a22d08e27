import { afterEach, expect, test } from 'vitest'
import { bytesOf } from '../../harness/protocols/testing/bytes.ts'
import { type RunningServer, startServer } from '../server/tcp.ts'
import { Client, until } from '../testing/client.ts'
import { createTlvServer, overlongText } from './tlv.ts'

const mebibyte = 1024 * 1024
let server: RunningServer
let client: Client

async function start(reply?: string, replyType?: number): Promise<void> {
  const service = createTlvServer({ maxFrame: mebibyte }, reply, replyType)
  server = await startServer({ listen: { host: '127.0.0.1', port: 0 }, service })
  client = await Client.connect(server.address)
}

afterEach(async () => {
  client.socket.destroy()
  await server.stop()
})

const hello = bytesOf({ u32: 11 }, { u32: 0xfedcba98 }, 'hello world')
const overlongReply = (type: number) => bytesOf({ u32: 27 }, { u32: type }, overlongText)

test('createTlvServer() answers with a text under the type of the request', async () => {
  await start('server')
  client.write(bytesOf(hello, { u32: 0 }, { u32: 1 }))
  expect(await client.take(28)).toEqual(
    bytesOf({ u32: 6 }, { u32: 0xfedcba98 }, 'server', { u32: 6 }, { u32: 1 }, 'server'),
  )
})

test('createTlvServer() answers under one type whatever that of the request, also when a message is too long', async () => {
  await start('server', 0xffff_fffe)
  client.write(bytesOf(hello, { u32: mebibyte + 1 }, { u32: 3 }))
  expect(await client.take(14)).toEqual(bytesOf({ u32: 6 }, { u32: 0xffff_fffe }, 'server'))
  expect(await client.take(35)).toEqual(overlongReply(0xffff_fffe))
})

test('createTlvServer() changes the type of values that it sends back, short and long, and nothing else', async () => {
  await start(undefined, 1)
  const value = (length: number) => new Uint8Array(length).fill(7)
  for (const length of [0, 11, 60, 70_000]) {
    // Several at once, so that a reply finds no room behind the others.
    const message = (type: number) => bytesOf({ u32: length }, { u32: type }, value(length))
    client.write(bytesOf(message(9), message(0), message(0xffff_ffff)))
    const replies = await client.take(3 * (8 + length))
    expect(Buffer.compare(replies, bytesOf(message(1), message(1), message(1)))).toBe(0)
  }
})

test('createTlvServer() accepts a value of exactly the limit', async () => {
  await start()
  const largest = bytesOf({ u32: mebibyte }, { u32: 1 }, new Uint8Array(mebibyte).fill(7))
  client.write(largest)
  expect(Buffer.compare(await client.take(largest.length), largest)).toBe(0)
  expect(server.counters().rejected).toBe(0)
})

test('createTlvServer() skips an over-long value in a stream, answers with the error text and continues', async () => {
  await start()
  const before = process.memoryUsage().arrayBuffers
  let most = 0
  client.write(bytesOf(hello, { u32: 64 * mebibyte }, { u32: 3 }))
  const piece = new Uint8Array(65_536).fill(0xff)
  for (let index = 0; index < 1024; index++) {
    if (!client.socket.write(piece)) await until('room to write', () => !client.socket.writableNeedDrain)
    most = Math.max(most, process.memoryUsage().arrayBuffers)
  }
  client.write(hello)
  expect(await client.take(hello.length)).toEqual(hello)
  expect(await client.take(35)).toEqual(overlongReply(3))
  expect(await client.take(hello.length)).toEqual(hello)
  expect(server.counters()).toMatchObject({ requests: 3, rejected: 1, connections: 1 })
  expect(most - before).toBeLessThan(8 * mebibyte)
})

test('createTlvServer() answers a length of 4 GiB at once', async () => {
  await start()
  client.write(bytesOf({ u32: 0xffff_ffff }, { u32: 9 }, 'a few bytes'))
  expect(await client.take(35)).toEqual(overlongReply(9))
  expect(client.closed).toBe(false)
})

test('createTlvServer() finds the next message wherever an over-long value ends', async () => {
  await start()
  const overlong = bytesOf({ u32: mebibyte + 1 }, { u32: 4 }, new Uint8Array(mebibyte + 1).fill(1))
  for (const split of [3, 7, 8, 9, 70_000, mebibyte + 8, mebibyte + 9]) {
    client.write(overlong.subarray(0, split))
    await until('the first part', () => client.socket.writableLength === 0)
    client.write(bytesOf(overlong.subarray(split), hello))
    expect(await client.take(35)).toEqual(overlongReply(4))
    expect(await client.take(hello.length)).toEqual(hello)
  }
})
