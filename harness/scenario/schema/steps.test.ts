import { expect, test } from 'vitest'
import { parseScenario } from '../load.ts'
import { faultsWith, minimalWith } from '../testing/faults.ts'

const sendForms = 'expected text, or a mapping with a payload or with body and fields such as type or path'
const payloadForms = 'expected text, or a mapping with one of hex, base64, file and random'
const expectForms =
  'expected echo, nothing, or a mapping with equals, body, begins, contains, matches, type, version, extension, status or error'

test.each([
  ['5', `16 loop[0].send: ${sendForms}, got 5 (in quotes it is text)`],
  ['', `17 loop[0].send: ${sendForms}, got nothing`],
  ['{}', `16 loop[0].send: ${sendForms}, got an empty mapping`],
  ['{ body: 5 }', `24 loop[0].send.body: ${payloadForms}, got 5 (in quotes it is text)`],
  [
    '{ body: { hex: 0a, file: a } }',
    '24 loop[0].send.body: expected one of hex, base64, file and random, got hex and file',
  ],
  ['{ body: {} }', '24 loop[0].send.body: expected one of hex, base64, file and random, got none'],
  ['{ body: { hexx: 0a } }', '26 loop[0].send.body: unknown key "hexx"; did you mean "hex"?'],
  ['{ hex: 0a, random: 5 }', '16 loop[0].send: expected one of hex, base64, file and random, got hex and random'],
  [
    '{ hex: 0a, type: 5 }',
    '16 loop[0].send: expected the payload in body where there are other fields, as in body: { hex: ... }, got hex and type',
  ],
  ['{ hex: abc }', '23 loop[0].send.hex: expected pairs of hexadecimal digits such as "0a ff", got "abc"'],
  [
    '{ hex: 11 }',
    '23 loop[0].send.hex: expected pairs of hexadecimal digits such as "0a ff", got 11 (in quotes it is text)',
  ],
  ['{ base64: "a_b=" }', '26 loop[0].send.base64: expected base64 such as "aGVsbG8=", got "a_b="'],
  ['{ file: "" }', '24 loop[0].send.file: expected the path of a file, got ""'],
  ['{ random: 17MiB }', '26 loop[0].send.random: expected a size from 1 B to 16 MiB, got "17MiB"'],
  ['{ random: lots }', '26 loop[0].send.random: expected a size such as 64KiB, got "lots"'],
  [
    '"{{tokn}}"',
    '16 loop[0].send: expected a slot such as {{seq}}, {{count}}, {{connection}}, {{uuid}}, {{random 64}}, {{random 0..9999}}, {{stamp}}, {{utc}}, {{localAddress}}, {{targetHost}} or {{data.column}}, got "{{tokn}}"',
  ],
  [
    '{ body: "{{random}}" }',
    '24 loop[0].send.body: expected a length or a range, as in {{random 64}} or {{random 0..9999}}, got "{{random}}"',
  ],
  [
    '"{{random 9000000}}{{random 9000000}}"',
    '16 loop[0].send: expected text of at most 16777216 characters with its slots filled in, got more',
  ],
])('parseScenario() reports what is wrong with send: %s', (send, fault) => {
  expect(faultsWith(`loop: [{ send: ${send} }]`)).toEqual([`s.yaml:4:${fault}`])
})

test('parseScenario() reads an extension of 64 bits, beyond 2^53 as a text', () => {
  const read = (text: string) =>
    parseScenario(
      minimalWith('protocol: rpc', `loop: [{ send: { extension: ${text} }, expect: { extension: ${text} } }]`),
      's.yaml',
      [],
      {},
    ).scenario.loop![0]
  for (const [text, extension] of [
    ['-9007199254740991', -9007199254740991],
    ['"7"', 7],
    ['"9223372036854775807"', '9223372036854775807'],
    ['"-9223372036854775808"', '-9223372036854775808'],
  ] as const) {
    expect(read(text)).toMatchObject({ send: { extension }, expect: { extension } })
  }
  const wanted = 'expected a whole number of 64 bits with its sign, in quotes beyond 2^53'
  for (const [text, got] of [
    ['9223372036854775807', '9223372036854776000'],
    ['"9223372036854775808"', '"9223372036854775808"'],
    ['"-9223372036854775809"', '"-9223372036854775809"'],
    ['"0x10"', '"0x10"'],
    ['""', '""'],
  ] as const) {
    expect(faultsWith('protocol: rpc', `loop: [{ send: a, expect: { extension: ${text} } }]`)).toEqual([
      `s.yaml:4:40 loop[0].expect.extension: ${wanted}, got ${got}`,
    ])
  }
})

test('parseScenario() bounds the fields of a message', () => {
  expect(faultsWith('protocol: rpc', 'loop: [{ send: { type: -1, version: 40000, extension: 1.5 } }]')).toEqual([
    's.yaml:4:24 loop[0].send.type: expected a whole number from 0 to 4294967295, or one character, got -1',
    's.yaml:4:37 loop[0].send.version: expected a whole number from -32768 to 32767, got 40000',
    's.yaml:4:55 loop[0].send.extension: expected a whole number of 64 bits with its sign, in quotes beyond 2^53, got 1.5',
  ])
})

