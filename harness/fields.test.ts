import { expect, test } from 'vitest'
import { size } from './fields.ts'

test('size() reads bytes out of a text or a number', () => {
  const field = size(1, 2048)
  expect(['64B', '2KiB', '1.5KiB', 100].map(value => field.parse(value))).toEqual([64, 2048, 1536, 100])
})

test.each([
  [1.5, 'expected a size such as 64KiB'],
  ['big', 'expected a size such as 64KiB'],
  [true, 'expected a size such as 64KiB'],
  [-5, 'expected a size from 1 B to 2 KiB'],
  ['0B', 'expected a size from 1 B to 2 KiB'],
  ['3KiB', 'expected a size from 1 B to 2 KiB'],
])('size() refuses %j', (value, message) => {
  expect(size(1, 2048).safeParse(value).error?.issues[0]?.message).toBe(message)
})
