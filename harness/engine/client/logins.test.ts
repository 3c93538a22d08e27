import { describe, expect, test } from 'vitest'
import { readReplies } from '../../metrics/replies.ts'
import type { LoginServer } from '../../protocols/logins/testing/dialogue.ts'
import { type MysqlBehaviour, MysqlServer } from '../../protocols/logins/testing/mysqlServer.ts'
import { ask, message, type PostgresBehaviour, PostgresServer } from '../../protocols/logins/testing/postgresServer.ts'
import { parseScenario } from '../../scenario/load.ts'
import type { Scenario } from '../../scenario/scenario.ts'
import type { MemoryConnection, MemoryServer } from '../../transports/memory.ts'
import { simulate } from './testing/simulate.ts'

/** The settings of a named protocol that a simulation takes. */
function settingsOf(protocol: string, more = ''): Partial<Scenario> {
  const text = `name: s\ntarget: { address: "tcp://h:1" }\nprotocol: ${protocol}\n${more}`
  const { scenario } = parseScenario(text, 's.yaml', [], {})
  return { protocol: scenario.protocol, connect: scenario.connect, loop: scenario.loop!, reconnect: scenario.reconnect }
}

/** A server of which each connection is one of `make`; its messages come in one piece, or byte by byte. */
function serverOf<Server extends LoginServer>(make: () => Server, isByteByByte = false) {
  const servers: Server[] = []
  const byConnection = new Map<MemoryConnection, Server>()
  const send = (connection: MemoryConnection, messages: Uint8Array[]) => {
    const bytes = Buffer.concat(messages)
    if (bytes.length === 0) return
    if (!isByteByByte) connection.send(bytes, 1)
    else for (const byte of bytes) connection.send(Buffer.from([byte]), 1)
  }
  const server: MemoryServer = {
    accepted(connection) {
      const own = make()
      servers.push(own)
      byConnection.set(connection, own)
      send(connection, own.greeting())
    },
    received: (connection, bytes) => send(connection, byConnection.get(connection)!.received(bytes)),
  }
  return { server, servers }
}

const postgres = (behaviour: Partial<PostgresBehaviour>) => () =>
  new PostgresServer({ method: 'scram-sha-256', user: 'alice', password: 'pencil', ...behaviour })
const mysql = (behaviour: Partial<MysqlBehaviour>) => () =>
  new MysqlServer({ user: 'alice', password: 'pencil', plugin: 'caching_sha2_password', ...behaviour })
const asAlice = (name: string, password = 'pencil') => `{ ${name}: { user: alice, password: ${password} } }`

const cases: [string, string, () => LoginServer & { readonly queries: number }, number][] = [
  ['PostgreSQL, trust', 'postgres', postgres({ method: 'trust' }), 1],
  ['PostgreSQL, clear text', 'postgres', postgres({ method: 'password' }), 2],
  ['PostgreSQL, MD5', 'postgres', postgres({ method: 'md5' }), 2],
  ['PostgreSQL, SCRAM', 'postgres', postgres({}), 3],
  // To listen to the greeting is a message of the handshake too.
  ['MySQL, native', 'mysql', mysql({ plugin: 'mysql_native_password' }), 2],
  ['MySQL, another method than in the greeting', 'mysql', mysql({ greets: 'mysql_native_password' }), 5],
  ['MySQL, sha2 in full', 'mysql', mysql({}), 4],
  ['MySQL, sha2, known to the server', 'mysql', mysql({ isCached: true }), 2],
]

describe.each(cases)('%s', (_, name, make, messages) => {
  test.each([false, true])(
    'every connection logs in, then sends its requests; byte by byte: %s',
    async isByteByByte => {
      const { server, servers } = serverOf(make, isByteByByte)
      const run = await simulate(server, { ...settingsOf(asAlice(name)), connections: 3, requests: 60, timeout: 5000 })
      expect(run).toMatchObject({ sent: 60, completed: 60, failures: {}, connects: 3, handshakes: 3 * messages })
      expect(servers.reduce((sum, { queries }) => sum + queries, 0)).toBe(60)
    },
  )

  test('every new connection logs in again, and a login that is cut off by the end is no surplus', async () => {
    const { server } = serverOf(make)
    const run = await simulate(server, {
      ...settingsOf(asAlice(name), 'reconnect: { when: every-request }'),
      duration: 300,
    })
    expect(run.failures).toEqual({})
    expect(run.completed).toBeGreaterThan(20)
    expect(readReplies([run.slab]).samples).toEqual([])
  })
})

