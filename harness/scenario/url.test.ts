import { expect, test } from 'vitest'
import { scenarioFromUrl } from './load.ts'
import { faultLines } from './testing/faults.ts'
import { nameFromUrl } from './url.ts'

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
  ['redis://127.0.0.1:7000', 'tcp://127.0.0.1:7000'],
  ['redis://cache', 'tcp://cache:6379'],
  ['redis://[::1]/', 'tcp://[::1]:6379'],
])('scenarioFromUrl() turns %s into a PING', (url, address) => {
  const { scenario } = scenarioFromUrl(url, [])
  expect(scenario).toMatchObject({
    target: { address },
    protocol: { name: 'resp' },
    loop: [{ send: 'PING', expect: { equals: 'PONG' }, think: 0 }],
  })
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

const forms =
  'http://host:port/path, redis://host:port, tcp://host:port, udp://host:port, tls://host:port or unix:/path'

test.each([
  ['http://', 'expected http://host:port/path, got "http://"'],
  ['http://me:secret@h/', 'expected http://host:port/path, got "http://me:secret@h/"'],
  ['http://h:port/', 'expected http://host:port/path, got "http://h:port/"'],
  ['http://h:0/', 'target.address: expected a port from 1 to 65535, got 0'],
  ['http://h/a b', 'expected a path such as /users/{{seq}}, of visible ASCII characters and without #, got "/a b"'],
  [
    'http://h/{{seqq}}',
    'expected a slot such as {{seq}}, {{connection}}, {{uuid}}, {{random 64}}, {{random 0..9999}}, {{stamp}} or {{data.column}}, got "{{seqq}}"',
  ],
  ['redis://h/1', 'expected redis://host:port without a database, got "redis://h/1"'],
  ['redis://:secret@h', 'expected redis://host:port, got "redis://:secret@h"'],
  [
    'https://h/',
    '"https://" is not in this version of volley; a file with address tls://host:443 and protocol http does the same',
  ],
  [
    'rediss://h',
    '"rediss://" is not in this version of volley; a file with address tls://host:6379 and protocol resp does the same',
  ],
  ['ftp://h', `expected ${forms}, got "ftp://h"`],
  ['constructor://h', `expected ${forms}, got "constructor://h"`],
])('scenarioFromUrl() refuses %s', (url, message) => {
  expect(faultLines(() => scenarioFromUrl(url, []))).toEqual([`${url} ${message}`])
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
