import { expect, test } from 'vitest'
import { expectedOf, type OptionValue, parseOption } from './optionValue.ts'

const whole = { kind: 'whole', min: 1, max: 10 } as const
const duration = { kind: 'duration', example: '30s' } as const
const form = { kind: 'form', forms: 'a or b', parse: (text: string) => ({ a: 1, b: 2 })[text] } as const

test.each<[OptionValue, string | true, unknown]>([
  [{ kind: 'flag' }, true, true],
  [{ kind: 'switch' }, 'on', true],
  [{ kind: 'switch' }, 'off', false],
  [{ kind: 'switch' }, 'false', false],
  [{ kind: 'text' }, '', ''],
  [{ kind: 'secret', lengthMax: 3 }, 'abc', 'abc'],
  [whole, '1', 1],
  [whole, '10', 10],
  [{ ...whole, orUnlimited: true }, 'unlimited', Number.POSITIVE_INFINITY],
  [{ kind: 'size', min: 1, max: 2048 }, '2KiB', 2048],
  [duration, '10ms', 10],
  [duration, '24h', 86_400_000],
  [form, 'b', 2],
])('parseOption() for %j reads %j as %j', (value, text, expected) => {
  expect(parseOption(value, text)).toBe(expected)
})

test.each<[OptionValue, string | true]>([
  [{ kind: 'flag' }, 'true'],
  [{ kind: 'switch' }, true],
  [{ kind: 'switch' }, 'no'],
  [{ kind: 'text' }, true],
  [{ kind: 'secret', lengthMax: 3 }, ''],
  [{ kind: 'secret', lengthMax: 3 }, 'abcd'],
  [whole, '0'],
  [whole, '11'],
  [whole, '1.5'],
  [whole, '-1'],
  [whole, 'unlimited'],
  [{ kind: 'size', min: 1, max: 2048 }, '0'],
  [{ kind: 'size', min: 1, max: 2048 }, '3KiB'],
  [{ kind: 'size', min: 1, max: 2048 }, 'big'],
  [duration, '9ms'],
  [duration, '25h'],
  [duration, '10'],
  [form, 'c'],
])('parseOption() for %j refuses %j', (value, text) => {
  expect(parseOption(value, text)).toBeUndefined()
})

test('expectedOf() says what a value may be', () => {
  expect(expectedOf({ kind: 'flag' })).toBe('true or false')
  expect(expectedOf({ kind: 'switch' })).toBe('on or off')
  expect(expectedOf({ kind: 'text' })).toBe('text')
  expect(expectedOf({ kind: 'secret', lengthMax: 3 })).toBe('1 to 3 characters')
  expect(expectedOf(whole)).toBe('a whole number from 1 to 10')
  expect(expectedOf({ ...whole, orUnlimited: true })).toBe('a whole number from 1 to 10, or unlimited')
  expect(expectedOf({ kind: 'size', min: 1, max: 2048 })).toBe('a size from 1 B to 2 KiB')
  expect(expectedOf(duration)).toBe('a duration such as 30s, from 10ms to 24h')
  expect(expectedOf(form)).toBe('a or b')
})