test.each([
  ['postgres', postgres({}), 'password authentication failed for user "alice" (28P01)'],
  ['mysql', mysql({}), "Access denied for user 'alice'@'localhost' (using password: YES) (1045, 28000)"],
])('a wrong password is a refused connect, and what the server says is kept: %s', async (name, make, text) => {
  const { server, servers } = serverOf<LoginServer & { readonly queries: number }>(make)
  const settings = settingsOf(asAlice(name, 'wrong'))
  for (const mode of ['loop', 'once'] as const) {
    servers.length = 0
    const run = await simulate(server, { ...settings, load: { mode, pipeline: 1 }, connections: 2, duration: 300 })
    expect(Object.keys(run.failures)).toEqual(['connect-refused'])
    expect(run.failures['connect-refused']).toBe(servers.length)
    expect(run).toMatchObject({ sent: 0, completed: 0 })
    const { samples, ofSteps } = readReplies([run.slab])
    expect(samples.map(({ kind, bytes }) => [kind, Buffer.from(bytes).toString()])).toEqual([['unexpected', text]])
    expect(ofSteps.map(({ kind }) => kind)).toEqual(mode === 'once' ? ['unexpected'] : [])
  }
})

test('in a single pass the outcome of the login is kept as its reply', async () => {
  const { server } = serverOf(postgres({}))
  const run = await simulate(server, { ...settingsOf(asAlice('postgres')), load: { mode: 'once', pipeline: 1 } })
  expect(run).toMatchObject({ completed: 1, failures: {} })
  const texts = readReplies([run.slab]).ofSteps.map(({ kind, bytes }) => `${kind} ${Buffer.from(bytes)}`)
  expect(texts).toContain('reply logged in by SCRAM-SHA-256')
})

test.each<[string, () => Uint8Array[], string]>([
  ['asks for what is not known', () => [ask(7)], 'unexpected'],
  ['sends notices only', () => [message('N', 'SNOTICE\0\0')], 'connect-timeout'],
  ['announces a message that is too large', () => [Buffer.from('R\x7f\xff\xff\xff', 'latin1')], 'too-large'],
  ['answers with another protocol', () => [Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')], 'too-large'],
])('a server that %s fails the connection', async (_, says, kind) => {
  const server: MemoryServer = { received: connection => connection.send(Buffer.concat(says()), 1) }
  const run = await simulate(server, { ...settingsOf('postgres'), duration: 500 })
  expect(Object.keys(run.failures)).toEqual([kind])
  expect(run).toMatchObject({ sent: 0, completed: 0 })
})

test('a server that closes or resets during the login has closed the handshake', async () => {
  for (const end of ['close', 'reset'] as const) {
    const server: MemoryServer = { received: connection => connection[end](1) }
    const run = await simulate(server, { ...settingsOf('postgres'), duration: 300 })
    expect(Object.keys(run.failures)).toEqual(['handshake-closed'])
  }
})

test('a step after the login is sent when it is done, after its pause', async () => {
  const { server, servers } = serverOf(postgres({}))
  const connect = `connect:
  - { login: { postgres: { user: alice, password: pencil } }, think: 50ms }
  - { send: { type: Q, body: "SET x = 1\\0" }, expect: { type: T } }
`
  const run = await simulate(server, { ...settingsOf('postgres', connect), requests: 5 })
  expect(run).toMatchObject({ completed: 5, failures: {}, handshakes: 4 })
  expect(servers[0]!.queries).toBe(6)
  expect(run.endedAtMs).toBeGreaterThan(50)
})
