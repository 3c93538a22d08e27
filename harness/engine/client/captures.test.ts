import { expect, test } from 'vitest'
import { createRpc } from '../../protocols/rpc.ts'
import type { MemoryConnection, MemoryServer } from '../../transports/memory.ts'
import { capturedBytesMax, compileExtractor } from './captures.ts'
import { lineServer, simulate } from './testing/simulate.ts'

const never = { when: 'never', backoff: { min: 10, max: 80 } } as const
const failure = { when: 'failure', backoff: { min: 10, max: 80 } } as const
const bytes = (text: string) => new TextEncoder().encode(text)

function extracted(source: Parameters<typeof compileExtractor>[0], body: string): string | undefined {
  const value = compileExtractor(source)({ body: bytes(body) })
  return value && new TextDecoder().decode(value)
}

test('compileExtractor() extracts the JSON value at a path', () => {
  const at = (...path: string[]) =>
    extracted({ kind: 'json', path }, '{"a":{"b":"x","é":[1,{"c":true},[2]]},"n":-1.5,"z":null}')
  expect(at('a', 'b')).toBe('x')
  expect(at('a', 'é', '0')).toBe('1')
  expect(at('a', 'é', '1', 'c')).toBe('true')
  expect(at('a', 'é', '2')).toBe('[2]')
  expect(at('n')).toBe('-1.5')
  for (const path of [['z'], ['b'], ['a', 'b', 'c'], ['a', 'é', '3'], ['a', 'é', 'length'], ['constructor']]) {
    expect(at(...path)).toBeUndefined()
  }
  expect(extracted({ kind: 'json', path: ['a'] }, '{"a":')).toBeUndefined()
  expect(extracted({ kind: 'json', path: ['a'] }, '{"a":""}')).toBeUndefined()
  // Read as a number it would be 12345678901234567000.
  expect(extracted({ kind: 'json', path: ['a'] }, '{"a":12345678901234567890}')).toBeUndefined()
})

test('compileExtractor() extracts the first group of a pattern, or the whole match, or the body', () => {
  expect(extracted({ kind: 'regex', pattern: 'id=(\\d+)' }, 'x id=12 id=13')).toBe('12')
  expect(extracted({ kind: 'regex', pattern: '\\d+' }, 'x id=12')).toBe('12')
  expect(extracted({ kind: 'regex', pattern: 'id=(\\d+)' }, 'id=')).toBeUndefined()
  expect(extracted({ kind: 'regex', pattern: 'a(b)?' }, 'a')).toBeUndefined()
  expect(extracted({ kind: 'body' }, 'all of it')).toBe('all of it')
  expect(extracted({ kind: 'body' }, '')).toBeUndefined()
})

test('Client sends the value captured in a handshake in every later step of the same connection', async () => {
  const seen: string[] = []
  let connections = 0
  const server = lineServer(1, line => {
    seen.push(line)
    return line === 'login' ? `{"access":{"token":"${'t'.repeat(++connections)}"}}` : line
  })
  const run = await simulate(server, {
    connections: 3,
    load: { mode: 'loop', pipeline: 4 },
    requests: 60,
    connect: [
      { send: 'login', capture: { token: 'json:access.token' }, think: 0 },
      { send: 'use {{token}}', expect: 'echo', think: 0 },
    ],
    loop: [{ send: '{{seq 4}} {{token}} {{connection}}', expect: 'echo', think: 0 }],
  })
  expect(run).toMatchObject({ completed: 60, failures: {}, handshakes: 6 })
  const requests = seen.filter(line => /^\d/.test(line)).map(line => /^(\d{4}) (t+) (\d{6})$/.exec(line)!)
  expect(requests.map(match => Number(match[1])).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: 60 }, (_, index) => index + 1),
  )
  const tokens = new Map(requests.map(match => [match[3]!, match[2]!]))
  expect(tokens.size).toBe(3)
  for (const [, , token, connection] of requests) expect(token).toBe(tokens.get(connection!))
  expect(seen.filter(line => line.startsWith('use ')).toSorted()).toEqual(['use t', 'use tt', 'use ttt'])
})

