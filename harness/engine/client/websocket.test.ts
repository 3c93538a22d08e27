import { expect, describe as group, test } from 'vitest'
import { field, roleIndex } from '../../metrics/slab.ts'
import { upgradeStep } from '../../plan/upgrade.ts'
import { accept, frame, upgraded } from '../../protocols/testing/webSocketFrames.ts'
import { upgradeReply, webSocketPictures, webSocketRules } from '../../protocols/webSocket.ts'
import { parseScenario } from '../../scenario/load.ts'
import { describe } from '../../scenario/named.ts'
import type { Scenario } from '../../scenario/scenario.ts'
import type { MemoryConnection } from '../../transports/memory.ts'
import { simulate } from './testing/simulate.ts'
import { type WebSocketServer, webSocketServer } from './testing/webSocketServer.ts'

const [text, binary, close, ping, pong] = [0x81, 0x82, 0x88, 0x89, 0x8a]

/** The settings of a scenario's text that a simulation takes. */
function partsOf(yaml: string): Partial<Scenario> {
  const { protocol, connect, loop, heartbeat, target } = parseScenario(yaml, 's.yaml', [], {}).scenario
  return { protocol, connect, target, ...(loop && { loop }), ...(heartbeat && { heartbeat }) }
}

const scenario = (lines: string, address = 'tcp://h:1', protocol = 'websocket') =>
  partsOf(`name: s\ntarget: { address: "${address}" }\nprotocol: ${protocol}\n${lines}`)
const hello = scenario('loop: [ { send: hello, expect: { begins: hel, equals: hello } } ]')

const answersOf = ({ collector }: Awaited<ReturnType<typeof simulate>>) =>
  collector.total(field.sent + roleIndex.answer)

/** A server that sends the same pieces for each text, and tells of every other frame of the client. */
function replying(
  pieces: readonly Buffer[],
  others: (connection: MemoryConnection, type: number, body: Buffer) => void = () => {},
) {
  return webSocketServer((connection, { type, body }) => {
    if (type !== text) return others(connection, type, body)
    expect(body.toString()).toBe('hello')
    for (const [index, piece] of pieces.entries()) connection.send(piece, 1 + index / 10)
  })
}

const bytesApart = (bytes: Buffer) => Array.from(bytes, byte => Buffer.from([byte]))

