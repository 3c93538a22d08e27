import { afterEach, expect, test } from 'vitest'
import { bytesOf, textOf } from '../../harness/protocols/testing/bytes.ts'
import type { RunningServer } from '../server/tcp.ts'
import { type Client, until } from '../testing/client.ts'
import { connect, endServices, startService } from '../testing/services.ts'
import { groupedService } from './grouped.ts'
import { createRpcServer } from './rpc.ts'

const group = { id: 'orders', secret: 's3:cret' }
const [login, refused] = [9, 10]

afterEach(endServices)

function start(withinMs?: number, lengthPrefix = true): Promise<RunningServer> {
  return startService(groupedService(createRpcServer({ lengthPrefix, maxFrame: 1024 }), group, withinMs))
}

function message(id: number, type: number, body: string, lengthPrefix = true): Uint8Array {
  const text = bytesOf(body)
  const rest = bytesOf({ u32: id }, { u8: type }, { i16: 0 }, { i64: 0n }, { i32: text.length }, text)
  return lengthPrefix ? bytesOf({ u32: rest.length }, rest) : rest
}

/** The body of a reply with this id and type. */
async function bodyOf(client: Client, id: number, type: number, lengthPrefix = true): Promise<string> {
  const prefix = lengthPrefix ? 4 : 0
  const head = await client.take(prefix + 19)
  const view = new DataView(head.buffer, head.byteOffset + prefix)
  expect([view.getUint32(0), view.getUint8(4)]).toEqual([id, type])
  return textOf(await client.take(view.getInt32(15)))
}

test('groupedService() answers a login with a token, and serves the connection from then on', async () => {
  for (const lengthPrefix of [true, false]) {
    const server = await start(undefined, lengthPrefix)
    const tokens = new Set<string>()
    for (const body of ['orders:s3:cret', '{"group": "orders", "secret": "s3:cret"}']) {
      const client = await connect(server)
      const echo = message(8, 1, 'hi', lengthPrefix)
      client.write(bytesOf(message(7, login, body, lengthPrefix), echo))
      tokens.add(JSON.parse(await bodyOf(client, 7, login, lengthPrefix)).access.token)
      expect(await client.take(echo.length)).toEqual(echo)
    }
    expect([...tokens].every(token => /^[0-9a-f]{32}$/.test(token))).toBe(true)
    expect(tokens.size).toBe(2)
    expect(server.counters()).toMatchObject({ requests: 4, rejected: 0, connections: 2 })
  }
})

test.each([
  'orders:s3:cre',
  'orders:s3:crett',
  'order:s3:cret',
  'orders',
  ':',
  '',
  '{"group": "orders", "secret": "wrong"}',
  '{"group": "orders"}',
  '{"group": "orders", "secret": ["s3:cret"]}',
  '{"group": "orders", "secret": "s3:cret"',
  '{null}',
])('groupedService() refuses the login %s', async body => {
  const server = await start()
  const client = await connect(server)
  client.write(bytesOf(message(5, login, body), message(6, 1, 'hi')))
  expect(await bodyOf(client, 5, refused)).toBe('the group or its secret is wrong')
  expect(await client.takeAll()).toHaveLength(0)
  expect(server.counters().rejected).toBe(1)
})

test('groupedService() serves nothing before the login, and refuses a client that takes too long', async () => {
  const server = await start(100)
  const [early, silent] = [await connect(server), await connect(server)]
  early.write(message(3, 1, 'hi'))
  expect(await bodyOf(early, 3, refused)).toBe('this server has a group: the login comes first')
  expect(await early.takeAll()).toHaveLength(0)
  expect(await bodyOf(silent, 0, refused)).toBe('the login took too long')
  await until('no connection', () => server.counters().connections === 0)
})
