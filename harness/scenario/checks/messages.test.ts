import { expect, test } from 'vitest'
import { faultsWith } from '../testing/faults.ts'

const lineForms = 'METHOD /path such as GET /users/{{seq}}'

test.each([
  [['loop: [{ send: { path: / } }]'], '4:24 loop[0].send.path: needs protocol http, not raw'],
  [
    ['protocol: tlv', 'loop: [{ send: { body: a, clientIp: b } }]'],
    '4:37 loop[0].send.clientIp: needs protocol broadcast, not tlv',
  ],
  [
    ['protocol: resp', 'loop: [{ send: PING, expect: { status: 200 } }]'],
    '4:40 loop[0].expect.status: needs protocol http, not resp',
  ],
  [
    ['protocol: http', 'loop: [{ send: GET /, expect: { error: ERR } }]'],
    '4:40 loop[0].expect.error: needs protocol resp, not http',
  ],
  [
    ['protocol: tlv', 'loop: [{ send: { body: a, headers: { a: b } } }]'],
    '4:36 loop[0].send.headers: needs protocol http, not tlv',
  ],
  [
    ['protocol: rpc', 'connect: [{ send: { body: a, method: GET } }]'],
    '5:38 connect[0].send.method: needs protocol http, not rpc',
  ],
  [
    ['protocol: http', 'loop: [{ send: { path: /, type: 1 } }]'],
    '4:33 loop[0].send.type: needs protocol tlv or rpc, not http',
  ],
  [
    ['protocol: http', 'loop: [{ send: { path: /, extension: 1 } }]'],
    '4:38 loop[0].send.extension: needs protocol rpc, not http',
  ],
  [
    ['protocol: resp', 'loop: [{ send: { body: PING, version: 1 } }]'],
    '4:39 loop[0].send.version: needs protocol rpc, not resp',
  ],
  [
    ['protocol: tlv', 'loop: [{ send: a, expect: { version: 1 } }]'],
    '4:38 loop[0].expect.version: needs protocol rpc, not tlv',
  ],
  [
    ['protocol: { frame: { id: { offset: 4, bytes: 4 } } }', 'connect: [{ send: a, expect: { extension: 1 } }]'],
    '5:43 connect[0].expect.extension: needs protocol rpc, not frame',
  ],
  [
    ['protocol: http', 'loop: [{ send: GET /, expect: { type: 1 } }]'],
    '4:39 loop[0].expect.type: needs protocol tlv or rpc, not http',
  ],
])('parseScenario() refuses fields that the protocol does not have: %s', (lines, fault) => {
  expect(faultsWith(...lines)).toEqual([`s.yaml:${fault}`])
})

test.each([
  ['loop: [{ send: hi }]', `4:16 loop[0].send: expected ${lineForms}, got "hi"`],
  [
    'loop: [{ send: HEAD / }]',
    '4:16 loop[0].send: expected GET, POST, PUT, PATCH, DELETE or OPTIONS; replies to HEAD and CONNECT do not end where their heads say, got "HEAD"',
  ],
  ['connect: [{ send: "GET /a b" }]', `5:19 connect[0].send: expected ${lineForms}, got "GET /a b"`],
  ['heartbeat: { every: 1s, send: ping }', `5:31 heartbeat.send: expected ${lineForms}, got "ping"`],
  [
    'loop: [{ send: { hex: 0a } }]',
    `4:16 loop[0].send: expected ${lineForms}, or a mapping with path, got a mapping with hex`,
  ],
  [
    'loop: [{ send: { method: POST, body: a } }]',
    `4:16 loop[0].send: expected ${lineForms}, or a mapping with path, got a mapping with body and method`,
  ],
])('parseScenario() requires a path in every request of HTTP: %s', (line, fault) => {
  const others = line.startsWith('loop') ? [] : ['loop: [{ send: GET / }]']
  expect(faultsWith('protocol: http', ...others, line)).toEqual([`s.yaml:${fault}`])
})

test('parseScenario() requires data for the columns in a path and in headers', () => {
  const send = '{ path: "/{{data.a}}", headers: { X: "{{data.b}}" }, body: "{{data.c}}" }'
  expect(faultsWith('protocol: http', `loop: [{ send: ${send} }, { send: "GET /{{data.d}}" }]`)).toEqual([
    's.yaml:4:24 loop[0].send.path: {{data.a}} needs data with the CSV file that has it',
    's.yaml:4:53 loop[0].send.headers.X: {{data.b}} needs data with the CSV file that has it',
    's.yaml:4:75 loop[0].send.body: {{data.c}} needs data with the CSV file that has it',
    's.yaml:4:101 loop[1].send: {{data.d}} needs data with the CSV file that has it',
  ])
  expect(faultsWith('protocol: http', `loop: [{ send: ${send} }]`, 'data: { file: a.csv }')).toEqual([])
})

test.each([
  ['""', '16 loop[0].send: a command must have at least one word, such as PING'],
  ['{ body: " " }', '24 loop[0].send.body: a command must have at least one word, such as PING'],
  [`'SET a "b'`, '16 loop[0].send: a command must close its quotes, unlike "SET a \\"b"'],
])('parseScenario() reports what is wrong with a command of RESP: %s', (send, fault) => {
  expect(faultsWith('protocol: resp', `loop: [{ send: ${send} }]`)).toEqual([`s.yaml:4:${fault}`])
})

test('parseScenario() accepts a command of RESP as text', () => {
  expect(faultsWith('protocol: resp', 'loop: [{ send: "SET key:{{seq}} value", expect: { equals: OK } }]')).toEqual([])
})
