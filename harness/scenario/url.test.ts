import { expect, test } from 'vitest'
import { describedSchemes } from '../protocols/described.ts'
import { scenarioFromUrl } from './load.ts'
import { faultLines } from './testing/faults.ts'
import { isUrl, nameFromUrl, withoutLogin } from './url.ts'

test.each([
  ['http://127.0.0.1:8080/users?page=1', '127.0.0.1:8080', '127.0.0.1:8080', '/users?page=1'],
  ['http://example.org', 'example.org:80', 'example.org', '/'],
  ['http://example.org:80/', 'example.org:80', 'example.org', '/'],
  ['http://example.org?a=b', 'example.org:80', 'example.org', '/?a=b'],
  ['http://h:81/a/{{random 0..99}}#part', 'h:81', 'h:81', '/a/{{random 0..99}}'],
  ['http://[::1]:3000/x#', '[::1]:3000', '[::1]:3000', '/x'],
])('scenarioFromUrl() turns %s into a GET of its path', (url, address, host, path) => {
  const { scenario } = scenarioFromUrl(url, [])
  expect(scenario).toMatchObject({
    target: { address: `tcp://${address}` },
    protocol: { name: 'http', host },
    connections: 10,
    duration: 10_000,
    loop: [{ send: `GET ${path}`, think: 0 }],
  })
})

test.each([
  ['https://example.org/a', 'tls://example.org:443', 'example.org', '/a'],
  ['https://example.org:443', 'tls://example.org:443', 'example.org', '/'],
  ['https://[::1]:8443/a', 'tls://[::1]:8443', '[::1]:8443', '/a'],
  ['https://example.org:80', 'tls://example.org:80', 'example.org:80', '/'],
  ['HTTPS://Example.org/A', 'tls://Example.org:443', 'Example.org', '/A'],
])('scenarioFromUrl() turns %s into a GET over TLS', (url, address, host, path) => {
  const { scenario } = scenarioFromUrl(url, [])
  expect(scenario).toMatchObject({
    target: { address },
    protocol: { name: 'http', host },
    loop: [{ send: `GET ${path}` }],
  })
  expect(scenario.tls).toBeUndefined()
})

test.each([
  ['h:1', 'tcp://h:1'],
  ['127.0.0.1:8080/', 'tcp://127.0.0.1:8080/'],
  ['[::1]:9', 'tcp://[::1]:9'],
])('scenarioFromUrl() takes %s for an address over TCP', (url, address) => {
  expect(isUrl(url)).toBe(true)
  expect(scenarioFromUrl(url, []).scenario).toMatchObject({ target: { address }, protocol: { name: 'raw' } })
})

test('scenarioFromUrl() sends what the protocol of a flag answers', () => {
  const loopWith = (protocol: unknown) =>
    scenarioFromUrl('h:1', [{ path: ['protocol'], value: protocol, origin: '--protocol' }]).scenario.loop
  expect(loopWith('http')).toMatchObject([{ send: 'GET /' }])
  expect(loopWith({ http: { maxFrame: '1KiB' } })).toMatchObject([{ send: 'GET /' }])
  expect(loopWith('resp')).toMatchObject([{ send: 'PING', expect: { equals: 'PONG' } }])
  expect(loopWith('line')).toMatchObject([{ send: 'Hello World!' }])
  // Type 0 is often a heartbeat, which servers do not answer.
  expect(loopWith('tlv')).toMatchObject([{ send: { type: 1, body: 'Hello World!' } }])
  expect(loopWith({ rpc: { maxFrame: '1KiB' } })).toMatchObject([{ send: { type: 1, body: 'Hello World!' } }])
})

test.each(['mine.yaml', 'scenarios/mine', './a:1', 'host:1/mine.yaml', 'a', '-', 'a:b', '8080'])(
  'isUrl() takes %s for the path of a file',
  source => {
    expect(isUrl(source)).toBe(false)
  },
)

test.each([
  ['redis://127.0.0.1:7000', 'tcp://127.0.0.1:7000'],
  ['redis://cache', 'tcp://cache:6379'],
  ['redis://[::1]/', 'tcp://[::1]:6379'],
  ['rediss://cache', 'tls://cache:6379'],
])('scenarioFromUrl() turns %s into a PING', (url, address) => {
  const { scenario } = scenarioFromUrl(url, [])
  expect(scenario).toMatchObject({
    target: { address },
    protocol: { name: 'resp' },
    loop: [{ send: 'PING', expect: { equals: 'PONG' }, think: 0 }],
  })
})

test.each([
  ['redis://h/3', 'tcp://h:6379', { database: 3 }],
  ['redis://:geheim@h', 'tcp://h:6379', { password: 'geheim' }],
  ['rediss://me:ge%40heim@h:7000/0', 'tls://h:7000', { user: 'me', password: 'ge@heim', database: 0 }],
])('scenarioFromUrl() logs in with what is in %s, and shows no password', (url, address, login) => {
  const { scenario, redacted, secrets } = scenarioFromUrl(url, [])
  expect(scenario).toMatchObject({ target: { address }, loop: [{ send: 'PING', expect: { equals: 'PONG' } }] })
  expect(scenario.protocol).toEqual({ name: 'resp', ...login, maxFrame: 1024 * 1024 })
  const shown = 'password' in login ? { ...login, password: '***' } : login
  expect(redacted.protocol).toEqual({ name: 'resp', ...shown, maxFrame: 1024 * 1024 })
  expect(secrets.keys).toEqual('password' in login ? [login.password] : [])
  expect(scenario.name).not.toContain('heim')
})

