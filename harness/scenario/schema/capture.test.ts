import { expect, test } from 'vitest'
import { faultsIn as faultsOf, faultsWith } from '../testing/faults.ts'
import { parseCapture } from './capture.ts'

test('parseCapture() reads every kind of source', () => {
  expect(parseCapture('body')).toEqual({ kind: 'body' })
  expect(parseCapture('bytes:8+16')).toEqual({ kind: 'bytes', offset: 8, length: 16 })
  expect(parseCapture('u32le:8')).toEqual({ kind: 'number', type: 'u32le', offset: 8 })
  expect(parseCapture('field:status')).toEqual({ kind: 'field', name: 'status' })
  for (const wrong of ['bytes:8', 'bytes:8+0', 'u9:8', 'u8:x', 'field:', 'u8:99999999']) {
    expect(() => parseCapture(wrong)).toThrow('expected')
  }
  expect(parseCapture('json:access.token')).toEqual({ kind: 'json', path: ['access', 'token'] })
  expect(parseCapture('json:items.0.id')).toEqual({ kind: 'json', path: ['items', '0', 'id'] })
  expect(parseCapture('regex:token=(\\w+)')).toEqual({ kind: 'regex', pattern: 'token=(\\w+)' })
})

const forms = 'expected "json:access.token", "regex:token=(\\w+)", "bytes:8+16", "u32le:8", "field:status" or body'

test.each([
  ['{ t: bodies }', `39 loop[0].capture.t: ${forms}, got "bodies"`],
  ['{ t: 5 }', `39 loop[0].capture.t: ${forms}, got 5`],
  ['{ t: "json:" }', `39 loop[0].capture.t: ${forms}, got "json:"`],
  [
    '{ t: "json:a..b" }',
    '39 loop[0].capture.t: expected keys with dots between them, as in "json:items.0.id", got "json:a..b"',
  ],
  [
    '{ t: "json:a[0].b" }',
    '39 loop[0].capture.t: expected keys with dots between them, as in "json:items.0.id", got "json:a[0].b"',
  ],
  [
    '{ t: "json:$.a" }',
    '39 loop[0].capture.t: expected keys with dots between them, as in "json:items.0.id", got "json:$.a"',
  ],
  [
    '{ t: "regex:(a" }',
    '39 loop[0].capture.t: expected a regular expression after regex:, got "regex:(a" (unterminated group)',
  ],
  ['{}', '34 loop[0].capture: expected 1 to 16 names, got none'],
  ['body', '34 loop[0].capture: expected a mapping of names such as { token: "json:access.token" }, got "body"'],
  ['{ a-b: body }', '36 loop[0].capture: expected a name of letters, digits and "_", such as token, got "a-b"'],
  ['{ seq: body }', '36 loop[0].capture: expected a name other than those of slots, such as token, got "seq"'],
])('parseScenario() reports what is wrong with capture: %s', (capture, fault) => {
  expect(faultsWith(`loop: [{ send: "hello", capture: ${capture} }]`)).toEqual([`s.yaml:4:${fault}`])
})

const slots =
  'expected a slot such as {{seq}}, {{count}}, {{connection}}, {{uuid}}, {{random 64}}, {{random 0..9999}}, {{stamp}}, {{utc}}, {{localAddress}}, {{targetHost}} or {{data.column}}'

test.each([
  [['loop: [{ send: "{{t}}" }]'], [`4:16 loop[0].send: ${slots}, got "{{t}}"`]],
  // A step cannot use what its own reply, or that of a later step, captures.
  [['loop: [{ send: "{{t}}", capture: { t: body } }]'], [`4:16 loop[0].send: ${slots}, got "{{t}}"`]],
  [
    ['loop: [{ send: a, capture: { t: body } }, { send: "{{u}}" }, { send: b, capture: { u: body } }]'],
    ['4:51 loop[1].send: expected a slot, or a value that an earlier step captures (t), got "{{u}}"'],
  ],
  [
    ['connect: [{ send: "{{t}}" }]', 'loop: [{ send: a, capture: { t: body } }]'],
    [`5:19 connect[0].send: ${slots}, got "{{t}}"`],
  ],
  [
    ['heartbeat: { every: 1s, send: "{{t}}" }', 'loop: [{ send: a, capture: { t: body } }]'],
    [`5:31 heartbeat.send: ${slots}, got "{{t}}"`],
  ],
  [
    ['protocol: http', 'loop: [{ send: { path: "/{{t}}", headers: { A: "{{u}}" } } }]'],
    [`4:24 loop[0].send.path: ${slots}, got "{{t}}"`, `4:48 loop[0].send.headers.A: ${slots}, got "{{u}}"`],
  ],
  [
    ['loop: [{ send: a, capture: { t: body } }, { send: b, expect: { equals: "x{{t}}" } }]'],
    [
      '4:72 loop[1].expect.equals: expected text without slots, or expect: echo in place of the mapping for what was sent, got "{{t}}"',
    ],
  ],
  [
    ['load: { pipeline: 2 }', 'loop: [{ send: a, capture: { t: body } }]'],
    ['5:19 load.pipeline: expected 1 with capture in loop, got 2'],
  ],
  [
    ['reconnect: { when: every-request }', 'loop: [{ send: a, capture: { t: body } }]'],
    [
      '5:20 reconnect.when: "every-request" cannot be combined with capture in loop: a captured value is lost with its connection',
    ],
  ],
])('parseScenario() refuses %s', (lines, faults) => {
  expect(faultsWith(...lines)).toEqual(faults.map(fault => `s.yaml:${fault}`))
})

test('parseScenario() refuses capture in a mix, whose steps have no order', () => {
  const text = 'name: x\ntarget: { address: "tcp://h:1" }\nprotocol: raw\n'
  const mix = 'mix: [{ send: a, capture: { t: body } }, { send: "{{t}}" }]'
  expect(faultsOf(text + mix)).toEqual([
    's.yaml:4:27 mix[0].capture: cannot be combined with mix, whose steps have no order; capture in connect instead',
    `s.yaml:4:50 mix[1].send: ${slots}, got "{{t}}"`,
  ])
})

test('parseScenario() accepts captured values wherever an earlier step has captured them', () => {
  const lines = [
    'connect: [{ send: a, capture: { t: body } }, { send: "{{t}}", capture: { u: "json:a" } }]',
    'heartbeat: { every: 1s, send: "{{t}}{{u}}" }',
  ]
  const braces = '{ send: b, expect: { equals: "{{other}}" } }'
  const loop = `loop: [{ send: "{{t}}{{u}}", capture: { v: "regex:x" } }, { send: "{{v}}" }, ${braces}]`
  expect(faultsWith(...lines, loop)).toEqual([])
  expect(faultsWith(...lines, 'load: { pipeline: 16 }', 'loop: [{ send: "{{t}}" }]')).toEqual([])
})