test('each connection asks for an upgrade, and goes on with frames', async () => {
  const server = replying([frame(text, 'hello')])
  const run = await simulate(server, { ...hello, connections: 3, requests: 300, load: { mode: 'loop', pipeline: 4 } })
  expect(run).toMatchObject({ sent: 300, completed: 300, handshakes: 3, failures: {} })
  expect(server.upgrades).toHaveLength(3)
  expect(server.upgrades[0]).toBe(
    'GET / HTTP/1.1\r\nHost: h:1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  )
})

test.each([
  ['tcp://example.org:80', 'websocket', 'example.org', '/'],
  ['tls://example.org:443', '{ websocket: { path: "/chat?room=1" } }', 'example.org', '/chat?room=1'],
  ['tcp://[::1]:8080', '{ websocket: { path: chat } }', '[::1]:8080', '/chat'],
  ['tcp://127.0.0.1:80', '{ websocket: { host: "example.org:81" } }', 'example.org:81', '/'],
])('the upgrade names the host of %s, and the path, with %s', async (address, protocol, host, path) => {
  const server = replying([frame(text, 'hello')])
  await simulate(server, { ...scenario('loop: [ { send: hello } ]', address, protocol), requests: 1 })
  expect(server.upgrades[0]).toMatch(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n`)
})

test('the upgrade has the headers of the scenario', async () => {
  const server = replying([frame(text, 'hello')])
  const headers = '{ websocket: { headers: { Origin: "https://a.example", Cookie: "a=b" } } }'
  await simulate(server, { ...scenario('loop: [ { send: hello } ]', 'tcp://h:1', headers), requests: 1 })
  expect(server.upgrades[0]).toMatch(/Version: 13\r\nOrigin: https:\/\/a\.example\r\nCookie: a=b\r\n\r\n$/)
})

group('the answer to the upgrade', () => {
  const answers: readonly (readonly [string, string, boolean])[] = [
    [
      'names of headers in small letters',
      upgraded.toLowerCase().replace(accept.toLowerCase(), accept).replace('http', 'HTTP'),
      true,
    ],
    ['names of headers in capitals', upgraded.replace('Sec-WebSocket-Accept', 'SEC-WEBSOCKET-ACCEPT'), true],
    ['no blank before a value', upgraded.replaceAll(': ', ':'), true],
    ['headers behind the accept', upgraded.replace('\r\n\r\n', '\r\nServer: x\r\n\r\n'), true],
    ['another accept', upgraded.replace(accept, 'HSmrc0sMlYUkAGmm5OPpG2HaGWk='), false],
    ['an accept in small letters', upgraded.replace(accept, accept.toLowerCase()), false],
    ['no accept', upgraded.replace(/Sec-.*\r\n/, ''), false],
    ['another status', upgraded.replace('101 Switching Protocols', '200 OK'), false],
    ['a refusal', 'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno', false],
  ]
  test.each(answers)('with %s', async (_, upgrade, isTaken) => {
    const server = webSocketServer(connection => connection.send(frame(text, 'hello'), 1), upgrade)
    const run = await simulate(server, { ...hello, requests: 2, duration: 50 })
    if (isTaken) expect(run).toMatchObject({ completed: 2, handshakes: 1, failures: {} })
    else {
      expect(run).toMatchObject({ sent: 0, completed: 0, handshakes: 0 })
      expect(Object.keys(run.failures)).toEqual(['unexpected'])
    }
  })
})

group('a message', () => {
  const messages: readonly (readonly [string, readonly Buffer[]])[] = [
    ['that is whole', [frame(text, 'hello')]],
    ['of bytes', [frame(binary, 'hello')]],
    ['in two fragments', [frame(0x01, 'hel'), frame(0x80, 'lo')]],
    ['in fragments that come together', [Buffer.concat([frame(0x01, 'hel'), frame(0x00, 'l'), frame(0x80, 'o')])]],
    ['with empty fragments', [frame(0x01), frame(0x00, 'hello'), frame(0x00), frame(0x80)]],
    ['of bytes in fragments', [frame(0x02, 'h'), frame(0x80, 'ello')]],
    ['in fragments byte by byte', bytesApart(Buffer.concat([frame(0x01, 'hel'), frame(0x80, 'lo')]))],
    ['with a ping between its fragments', [frame(0x01, 'hel'), frame(ping, 'x'), frame(0x80, 'lo')]],
    [
      'with a ping between its fragments, byte by byte',
      bytesApart(Buffer.concat([frame(0x01, 'hel'), frame(ping, 'x'), frame(0x00), frame(ping), frame(0x80, 'lo')])),
    ],
    ['after a ping', [Buffer.concat([frame(ping), frame(text, 'hello')])]],
  ]
  test.each(messages)('%s is one reply, and pings are answered', async (_, pieces) => {
    const pongs: string[] = []
    const server = replying(pieces, (_connection, type, body) => pongs.push(`${type} ${body}`))
    const run = await simulate(server, { ...hello, requests: 20 })
    expect(run).toMatchObject({ sent: 20, completed: 20, failures: {} })
    const bytes = Buffer.concat(pieces)
    const asked = bytes.toString('latin1').split(String.fromCharCode(ping)).length - 1
    expect(pongs).toHaveLength(20 * asked)
    expect(new Set(pongs.map(one => Number.parseInt(one, 10)))).toEqual(new Set(asked > 0 ? [pong] : []))
    expect(answersOf(run)).toBe(20 * asked)
  })

  test('goes on only when the ping between its fragments is answered', async () => {
    const server = webSocketServer((connection, { type, body }) => {
      if (type === text) connection.send(Buffer.concat([frame(0x01, 'hel'), frame(ping, 'go on')]), 1)
      else if (type === pong && body.toString() === 'go on') connection.send(frame(0x80, 'lo'), 1)
    })
    const run = await simulate(server, { ...hello, connections: 2, requests: 40 })
    expect(run).toMatchObject({ sent: 40, completed: 40, failures: {} })
    expect(answersOf(run)).toBe(40)
  })

  test.each([0, 1, 125, 126, 127, 65_535, 65_536, 100_000])('of %i bytes goes out and comes back', async length => {
    const lengths: number[] = []
    const server = webSocketServer((connection, { type, body }) => {
      lengths.push(body.length)
      connection.send(frame(type, body), 1)
    })
    const send = length === 0 ? '""' : `"{{random ${length}}}"`
    const run = await simulate(server, {
      ...scenario(`loop: [ { send: { body: ${send} }, expect: echo } ]`),
      requests: 5,
    })
    expect(run).toMatchObject({ completed: 5, failures: {} })
    expect(lengths).toEqual(Array.from({ length: 5 }, () => length))
  })
})

group('what a server must not send', () => {
  const wrong: readonly (readonly [string, Buffer, string])[] = [
    ['a masked frame', frame(text, 'hello', [1, 2, 3, 4]), 'malformed'],
    ['a frame with a mask of zeros', frame(text, 'hello', [0, 0, 0, 0]), 'malformed'],
    ['a reserved bit', frame(0xc1, 'hello'), 'malformed'],
    ['another reserved bit', frame(0x91, 'hello'), 'malformed'],
    ['an unknown kind of message', frame(0x83, 'hello'), 'malformed'],
    ['an unknown kind of control frame', frame(0x8b, 'hello'), 'malformed'],
    ['a ping in fragments', frame(0x09, 'hello'), 'malformed'],
    ['a length beyond all frames', Buffer.from('817f8000000000000000', 'hex'), 'too-large'],
    ['a frame that is too long', Buffer.from('817f0000000040000000', 'hex'), 'too-large'],
    ['text that is no frame', Buffer.from('HTTP/1.1 500 \r\n\r\n'), 'malformed'],
    ['fragments without a beginning', Buffer.concat([frame(0x80, 'hello')]), 'unexpected'],
    ['a pong that nobody asked for', frame(pong, 'hello'), 'unexpected'],
  ]
  test.each(wrong)('%s is counted, and the run goes on', async (_, bytes, kind) => {
    let replies = 0
    const server = webSocketServer(connection => connection.send(++replies === 2 ? bytes : frame(text, 'hello'), 1))
    const loop = scenario('loop: [ { send: hello, expect: { type: [ 0x81, 0x01 ], begins: hello } } ]')
    const run = await simulate(server, { ...loop, requests: 5 })
    expect(run).toMatchObject({ sent: 5, completed: 4, failed: 1, failures: { [kind]: 1 } })
  })
})

group('pings and closes', () => {
  const bodies = [Buffer.alloc(0), Buffer.from('x'), Buffer.from([0, 0xff, 0x80, 0xc3]), Buffer.alloc(125, 0xe8)]
  test.each(bodies)('a ping of %j is answered with the same bytes', async body => {
    const pongs: Buffer[] = []
    const server = replying([Buffer.concat([frame(ping, body), frame(text, 'hello')])], (_, type, answer) => {
      expect(type).toBe(pong)
      pongs.push(answer)
    })
    const run = await simulate(server, { ...hello, requests: 10 })
    expect(run).toMatchObject({ completed: 10, failures: {} })
    expect(pongs.map(answer => answer.toString('hex'))).toEqual(pongs.map(() => body.toString('hex')))
    expect(pongs).toHaveLength(10)
  })

  const statuses = [
    Buffer.alloc(0),
    Buffer.from([0x03, 0xe8]),
    Buffer.concat([Buffer.from([0x03, 0xe9]), Buffer.from('going away')]),
  ]
  /** Closes a connection after its third request, before the answer to it or some time after. */
  function closing(status: Buffer, afterMs: number): WebSocketServer & { readonly statuses: string[] } {
    const requests = new Map<MemoryConnection, number>()
    const statuses: string[] = []
    const server = webSocketServer((connection, { type, body }) => {
      if (type === close) {
        statuses.push(body.toString('hex'))
        connection.close(0.1)
        return
      }
      requests.set(connection, (requests.get(connection) ?? 0) + 1)
      if (requests.get(connection) !== 3) connection.send(frame(text, 'hello'), 1)
      else if (afterMs === 0) connection.send(frame(close, status), 1)
      else {
        connection.send(frame(text, 'hello'), 1)
        connection.send(frame(close, status), afterMs)
      }
    })
    return { ...server, statuses }
  }

  test.each(statuses)('a close with %j is answered with its status, and fails what is in flight', async status => {
    const server = closing(status, 0)
    const run = await simulate(server, { ...hello, requests: 6 })
    expect(run).toMatchObject({ sent: 6, completed: 4, failed: 2, failures: { 'closed-early': 2 }, connects: 2 })
    expect(server.statuses).toEqual([status.toString('hex'), status.toString('hex')])
    expect(answersOf(run)).toBe(2)
  })

  test.each(statuses)('a close with %j of an idle connection is answered, and fails nothing', async status => {
    const server = closing(status, 5)
    const loop = scenario('loop: [ { send: hello, expect: { equals: hello }, think: 20ms } ]')
    const run = await simulate(server, { ...loop, requests: 6 })
    expect(run).toMatchObject({ sent: 6, completed: 6, failures: {} })
    expect(server.statuses.length).toBeGreaterThanOrEqual(1)
    expect(server.statuses[0]).toBe(status.toString('hex'))
  })
})

test('what a server pushes is counted and timed as a delivery where the description says how to tell it', async () => {
  const described = describe('websocket').text.replace('  replies:\n', '  replies:\n    deliver: [ "tick" ]\n')
  const own = described.slice(0, described.indexOf('\nloop:'))
  const settings = partsOf(`${own}\nloop: [ { send: hello, expect: { equals: hello } } ]\n`)
  const server = replying([
    Buffer.concat([frame(text, 'tick 1'), frame(0x01, 'hel'), frame(text, 'tick 2'), frame(0x80, 'lo')]),
  ])
  const run = await simulate(server, { ...settings, requests: 50 })
  expect(run).toMatchObject({ completed: 50, failures: {} })
  expect(run.collector.total(field.deliveries) + run.collector.total(field.deliveriesAfter)).toBe(100)
})

test('the description pings, which every server answers', async () => {
  const server = webSocketServer((connection, { type, body }) => {
    expect(type).toBe(ping)
    connection.send(frame(pong, body), 1)
  })
  const run = await simulate(server, { ...partsOf(describe('websocket').text), requests: 100 })
  expect(run).toMatchObject({ completed: 100, failures: {} })
})

test('the description and the codec of broadcast draw the same frames and send the same upgrade', () => {
  const { protocol, connect } = partsOf(describe('websocket').text)
  expect(protocol).toMatchObject({ ...webSocketPictures, replies: JSON.parse(JSON.stringify(webSocketRules)) })
  expect(connect![0]).toEqual({ ...upgradeStep, reply: { spec: expect.objectContaining({ delimiter: '\r\n\r\n' }) } })
  expect(upgradeReply.contains).toBe(accept)
})