test('Client sends in each step the value captured in the step before, with the row of the data', async () => {
  const seen: string[] = []
  let next = 0
  const server = lineServer(1, line => {
    seen.push(line)
    return line.startsWith('new') ? `id=${++next};` : 'ok'
  })
  const run = await simulate(
    server,
    {
      requests: 6,
      data: { file: 'x.csv', order: 'sequential' },
      loop: [
        { send: 'new {{data.name}}', capture: { id: 'regex:id=(\\d+)' }, think: 0 },
        { send: 'get {{id}} of {{data.name}}', expect: { equals: 'ok' }, think: 0 },
      ],
    },
    { rows: [{ name: 'ann' }, { name: 'bob' }] },
  )
  expect(run).toMatchObject({ completed: 6, failures: {} })
  expect(seen).toEqual(['new ann', 'get 1 of ann', 'new bob', 'get 2 of bob', 'new ann', 'get 3 of ann'])
})

test('Client fails a request whose reply lacks the value to capture, and restarts its steps', async () => {
  const seen: string[] = []
  const server = lineServer(1, line => {
    seen.push(line)
    return line === 'new' && seen.length % 3 === 1 ? 'nothing' : 'id=7'
  })
  const loop = [
    { send: 'new', capture: { id: 'regex:id=(\\d+)' }, think: 0 },
    { send: 'get {{id}}', think: 0 },
  ]
  const run = await simulate(server, { loop, requests: 6 })
  expect(seen).toEqual(['new', 'new', 'get 7', 'new', 'new', 'get 7'])
  expect(run).toMatchObject({ completed: 4, failed: 2, failures: { unexpected: 2 }, connects: 1 })
  const once = await simulate(
    lineServer(1, () => 'nothing'),
    { loop, load: { mode: 'once', pipeline: 1 }, connections: 2 },
  )
  expect(once).toMatchObject({ sent: 2, failed: 2, failures: { unexpected: 2 } })
})

test('Client treats a value that is too long as missing', async () => {
  for (const [length, completed] of [
    [capturedBytesMax, 2],
    [capturedBytesMax + 1, 0],
  ] as const) {
    const server = lineServer(1, line => (line === 'new' ? 'x'.repeat(length) : 'ok'))
    const loop = [
      { send: 'new', capture: { it: 'body' }, think: 0 },
      { send: '{{it}}{{it}}', think: 0 },
    ]
    const protocol = { name: 'line', delimiter: '\n', maxFrame: 3 * capturedBytesMax } as const
    const run = await simulate(server, { protocol, loop, requests: 2 })
    expect(run).toMatchObject({ sent: 2, completed, failed: 2 - completed })
  }
})

test('Client fails a handshake whose reply lacks the value to capture', async () => {
  const connect = [{ send: 'login', capture: { token: 'json:token' }, think: 0 }]
  const server = lineServer(1, () => 'not JSON')
  const run = await simulate(server, { connect, loop: [{ send: '{{token}}', think: 0 }], reconnect: never })
  expect(run).toMatchObject({ sent: 0, connects: 1, failures: { unexpected: 1 } })
})

test('Client forgets the captured values when it opens another connection', async () => {
  const seen: string[] = []
  const tokens = new Map<MemoryConnection, string>()
  const server: MemoryServer = {
    received(connection, input) {
      const line = Buffer.from(input).toString().trim()
      seen.push(line)
      if (line === 'login') {
        tokens.set(connection, `t${tokens.size + 1}`)
        connection.send(Buffer.from(`${tokens.get(connection)}\n`), 1)
      } else if (seen.length === 3) connection.reset(1)
      else connection.send(Buffer.from(`${line}\n`), 1)
    },
  }
  const connect = [{ send: 'login', capture: { token: 'body' }, think: 0 }]
  const loop = [{ send: 'with {{token}}', expect: 'echo' as const, think: 0 }]
  const run = await simulate(server, { connect, loop, requests: 4, reconnect: failure })
  expect(seen).toEqual(['login', 'with t1', 'with t1', 'login', 'with t2', 'with t2'])
  expect(run).toMatchObject({ completed: 3, failed: 1, failures: { reset: 1 } })
})