test.each([
  ['redis://me@h', 'redis://h protocol.redis.user: needs a password beside it'],
  ['http://me:geheim@h/', 'http://h/ expected http://host:port/path without a login, got "http://h/"'],
  [
    'redis://me:ge@heim@h:x',
    'redis://h:x expected redis://host:port/database, with user:password@ before the host for a login, got "redis://h:x"',
  ],
  [
    'redis://me:ge/heim@h',
    'redis://h expected redis://host:port/database, with user:password@ before the host for a login, got "redis://h"',
  ],
  ['redis://me:12/heim@h', 'redis://h expected the number of a database, as in redis://host/1, got "redis://h"'],
  ['redis://:ge%zzheim@h', 'redis://h expected escapes such as %20 in a URL, got others'],
])('scenarioFromUrl() refuses %s without showing a password', (url, line) => {
  expect(faultLines(() => scenarioFromUrl(url, []))).toEqual([line])
})

test.each(['tcp://h:1', 'udp://h:1', 'tls://h:1', 'unix:/run/x.sock'])(
  'scenarioFromUrl() turns %s into a text over protocol raw',
  url => {
    const { scenario } = scenarioFromUrl(url, [])
    expect(scenario).toMatchObject({
      target: { address: url },
      protocol: { name: 'raw' },
      loop: [{ send: 'Hello World!', think: 0 }],
    })
  },
)

test('scenarioFromUrl() replaces the request, and what was expected of its reply, by --send', () => {
  const send = (text: string) => [{ path: ['loop'], value: [{ send: text }], origin: '--send' }]
  expect(scenarioFromUrl('http://h:1/a', send('POST /b')).scenario.loop).toEqual([{ send: 'POST /b', think: 0 }])
  expect(scenarioFromUrl('redis://h', send('GET a')).scenario.loop).toEqual([{ send: 'GET a', think: 0 }])
  expect(faultLines(() => scenarioFromUrl('http://h:1/a', send('hello')))).toEqual([
    '--send loop[0].send: expected METHOD /path such as GET /users/{{seq}}, got "hello"',
  ])
})

const described = describedSchemes.map(scheme => `${scheme}://`).join(', ')
const unknown = `is not in this version of volley; it has http://, https://, redis://, rediss://, ${described}, tcp://, udp://, tls://, unix:/path and host:port alone, which is TCP`

test.each([
  ['http://', 'expected http://host:port/path, got "http://"'],
  ['http://me:secret@h/', 'expected http://host:port/path without a login, got "http://h/"'],
  ['http://h:port/', 'expected http://host:port/path, got "http://h:port/"'],
  ['http://h:0/', 'target.address: expected a port from 1 to 65535, got 0'],
  ['http://h/a b', 'expected a path such as /users/{{seq}}, of visible ASCII characters and without #, got "/a b"'],
  [
    'http://h/{{seqq}}',
    'expected a slot such as {{seq}}, {{count}}, {{connection}}, {{uuid}}, {{random 64}}, {{random 0..9999}}, {{stamp}}, {{utc}}, {{localAddress}}, {{targetHost}} or {{data.column}}, got "{{seqq}}"',
  ],
  ['redis://h/one', 'expected the number of a database, as in redis://host/1, got "redis://h/one"'],
  [
    'redis://h:0x1',
    'expected redis://host:port/database, with user:password@ before the host for a login, got "redis://h:0x1"',
  ],
  ['https://', 'expected https://host:port/path, got "https://"'],
  ['gopher://h', `"gopher://" ${unknown}`],
  ['ws://h/a b', 'expected a path such as /users/{{seq}}, of visible ASCII characters and without #, got "/a b"'],
  ['gopher://h:70', `"gopher://" ${unknown}`],
  ['constructor://h', `"constructor://" ${unknown}`],
  ['htp://h', 'unknown scheme "htp://"; did you mean "http://"?'],
  ['h:80/users?a=b', 'expected host:port without a path, or a URL such as http://h:80/users?a=b, got "h:80/users?a=b"'],
  [':8080', 'expected a host before the port, as in 127.0.0.1:8080, got ":8080"'],
  ['::1:8080', 'expected an IPv6 address in brackets, and a port: [::1]:8080, got "::1:8080"'],
  ['fe80::1', 'expected an IPv6 address in brackets, and a port: [::1]:8080, got "fe80::1"'],
  ['h:70000', 'target.address: expected a port from 1 to 65535, got 70000'],
])('scenarioFromUrl() refuses %s', (url, message) => {
  expect(faultLines(() => scenarioFromUrl(url, []))).toEqual([`${withoutLogin(url)} ${message}`])
})

test('scenarioFromUrl() refuses a URL as the target of another', () => {
  const target = (address: string) => [{ path: ['target'], value: { address }, origin: '--target' }]
  const expected = '--target target.address: expected an address, not a URL:'
  expect(faultLines(() => scenarioFromUrl('tcp://h:1', target('http://h:1/')))).toEqual([
    `${expected} tcp://host:port with protocol http, got "http://h:1/"`,
  ])
  expect(faultLines(() => scenarioFromUrl('tcp://h:1', target('rediss://h:1')))).toEqual([
    `${expected} tls://host:port with protocol resp, got "rediss://h:1"`,
  ])
})

test.each([
  ['http://h:8080/users/{{seq}}?a=b', 'h-8080-users-seq-a-b'],
  ['http://h/', 'h'],
  ['redis://[::1]:6379', '1-6379'],
  ['unix:/run/a b.sock', 'a-b.sock'],
  [`http://h/${'a'.repeat(100)}`, `h-${'a'.repeat(78)}`],
  ['http://[::]', 'url'],
])('nameFromUrl() names %s', (url, name) => {
  expect(nameFromUrl(url)).toBe(name)
})
