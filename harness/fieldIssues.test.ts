import { expect, test } from 'vitest'
import { z } from 'zod'
import { fieldIssues } from './fieldIssues.ts'
import { choice, field, integer, mapping, size } from './fields.ts'
import { InvalidValue } from './invalidValue.ts'

const schema = mapping({
  count: integer(1, 5),
  size: size(1, 1024).exactOptional(),
  kind: choice(['tcp', 'udp']).exactOptional(),
  parts: z
    .union([choice(['none']), mapping({ first: integer(0, 9) })], 'expected none or { first: 1 }')
    .exactOptional(),
  sizes: z.record(z.string().regex(/^[a-z]+$/, 'expected small letters'), size(1, 10)).exactOptional(),
})

function issuesOf(data: unknown): string[] {
  const { error } = schema.safeParse(data)
  return fieldIssues(error?.issues ?? [], data).map(
    ({ path, about, message }) => `${about} ${path.join('.')}: ${message}`,
  )
}

test('fieldIssues() adds the value to what was expected, and says what is missing', () => {
  expect(issuesOf({ count: 6, kind: 'tpc' })).toEqual([
    'value count: expected a whole number from 1 to 5, got 6',
    'value kind: expected tcp or udp, got "tpc"',
  ])
  expect(issuesOf({})).toEqual(['value count: missing; expected a whole number from 1 to 5'])
  expect(issuesOf([])).toEqual(['value : expected a mapping with count, size, kind, parts and sizes, got a list'])
})

test('fieldIssues() has an issue for each unknown key', () => {
  expect(issuesOf({ count: 1, 'kin\nd': 1, sise: 1 })).toEqual([
    'key kin\nd: unknown key "kin\\nd"; did you mean "kind"?',
    'key sise: unknown key "sise"; did you mean "size"?',
  ])
})

test('fieldIssues() reports the branch of a union that was meant', () => {
  expect(issuesOf({ count: 1, parts: { first: 10 } })).toEqual([
    'value parts.first: expected a whole number from 0 to 9, got 10',
  ])
  expect(issuesOf({ count: 1, parts: 5 })).toEqual(['value parts: expected none or { first: 1 }, got 5'])
})

test('fieldIssues() reports keys and values of a record', () => {
  expect(issuesOf({ count: 1, sizes: { A: 5, b: 'big' } })).toEqual([
    'key sizes.A: expected small letters, got "A"',
    'value sizes.b: expected a size such as 64KiB, got "big"',
  ])
})

test('fieldIssues() leaves alone what a message shows already', () => {
  const shown = mapping({
    a: field({}, () => {
      throw new InvalidValue('a word', 'two')
    }),
  })
  const data = { b: { a: 5 } }
  expect(fieldIssues(shown.safeParse(data.b).error!.issues, data, ['b'])).toEqual([
    { path: ['b', 'a'], about: 'value', message: 'expected a word, got two' },
  ])
})
