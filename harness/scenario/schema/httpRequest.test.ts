import { expect, test } from 'vitest'
import { InvalidValue } from '../../invalidValue.ts'
import { parseScenario } from '../load.ts'
import { faultsWith, minimalWith } from '../testing/faults.ts'
import { checkPath, parseRequestLine } from './httpRequest.ts'

const lineForms = 'METHOD /path such as GET /users/{{seq}}'
const methodForms = 'GET, POST, PUT, PATCH, DELETE or OPTIONS'

test.each([
  ['GET /', 'GET', '/'],
  ['DELETE /users/{{seq}}?force=1&a[]=%20', 'DELETE', '/users/{{seq}}?force=1&a[]=%20'],
  ['GET /{{random 0..99}}/{{ random 8 }}', 'GET', '/{{random 0..99}}/{{ random 8 }}'],
  ['OPTIONS {{data.path}}', 'OPTIONS', '{{data.path}}'],
])('parseRequestLine() reads "%s"', (text, method, path) => {
  expect(parseRequestLine(text)).toEqual({ method, path })
})

test.each([
  ['', lineForms],
  ['GET', lineForms],
  ['/', lineForms],
  ['hello world', lineForms],
  ['GET users', lineForms],
  ['GET  /', lineForms],
  ['GET / HTTP/1.1', lineForms],
  ['GET /\r\nHost: x', lineForms],
  ['GET /#top', lineForms],
  ['GET /größe', lineForms],
  ['GET http://h/', lineForms],
  ['FETCH /', `${methodForms}, got "FETCH"`],
  ['get /', `${methodForms}, got "get"`],
  ['HEAD /', `${methodForms}; replies to HEAD and CONNECT do not end where their heads say, got "HEAD"`],
  ['CONNECT /', `${methodForms}; replies to HEAD and CONNECT do not end where their heads say, got "CONNECT"`],
  ['GET /{{random 65536}}', 'at most 65536 characters with slots filled in, got more'],
])('parseRequestLine() refuses %j', (text, message) => {
  expect(() => parseRequestLine(text)).toThrow(new InvalidValue(message))
})

test('checkPath() refuses anything but a path of visible ASCII characters', () => {
  const message = 'a path such as /users/{{seq}}, of visible ASCII characters and without #'
  for (const path of ['', 'users', '/a b', '/a\n', '/é', '/#', '{{seq}}']) {
    expect(() => checkPath(path)).toThrow(new InvalidValue(message, JSON.stringify(path)))
  }
  for (const path of ['/', '/~!*()"<>{}|', '{{data.path}}/x']) expect(() => checkPath(path)).not.toThrow()
})

test('parseScenario() reads an HTTP request as a text or by its fields', () => {
  const { scenario } = parseScenario(
    minimalWith(
      'protocol: http',
      'connect: [{ send: { method: POST, path: /login, headers: { Content-Type: text/plain }, body: "a:123" }, expect: { status: 204 } }]',
      'loop: [{ send: "GET /users/{{seq}}", expect: { status: 200, contains: name } }, { send: { path: "/{{random 0..99}}", headers: { X-Id: "{{uuid}}" } } }]',
      'heartbeat: { every: 1s, send: OPTIONS / }',
    ),
    's.yaml',
    [],
    {},
  )
  expect(scenario).toMatchObject({
    protocol: { name: 'http' },
    connect: [
      {
        send: { method: 'POST', path: '/login', headers: { 'Content-Type': 'text/plain' }, body: 'a:123' },
        expect: { status: 204 },
      },
    ],
    loop: [
      { send: 'GET /users/{{seq}}', expect: { status: 200, contains: 'name' } },
      { send: { path: '/{{random 0..99}}', headers: { 'X-Id': '{{uuid}}' } } },
    ],
    heartbeat: { send: 'OPTIONS /' },
  })
})

test.each([
  ['{ path: /x, method: FETCH }', `36 loop[0].send.method: expected ${methodForms}, got "FETCH"`],
  [
    '{ path: /, method: HEAD }',
    `35 loop[0].send.method: expected ${methodForms}; replies to HEAD and CONNECT do not end where their heads say, got "HEAD"`,
  ],
  ['{ path: /, method: 5 }', `35 loop[0].send.method: expected ${methodForms}, got 5 (in quotes it is text)`],
  [
    '{ path: users }',
    '24 loop[0].send.path: expected a path such as /users/{{seq}}, of visible ASCII characters and without #, got "users"',
  ],
  ['{ path: 5 }', '24 loop[0].send.path: expected a path such as /users/{{seq}}, got 5 (in quotes it is text)'],
  [
    '{ path: "/{{random 65536}}" }',
    '24 loop[0].send.path: expected at most 65536 characters with slots filled in, got more',
  ],
  [
    '{ path: "/{{random 9..1}}" }',
    '24 loop[0].send.path: expected a range such as {{random 0..9999}}, the lower number first, got "{{random 9..1}}"',
  ],
  [
    '{ path: /, headers: a }',
    '36 loop[0].send.headers: expected a mapping of headers such as { Accept: text/html }, got "a"',
  ],
  [
    '{ path: /, headers: { "a b": c } }',
    '38 loop[0].send.headers: expected the name of a header such as Accept, got "a b"',
  ],
  ['{ path: /, headers: { a: 5 } }', '41 loop[0].send.headers.a: expected text, got 5 (in quotes it is text)'],
  [
    '{ path: /, headers: { a: "b\\r\\nc: d" } }',
    '41 loop[0].send.headers.a: expected a text without line ends and control characters, got "b\\r\\nc: d"',
  ],
  [
    '{ path: /, headers: { a: "{{random}}" } }',
    '41 loop[0].send.headers.a: expected a length or a range, as in {{random 64}} or {{random 0..9999}}, got "{{random}}"',
  ],
  [
    '{ path: /, headers: { Content-Length: "5" } }',
    '54 loop[0].send.headers.Content-Length: is added from the body; leave it out',
  ],
  [
    '{ path: /, headers: { transfer-encoding: chunked } }',
    '57 loop[0].send.headers.transfer-encoding: is added from the body; leave it out',
  ],
  ['{ path: /, headers: { host: a, Host: b } }', '53 loop[0].send.headers.Host: is the same header as "host"'],
  [
    '{ hex: 0a, path: / }',
    '16 loop[0].send: expected the payload in body where there are other fields, as in body: { hex: ... }, got hex and path',
  ],
])('parseScenario() reports what is wrong with an HTTP request: %s', (send, fault) => {
  expect(faultsWith('protocol: http', `loop: [{ send: ${send} }]`)).toEqual([`s.yaml:4:${fault}`])
})

test('parseScenario() bounds the number of headers', () => {
  const headers = Array.from({ length: 101 }, (_, index) => `h${index}: a`).join(', ')
  expect(faultsWith('protocol: http', `loop: [{ send: { path: /, headers: { ${headers} } } }]`)).toEqual([
    's.yaml:4:36 loop[0].send.headers: expected at most 100 headers, got 101',
  ])
})
