import { expect, test } from 'vitest'
import { Misfit } from './misfit.ts'
import { parseSlots, slotsLength } from './slots.ts'

test('parseSlots() gives a text without slots back as it is', () => {
  expect(parseSlots('hello')).toEqual([{ text: 'hello' }])
  expect(parseSlots('')).toEqual([])
  expect(parseSlots('{"a":{"b":{}}} {{ } }} {')).toEqual([{ text: '{"a":{"b":{}}} {{ } }} {' }])
})

test('parseSlots() knows every slot and its width', () => {
  expect(parseSlots('a{{seq}}{{seq 6}}-{{connection}}{{uuid}}{{random 64}}{{stamp}}é')).toEqual([
    { text: 'a' },
    { slot: 'seq', length: 10 },
    { slot: 'seq', length: 6 },
    { text: '-' },
    { slot: 'connection', length: 6 },
    { slot: 'uuid', length: 36 },
    { slot: 'random', length: 64 },
    { slot: 'stamp', length: 16 },
    { text: 'é' },
  ])
})

test('parseSlots() takes columns of the data, with spaces in them and around', () => {
  expect(parseSlots('{{data.name}}{{ data.first name }}')).toEqual([
    { slot: 'data', column: 'name' },
    { slot: 'data', column: 'first name' },
  ])
})

test.each([
  [
    '{{token}}',
    'a slot such as {{seq}}, {{connection}}, {{uuid}}, {{random 64}}, {{stamp}} or {{data.column}}, got "{{token}}"',
  ],
  ['{{}}', 'a slot such as {{seq}}, {{connection}}, {{uuid}}, {{random 64}}, {{stamp}} or {{data.column}}, got "{{}}"'],
  [
    '{{uuid 4}}',
    'a slot such as {{seq}}, {{connection}}, {{uuid}}, {{random 64}}, {{stamp}} or {{data.column}}, got "{{uuid 4}}"',
  ],
  ['{{random}}', 'a length, as in {{random 64}}, got "{{random}}"'],
  ['{{random 0}}', '1 to 16777216 characters for {{random}}, got "{{random 0}}"'],
  ['{{random 99999999}}', '1 to 16777216 characters for {{random}}, got "{{random 99999999}}"'],
  ['{{seq 17}}', '1 to 16 characters for {{seq}}, got "{{seq 17}}"'],
])('parseSlots() refuses %s', (text, message) => {
  expect(() => parseSlots(`a ${text} b`)).toThrow(new Misfit(message))
})

test('slotsLength() counts slots by their width', () => {
  expect(slotsLength(parseSlots('ab{{seq}}{{random 64}}{{data.x}}'))).toBe(76)
})