test.each([
  ['other', `27 loop[0].expect: ${expectForms}, got "other"`],
  ['5', `27 loop[0].expect: ${expectForms}, got 5`],
  ['{}', `27 loop[0].expect: ${expectForms}, got an empty mapping`],
  ['{ equals: a, body: a }', '27 loop[0].expect: expected one of equals and body, which mean the same, got both'],
  ['{ equals: { random: 5 } }', '39 loop[0].expect.equals: unknown key "random"; known keys: hex, base64 and file'],
  ['{ contains: "" }', '39 loop[0].expect.contains: expected text, got ""'],
  [
    '{ contains: 5 }',
    '39 loop[0].expect.contains: expected text, or a mapping with one of hex, base64 and file, got 5 (in quotes it is text)',
  ],
  [
    '{ equals: "a {{seq}}" }',
    '37 loop[0].expect.equals: expected text without slots, or expect: echo in place of the mapping for what was sent, got "{{seq}}"',
  ],
  ['{ matches: "(a" }', '38 loop[0].expect.matches: expected a regular expression, got "(a" (unterminated group)'],
  ['{ error: "" }', '36 loop[0].expect.error: expected the first word of an error, got ""'],
  ['{ error: "-ERR" }', '36 loop[0].expect.error: expected the text of an error without its minus, got "-ERR"'],
  ['{ status: 600 }', '37 loop[0].expect.status: needs protocol http, not tlv'],
  [
    '{ status: OK }',
    '37 loop[0].expect.status: expected a whole number from 0 to 4294967295, or one character, got "OK"',
  ],
  ['{ version: 32768 }', '38 loop[0].expect.version: expected a whole number from -32768 to 32767, got 32768'],
  [
    '{ type: one }',
    '35 loop[0].expect.type: expected a whole number from 0 to 4294967295, or one character, got "one"',
  ],
])('parseScenario() reports what is wrong with expect: %s', (expected, fault) => {
  expect(faultsWith('protocol: tlv', `loop: [{ send: a, expect: ${expected} }]`)).toEqual([`s.yaml:4:${fault}`])
})

test.each([
  ['fast', '26 loop[0].think: expected a duration such as 500us, 10ms or 10s, got "fast"'],
  ['[1s]', '26 loop[0].think: expected a duration such as 500us, 10ms or 10s, got a list'],
  ['2h', '26 loop[0].think: expected a duration from 0ms to 1h, got "2h"'],
  ['{ mean: 1s }', '19 loop[0].think.spread: missing; expected exponential or uniform'],
  ['{ spread: uniform }', '19 loop[0].think.mean: missing; expected a duration such as 500us, 10ms or 10s'],
  ['{ mean: 1s, spread: normal }', '46 loop[0].think.spread: expected exponential or uniform, got "normal"'],
  ['{ mean: 0s, spread: uniform }', '34 loop[0].think.mean: expected a duration from 0.001ms to 1h, got "0s"'],
  ['{ mean: 2h, spread: uniform }', '34 loop[0].think.mean: expected a duration from 0.001ms to 1h, got "2h"'],
  ['{ maen: 1s, spread: uniform }', '28 loop[0].think: unknown key "maen"; did you mean "mean"?'],
])('parseScenario() reports what is wrong with think: %s', (think, fault) => {
  expect(faultsWith(`loop: [{ send: a, think: ${think} }]`)).toContainEqual(`s.yaml:4:${fault}`)
})

test('parseScenario() reads pauses, and refuses them where a rate sets when requests start', () => {
  const text = (load: string) =>
    `name: s\ntarget: { serve: echo }\nprotocol: line\n${load}\nmix: [{ send: a, think: { mean: 1s, spread: uniform } }, { send: b }]`
  const { scenario } = parseScenario(text(''), 's.yaml', [], {})
  expect(scenario.mix!.map(({ think }) => think)).toEqual([{ mean: 1000, spread: 'uniform' }, 0])
  expect(() => parseScenario(text('load: { rate: 5/s }'), 's.yaml', [], {})).toThrow(
    expect.objectContaining({
      faults: [expect.objectContaining({ message: expect.stringContaining('mix[0].think: cannot be combined with') })],
    }),
  )
})

test('parseScenario() checks weights and heartbeats', () => {
  expect(faultsWith('loop: [{ send: a, weight: 5 }]')).toEqual([
    's.yaml:4:19 loop[0]: unknown key "weight"; known keys: send, expect, reply, capture and think',
  ])
  expect(faultsWith('heartbeat: { every: 0s, send: a, reply: 1 }')).toEqual([
    's.yaml:5:21 heartbeat.every: expected a duration from 1ms to 1h, got "0s"',
    's.yaml:5:41 heartbeat.reply: expected true or false, got 1',
  ])
})
