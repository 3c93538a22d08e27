import { expect, test } from 'vitest'
import { faultsWith } from '../testing/faults.ts'

const stepForms = 'expected a mapping with until, more or single, with line or frame, or with bytes'

test.each([
  [
    'protocol: line',
    '{ send: a, reply: false }',
    `31 loop[0].reply: ${stepForms} (expect: nothing for a step without a reply), got false`,
  ],
  ['protocol: line', '{ send: a, reply: {} }', `31 loop[0].reply: ${stepForms}, got a mapping`],
  [
    'protocol: line',
    '{ send: a, reply: { until: a, more: b } }',
    '0 loop[0].reply: until and more: a reply ends with some frames, or goes on after others',
  ],
  [
    'protocol: line',
    '{ send: a, reply: { bytes: 0 } }',
    '0 loop[0].reply.bytes: expected a size from 1 B to 64 MiB, got 0',
  ],
  [
    'protocol: line',
    '{ send: a, expect: nothing, reply: { bytes: 4 } }',
    '0 loop[0].reply: says how a reply ends, and this step expects nothing',
  ],
  [
    'protocol: http',
    '{ send: GET /, reply: { bytes: 4 } }',
    '0 loop[0].reply: cannot be set with protocol http: a reply of HTTP says itself where it ends',
  ],
  [
    'protocol: { frame: [ { length: u8 }, { id: u16 }, body ] }',
    '{ send: a, reply: { line: {} } }',
    '0 loop[0].reply: needs replies in order, and those of this protocol have ids',
  ],
  [
    'protocol: line',
    '{ send: a, reply: { frame: [ { length: u8 }, { id: u16 }, body ] } }',
    '0 loop[0].reply: needs replies in order, and those of this format have ids',
  ],
  ['protocol: line', '{ send: a, reply: { frame: [ { type: u8 }, body ] } }', undefined],
  [
    'protocol: tlv',
    '{ send: a, reply: { until: a } }',
    '0 loop[0].reply: until, more and single go with line and frame, not with tlv',
  ],
  [
    'protocol: line',
    '{ send: a, reply: { until: { type: 5 } } }',
    '0 loop[0].reply: until: unknown field "type"; known fields: none, as no frame is drawn',
  ],
  [
    'protocol: tlv',
    '{ send: a, reply: { line: {} }, expect: { type: 5 } }',
    '0 loop[0].expect.type: needs protocol tlv or rpc, not line',
  ],
  [
    'protocol: line',
    '{ send: a, reply: { frame: [ { type: u8 }, { length: u8 }, body ] }, expect: { type: 5 } }',
    null,
  ],
])('a step with a reply of its own: %s %s', (protocol, step, fault) => {
  const faults = faultsWith(protocol, `loop: [${step}]`).map(line => line.replace(/^s\.yaml:\d+:\d+/, ''))
  if (fault === null) expect(faults).toEqual([])
  else if (fault === undefined) expect(faults).toHaveLength(1)
  else expect(faults).toEqual([fault.replace(/^\d+/, '')])
})

test.each([
  ['{ line: {}, replies: { answer: [ { to: PING } ] } }', 'protocol.replies.answer[0].send'],
  ['{ line: {}, replies: { answer: [ { to: PING, send: { hexx: "00" } } ] } }', 'protocol.replies.answer[0].send'],
  ['{ line: {}, replies: { answer: [ { to: PING, send: "{{id}}" } ] } }', 'protocol.replies.answer[0].send'],
  ['{ line: {}, replies: { answer: [ { to: PING, send: "{{data.x}}" } ] } }', 'protocol.replies.answer[0].send'],
  [
    '{ line: {}, replies: { answer: [ { to: PING, send: a, capture: { id: 5 } } ] } }',
    'protocol.replies.answer[0].capture.id',
  ],
  ['{ line: {}, replies: { answer: [ { to: [ PING, A ], send: "{{rest}}" } ] } }', 'protocol.replies.answer[0].to'],
  ['{ line: {}, replies: { answer: [] } }', 'protocol.replies.answer'],
  [
    '{ frame: [ { length: u8 }, { type: u8 }, body ], replies: { answer: [ { to: { type: 1 }, send: { typ: 2 } } ] } }',
    'protocol.replies.answer[0].send',
  ],
  [
    '{ frame: [ { length: u8 }, { type: u8 }, body ], replies: { answer: [ { to: { kind: 1 }, send: a } ] } }',
    'protocol.replies.answer',
  ],
])('names the place of what is wrong with an answer: %s', (protocol, place) => {
  const faults = faultsWith(`protocol: ${protocol}`)
  expect(faults).toHaveLength(1)
  expect(faults[0]).toContain(` ${place}: `)
})

test('answers that are right are accepted', () => {
  const right = [
    '{ line: {}, replies: { answer: [ { to: PING, send: PONG } ] } }',
    '{ line: {}, replies: { answer: [ { to: [ PING, QUIZ ], send: "PONG{{rest}}" } ] } }',
    '{ frame: [ { length: u8 }, { type: u8 }, body ], replies: { answer: [ { to: { type: 1 }, capture: { id: "u16:0" }, send: { type: 2, body: { u16: "{{id}}" } } } ] } }',
  ]
  for (const protocol of right) expect(faultsWith(`protocol: ${protocol}`)).toEqual([])
})

test.each([
  ['reconnect: { when: never, after: 5 }', 'cannot be combined with reconnect.when: never'],
  ['reconnect: { when: every-request, after: 5 }', 'cannot be combined with reconnect.when: every-request'],
  ['reconnect: { after: 0 }', 'expected a whole number from 1 to 1,000,000,000,000, got 0'],
])('refuses a number of requests to a connection that makes no sense: %s', (reconnect, message) => {
  expect(faultsWith(reconnect)).toEqual([expect.stringContaining(`reconnect.after: ${message}`)])
})

test('ids with replies of several frames need one request in flight', () => {
  const protocol =
    'protocol: { frame: [ { length: u8 }, { id: u16 }, { op: u8 }, body ], replies: { more: { op: 1 } } }'
  expect(faultsWith(protocol)).toEqual([])
  expect(faultsWith(protocol, 'load: { pipeline: 4 }')).toEqual([
    expect.stringContaining('load.pipeline: expected 1 where replies have ids and several frames'),
  ])
})

test('a step and an answer cannot capture a value by the same name', () => {
  const protocol = 'protocol: { line: {}, replies: { answer: [ { to: ASK, capture: { id: body }, send: "{{id}}" } ] } }'
  const loop = (name: string) => `loop: [ { send: a, capture: { ${name}: body } }, { send: "{{${name}}}" } ]`
  expect(faultsWith(protocol, loop('token'))).toEqual([])
  for (const name of ['id', 'rest']) {
    expect(faultsWith(protocol, loop(name))).toEqual([
      expect.stringContaining(`loop[0].capture.${name}: expected a name that no answer of the protocol uses`),
    ])
  }
})
