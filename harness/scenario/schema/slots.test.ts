import { expect, test } from 'vitest'
import { InvalidValue } from '../../invalidValue.ts'
import { parseSlots, slotsLength } from './slots.ts'

test('parseSlots() leaves a text without slots unchanged', () => {
  expect(parseSlots('hello')).toEqual([{ text: 'hello' }])
  expect(parseSlots('')).toEqual([])
  expect(parseSlots('{"a":{"b":{}}} {{ } }} {')).toEqual([{ text: '{"a":{"b":{}}} {{ } }} {' }])
})

test('parseSlots() reads every slot with its width', () => {
  expect(parseSlots('a{{seq}}{{seq 6}}-{{connection}}{{uuid}}{{random 64}}{{stamp}}{{ localAddress }}é')).toEqual([
    { text: 'a' },
    { slot: 'seq', length: 10 },
    { slot: 'seq', length: 6 },
    { text: '-' },
    { slot: 'connection', length: 6 },
    { slot: 'uuid', length: 36 },
    { slot: 'random', length: 64 },
    { slot: 'stamp', length: 16 },
    { slot: 'localAddress' },
    { text: 'é' },
  ])
})

test('parseSlots() reads ranges, as wide as their upper bound', () => {
  expect(parseSlots('{{random 0..99999}}{{ random  7..8 }}{{random 0..4294967295}}{{random 1..010}}')).toEqual([
    { slot: 'number', length: 5, from: 0, to: 99_999 },
    { slot: 'number', length: 1, from: 7, to: 8 },
    { slot: 'number', length: 10, from: 0, to: 4_294_967_295 },
    { slot: 'number', length: 3, from: 1, to: 10 },
  ])
})

test('parseSlots() reads columns of the data, with spaces in and around their names', () => {
  expect(parseSlots('{{data.name}}{{ data.first name }}')).toEqual([
    { slot: 'data', column: 'name' },
    { slot: 'data', column: 'first name' },
  ])
})

test('parseSlots() reads any other name as that of a captured value', () => {
  expect(parseSlots('{{token}}{{ sessionId_2 }}')).toEqual([
    { slot: 'capture', name: 'token' },
    { slot: 'capture', name: 'sessionId_2' },
  ])
})

test.each([
  [
    '{{}}',
    'a slot such as {{seq}}, {{count}}, {{connection}}, {{uuid}}, {{random 64}}, {{random 0..9999}}, {{stamp}}, {{utc}}, {{localAddress}}, {{targetHost}} or {{data.column}}, got "{{}}"',
  ],
  [
    '{{uuid 4}}',
    'a slot such as {{seq}}, {{count}}, {{connection}}, {{uuid}}, {{random 64}}, {{random 0..9999}}, {{stamp}}, {{utc}}, {{localAddress}}, {{targetHost}} or {{data.column}}, got "{{uuid 4}}"',
  ],
  ['{{random}}', 'a length or a range, as in {{random 64}} or {{random 0..9999}}, got "{{random}}"'],
  ['{{random 9..0}}', 'a range such as {{random 0..9999}}, the lower number first, got "{{random 9..0}}"'],
  ['{{random 5..5}}', 'a range such as {{random 0..9999}}, the lower number first, got "{{random 5..5}}"'],
  ['{{random 0..4294967296}}', 'numbers up to 4294967295 for {{random}}, got "{{random 0..4294967296}}"'],
  [
    '{{randomly}}',
    'a slot such as {{seq}}, {{count}}, {{connection}}, {{uuid}}, {{random 64}}, {{random 0..9999}}, {{stamp}}, {{utc}}, {{localAddress}}, {{targetHost}} or {{data.column}}, got "{{randomly}}"',
  ],
  ['{{random 0}}', '1 to 16777216 characters for {{random}}, got "{{random 0}}"'],
  ['{{random 99999999}}', '1 to 16777216 characters for {{random}}, got "{{random 99999999}}"'],
  ['{{seq 17}}', '1 to 16 characters for {{seq}}, got "{{seq 17}}"'],
])('parseSlots() refuses %s', (text, message) => {
  expect(() => parseSlots(`a ${text} b`)).toThrow(new InvalidValue(message))
})

test.each([
  '{{random -5..5}}',
  '{{random 1.5..2}}',
  '{{random 0..}}',
  '{{random ..9}}',
  '{{random 0...9}}',
  '{{random a}}',
])('parseSlots() shows the form of a range for %s', text => {
  const message = `a length or a range, as in {{random 64}} or {{random 0..9999}}, got "${text}"`
  expect(() => parseSlots(text)).toThrow(new InvalidValue(message))
})

test('slotsLength() counts slots by their width', () => {
  expect(slotsLength(parseSlots('ab{{seq}}{{random 64}}{{random 0..99}}{{data.x}}'))).toBe(78)
})

test.each([
  ['{{seq', '{{seq', '{{seq}}'],
  ['a {{seq} b', '{{seq}', '{{seq}}'],
  ['{{ random 64', '{{ random 64', '{{random 64}}'],
  ['{{seq}} {{uuid} {{seq}}', '{{uuid}', '{{uuid}}'],
  ['GET /users/{{data.id} HTTP', '{{data.id}', '{{data.id}}'],
  ['{{token', '{{token', '{{token}}'],
  ['{{a{{seq}}', '{{a', '{{a}}'],
  ['{seq}}', '{seq}}', '{{seq}}'],
  ['{localAddress}}', '{localAddress}}', '{{localAddress}}'],
  ['user:{random 0..9}}', '{random 0..9}}', '{{random 0..9}}'],
  ['{ data.first name }}', '{ data.first name }}', '{{data.first name}}'],
])('parseSlots() refuses %s, which would be sent with its braces', (text, half, whole) => {
  const message = `two braces at both ends of a slot, as in ${whole}, got ${JSON.stringify(half)} (to send braces as they are, send hex, base64 or a file)`
  expect(() => parseSlots(text)).toThrow(new InvalidValue(message))
})

test.each([
  '{"a":{"b":{"seq":1}}}',
  '{{1}',
  '{{ }',
  '{{',
  '{{{',
  '}}',
  'seq}}',
  '{seq}',
  '${{}',
  "{'random': {'x': 1}}",
])('parseSlots() leaves %s unchanged', text => {
  expect(parseSlots(text)).toEqual([{ text }])
})

test('parseSlots() reads braces around a slot as text', () => {
  expect(parseSlots('{"id":{{seq}}}')).toEqual([{ text: '{"id":' }, { slot: 'seq', length: 10 }, { text: '}' }])
  expect(parseSlots('{{{seq}}}')).toEqual([{ text: '{' }, { slot: 'seq', length: 10 }, { text: '}' }])
})

test('parseSlots() looks through a MiB of open braces in no time', () => {
  for (const text of ['{{', '{{ ', '{', '{{seq '].map(part => part.repeat(2 ** 20 / part.length))) {
    try {
      parseSlots(text)
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidValue)
    }
  }
})
