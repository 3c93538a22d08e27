import { createHmac } from 'node:crypto'
import { afterEach, expect, test } from 'vitest'
import { bytesOf, textOf } from '../../harness/protocols/testing/bytes.ts'
import { parseServiceTime } from '../../harness/serviceTime.ts'
import { poolService } from '../pool/pool.ts'
import { Schedule } from '../pool/schedule.ts'
import type { RunningServer } from '../server/tcp.ts'
import { type Client, until } from '../testing/client.ts'
import { connect, endServices, startService } from '../testing/services.ts'
import { keyedService } from './keyed.ts'
import { createTlvServer } from './tlv.ts'

const key = '123456'
const [helloType, challengeType, signatureType, welcomeType, refusalType] = [
  0xffff_fff0, 0xffff_fff1, 0xffff_fff2, 0xffff_fff3, 0xffff_fff4,
]
const hello = bytesOf({ u32: 0 }, { u32: helloType })
const welcome = bytesOf({ u32: 0 }, { u32: welcomeType })
const message = bytesOf({ u32: 2 }, { u32: 1 }, 'hi')

afterEach(endServices)

function start(withinMs?: number, plain = createTlvServer({ maxFrame: 1024 })): Promise<RunningServer> {
  return startService(keyedService(plain, key, withinMs))
}

async function challengeOf(client: Client): Promise<Uint8Array> {
  client.write(hello)
  expect(await client.take(8)).toEqual(bytesOf({ u32: 20 }, { u32: challengeType }))
  return client.take(20)
}

function signed(challenge: Uint8Array, by = key): Uint8Array {
  return bytesOf({ u32: 20 }, { u32: signatureType }, createHmac('sha1', by).update(challenge).digest())
}

/** The text of the refusal, which is the last message of the server. */
async function refusalOf(client: Client): Promise<string> {
  const last = await client.takeAll()
  expect(last.subarray(0, 8)).toEqual(bytesOf({ u32: last.length - 8 }, { u32: refusalType }))
  return textOf(last.subarray(8))
}

test('keyedService() serves clients that know the key, each connection separately', async () => {
  const server = await start()
  const [one, two] = [await connect(server), await connect(server)]
  const challenges = [await challengeOf(one), await challengeOf(two)]
  expect(challenges[0]).not.toEqual(challenges[1])
  two.write(bytesOf(signed(challenges[1]!), message))
  expect(await two.take(8 + message.length)).toEqual(bytesOf(welcome, message))
  one.write(signed(challenges[0]!))
  expect(await one.take(8)).toEqual(welcome)
  one.write(message)
  expect(await one.take(message.length)).toEqual(message)
  expect(server.counters()).toMatchObject({ requests: 6, rejected: 0, connections: 2 })
})

test('keyedService() refuses a client that signs wrongly', async () => {
  const server = await start()
  const cases = [
    (challenge: Uint8Array) => signed(challenge, '123457'),
    (challenge: Uint8Array) => signed(challenge).with(9, signed(challenge)[9]! ^ 1),
    () => signed(new Uint8Array(20)),
    () => bytesOf({ u32: 19 }, { u32: signatureType }, new Uint8Array(19)),
    () => bytesOf({ u32: 0 }, { u32: signatureType }),
  ]
  for (const [index, sign] of cases.entries()) {
    const client = await connect(server)
    client.write(bytesOf(sign(await challengeOf(client)), message))
    expect(await refusalOf(client)).toBe('the key is wrong')
    expect(server.counters().rejected).toBe(index + 1)
  }
  // A signature is valid only on the connection of its challenge.
  const [one, two] = [await connect(server), await connect(server)]
  const [first] = [await challengeOf(one), await challengeOf(two)]
  two.write(signed(first))
  expect(await refusalOf(two)).toBe('the key is wrong')
})

test('keyedService() serves nothing before the handshake', async () => {
  const server = await start()
  const overlong = bytesOf({ u32: 2000 }, { u32: 1 }, new Uint8Array(100))
  const early = [message, signed(new Uint8Array(20)), welcome, overlong, bytesOf(hello, hello)]
  for (const bytes of early) {
    const client = await connect(server)
    client.write(bytes)
    if (bytes.length === 2 * hello.length) await client.take(28)
    expect(await refusalOf(client)).toBe('this server has a key: the handshake comes first')
  }
  await until('no connection', () => server.counters().connections === 0)
  expect(server.counters().rejected).toBeGreaterThanOrEqual(early.length)
})

test('keyedService() refuses a client that takes too long, also when it keeps sending', async () => {
  const server = await start(100)
  const [silent, slow, done] = [await connect(server), await connect(server), await connect(server)]
  done.write(signed(await challengeOf(done)))
  await done.take(8)
  for (let index = 0; !slow.ended && index < message.length - 1; index++) {
    slow.write(message.subarray(index, index + 1))
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  expect(await refusalOf(silent)).toBe('the handshake took too long')
  expect(await refusalOf(slow)).toBe('the handshake took too long')
  done.write(message)
  expect(await done.take(message.length)).toEqual(message)
  expect(server.counters().rejected).toBe(2)
})

test('keyedService() counts a refused client once, also when it is still connected at its deadline', async () => {
  const server = await start(100)
  const [early, late] = [await connect(server, true), await connect(server, true)]
  early.write(message)
  expect(await refusalOf(early)).toBe('this server has a key: the handshake comes first')
  expect(await refusalOf(late)).toBe('the handshake took too long')
  // Both keep their sides open until the server closes the connections.
  await until('no connection', () => server.counters().connections === 0)
  expect(server.counters()).toMatchObject({ rejected: 2, deliveries: 0 })
})

test('keyedService() works in front of a job pool', async () => {
  const schedule = new Schedule({ poolSize: 1, seed: 1, serviceTime: parseServiceTime('fixed:1ms')! })
  const server = await start(undefined, poolService(createTlvServer({ maxFrame: 1024 }), schedule))
  const client = await connect(server)
  client.write(bytesOf(signed(await challengeOf(client)), message, message))
  expect(await client.take(8 + 2 * message.length)).toEqual(bytesOf(welcome, message, message))
})
