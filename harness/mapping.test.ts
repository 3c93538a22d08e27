import { expect, test } from 'vitest'
import { emptyMapping, isMapping, valueAt } from './mapping.ts'

test('isMapping() is true of mappings alone', () => {
  expect([{}, emptyMapping()].map(isMapping)).toEqual([true, true])
  expect([[], null, undefined, 'a', 5].map(isMapping)).toEqual([false, false, false, false, false])
})

test('valueAt() follows keys and indexes', () => {
  const data = { loop: [{ send: 'a' }, { send: { type: 5 } }] }
  expect(valueAt(data, [])).toBe(data)
  expect(valueAt(data, ['loop', 1, 'send', 'type'])).toBe(5)
  expect(valueAt(data, ['loop', 2, 'send'])).toBeUndefined()
  expect(valueAt(data, ['loop', 0, 'send', 'length'])).toBeUndefined()
})

test('valueAt() finds nothing that is only in the prototype', () => {
  expect(valueAt({}, ['constructor'])).toBeUndefined()
  expect(valueAt([], ['map'])).toBeUndefined()
})