test('Client writes the length of an HTTP body with the captured value in it', async () => {
  const seen: string[] = []
  let replies = 0
  const server: MemoryServer = {
    received(connection, input) {
      seen.push(Buffer.from(input).toString())
      const body = `{"token":"${'x'.repeat(3 ** replies++)}"}`
      // Two chunks, with the value split between them.
      const chunks = `${[body.slice(0, 11), body.slice(11)].map(part => `${part.length.toString(16)}\r\n${part}\r\n`).join('')}0\r\n\r\n`
      connection.send(Buffer.from(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`), 1)
    },
  }
  const run = await simulate(server, {
    protocol: { name: 'http', host: 'h', maxFrame: 65_536 },
    requests: 4,
    loop: [
      { send: 'GET /login', capture: { token: 'json:token' }, think: 0 },
      {
        send: { method: 'POST', path: '/a/{{token}}', headers: { 'X-Token': 'is {{token}}' }, body: '<{{token}}>' },
        think: 0,
      },
    ],
  })
  expect(run).toMatchObject({ completed: 4, failures: {} })
  const posts = seen.filter(text => text.startsWith('POST'))
  expect(posts.map(text => /^POST \/a\/(x+) HTTP/.exec(text)![1]!.length)).toEqual([1, 9])
  for (const text of posts) {
    const token = /X-Token: is (x+)\r\n/.exec(text)![1]!
    expect(text.split('\r\n\r\n')[1]).toBe(`<${token}>`)
    expect(text).toContain(`\r\nContent-Length: ${token.length + 2}\r\n`)
  }
})

test('Client drops a connection that has captured a value it cannot send', async () => {
  const server: MemoryServer = {
    received: connection => connection.send(Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\na\r\nb'), 1),
  }
  const run = await simulate(server, {
    protocol: { name: 'http', host: 'h', maxFrame: 65_536 },
    loop: [
      { send: 'GET /', capture: { it: 'body' }, think: 0 },
      { send: { path: '/b', headers: { A: '{{it}}' } }, think: 0 },
    ],
    reconnect: failure,
  })
  expect(run.failures).toEqual({ unexpected: run.failed })
  expect(run.failed).toBe(run.completed)
  // Like a broken connection, it is opened again after a backoff.
  expect(run.connects).toBeGreaterThan(10)
  expect(run.completed).toBeLessThan(200)
})

test('Client matches ids, frames and checks when only some requests are encoded on send', async () => {
  const rpc = createRpc({ lengthPrefix: true, maxFrame: 4096 })
  const server: MemoryServer = {
    received(connection, input) {
      for (let at = 0; at < input.length; ) {
        const end = rpc.frameEnd(input, at, input.length, 0)
        const message = rpc.decode(input, at, end)
        const body = message.type === 9 ? bytes('token-'.repeat(connection.link + 1)) : message.body.slice()
        connection.send(rpc.encode({ ...message, body }), 1 + ((message.id ?? 0) % 7))
        at = end
      }
    },
  }
  const run = await simulate(server, {
    protocol: { name: 'rpc', lengthPrefix: true, maxFrame: 4096 },
    connections: 3,
    load: { mode: 'loop', pipeline: 20 },
    connect: [{ send: { type: 9 }, capture: { token: 'body' }, think: 0 }],
    mix: [
      { send: { type: 1, body: '{{token}} {{seq}}' }, expect: 'echo', think: 0, weight: 1 },
      { send: { type: 1, body: 'plain {{seq}}' }, expect: 'echo', think: 0, weight: 1 },
      { send: { type: 1, body: 'always the same' }, expect: 'echo', think: 0, weight: 1 },
    ],
  })
  expect(run.failures).toEqual({})
  expect(run.completed).toBeGreaterThan(5000)
})

test('Client knows the length of a request that was encoded on send when the reply has the same length', async () => {
  const server: MemoryServer = {
    received(connection, input) {
      const text = Buffer.from(input).toString()
      connection.send(Buffer.from(text === 'name?' ? 'carol' : text.toUpperCase()), 1)
    },
  }
  const run = await simulate(server, {
    protocol: { name: 'raw' },
    requests: 20,
    connect: [{ send: 'name?', capture: { name: 'body' }, think: 0 }],
    loop: [
      { send: 'hi {{name}}', expect: { equals: 'HI CAROL' }, think: 0 },
      { send: '{{name}}{{name}}{{name}}', expect: { equals: 'CAROLCAROLCAROL' }, think: 0 },
    ],
  })
  expect(run).toMatchObject({ completed: 20, failures: {} })
})

test('Client begins with the first step again after a timeout of the step that captures', async () => {
  const rpc = createRpc({ lengthPrefix: true, maxFrame: 4096 })
  const seen: string[] = []
  const server: MemoryServer = {
    received(connection, input) {
      const message = rpc.decode(input, 0, input.length)
      seen.push(Buffer.from(message.body).toString())
      connection.send(rpc.encode({ ...message, body: bytes(`id${seen.length}`) }), seen.length === 1 ? 150 : 1)
    },
  }
  const run = await simulate(server, {
    protocol: { name: 'rpc', lengthPrefix: true, maxFrame: 4096 },
    requests: 5,
    loop: [
      { send: 'new', capture: { id: 'body' }, think: 0 },
      { send: 'get {{id}}', think: 0 },
    ],
  })
  expect(seen).toEqual(['new', 'new', 'get id2', 'new', 'get id4'])
  expect(run).toMatchObject({ completed: 4, failures: { timeout: 1 } })
})

test('compileExtractor() extracts bytes and numbers at a place, and fields', () => {
  const body = Uint8Array.of(0x00, 0x61, 0xff, 0xff, 0xff, 0xfe, 0x01)
  const of = (source: Parameters<typeof compileExtractor>[0], fields = {}) => {
    const value = compileExtractor(source)({ body, fields })
    return value && Buffer.from(value).toString('latin1')
  }
  expect(of({ kind: 'bytes', offset: 1, length: 2 })).toBe('a\xff')
  expect(of({ kind: 'bytes', offset: 6, length: 2 })).toBeUndefined()
  expect(of({ kind: 'number', type: 'i32', offset: 2 })).toBe('-2')
  expect(of({ kind: 'number', type: 'u32le', offset: 2 })).toBe('4278190079')
  expect(of({ kind: 'number', type: 'u64', offset: 0 })).toBeUndefined()
  expect(of({ kind: 'field', name: 'status' }, { status: 7 })).toBe('7')
  expect(of({ kind: 'field', name: 'status' })).toBeUndefined()
})

test('Client sends the address of each connection, of any length, with slots and without', async () => {
  const seen = new Map<string, Set<string>>()
  const server: MemoryServer = {
    received(connection, received) {
      for (const line of Buffer.from(received).toString().trimEnd().split('\n')) {
        const [kind, address] = line.split(' ')
        const known = seen.get(`${kind} ${connection.link}`) ?? new Set()
        seen.set(`${kind} ${connection.link}`, known.add(`${address === connection.remoteAddress}`))
        connection.send(bytes(`${line}\n`), 1)
      }
    },
  }
  const run = await simulate(server, {
    connections: 200,
    load: { mode: 'loop', pipeline: 3 },
    requests: 3000,
    connect: [{ send: 'hello {{localAddress}}', expect: 'echo', think: 0 }],
    loop: [
      { send: 'a {{localAddress}}', expect: 'echo', think: 0 },
      { send: 'b {{localAddress}} {{seq}} {{stamp}}', expect: 'echo', think: 0 },
    ],
  })
  expect(run).toMatchObject({ completed: 3000, handshakes: 200, failures: {} })
  expect(seen.size).toBe(3 * 200)
  expect(new Set([...seen.values()].map(all => [...all].join()))).toEqual(new Set(['true']))
})

test('Client fills in the slots of requests with an address, each once, when nothing is compared', async () => {
  const seen: string[] = []
  const server: MemoryServer = {
    received(connection, received) {
      for (const line of Buffer.from(received).toString().trimEnd().split('\n')) {
        seen.push(line)
        expect(line.split(' ')[1]).toBe(connection.remoteAddress)
        connection.send(bytes('ok\n'), 1)
      }
    },
  }
  const run = await simulate(server, {
    connections: 20,
    load: { mode: 'loop', pipeline: 4 },
    requests: 400,
    loop: [
      { send: 'a {{localAddress}} {{seq 3}} {{random 8}}', think: 0 },
      { send: 'b {{localAddress}} {{seq 3}} x{{connection}}', think: 0 },
    ],
  })
  expect(run).toMatchObject({ completed: 400, failures: {} })
  const numbers = seen.map(line => Number(line.split(' ')[2]))
  expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 400 }, (_, index) => index + 1))
  expect(seen.every(line => /^(?:a \S+ \d{3} [\w-]{8}|b \S+ \d{3} x\d{6})$/.test(line))).toBe(true)
  const random = seen.filter(line => line.startsWith('a')).map(line => line.slice(-8))
  expect(new Set(random).size).toBe(random.length)
})

test('Client fails a request that needs an address where the connection has none', async () => {
  const server: MemoryServer = {
    accepted: connection => Object.assign(connection, { remoteAddress: undefined }),
    received: (connection, some) => connection.send(some, 1),
  }
  const run = await simulate(server, { reconnect: never, loop: [{ send: '{{localAddress}}', think: 0 }] })
  expect(run).toMatchObject({ sent: 1, completed: 0, failures: { unexpected: 1 } })
})
