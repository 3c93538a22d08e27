import { expect, test } from 'vitest'
import { domainParts } from './domainName.ts'

const noColumn = (): string => {
  throw new Error('no column')
}

/** The texts of the labels of a name. */
const labels = (name: string) =>
  (domainParts(name, noColumn) as readonly { readonly of?: readonly string[] }[])
    .slice(0, -1)
    .map(({ of }) => of!.join(''))

test('domainParts() cuts a name at its dots, and not at those of slots', () => {
  expect(labels('www.example.org')).toEqual(['www', 'example', 'org'])
  expect(labels('a{{random 0..99}}.b-{{seq 3}}_c')).toEqual(['a{{random 0..99}}', 'b-{{seq 3}}_c'])
})

test('domainParts() takes a dot at the end, or alone, for the root', () => {
  expect(labels('org.')).toEqual(['org'])
  expect(labels('.')).toEqual([])
  expect(labels('')).toEqual([])
  expect(() => labels('..')).toThrow('two dots without one')
  expect(() => labels('.org')).toThrow('two dots without one')
})

test('domainParts() takes names up to their bounds', () => {
  const longest = [63, 63, 63, 61].map(length => 'a'.repeat(length)).join('.')
  expect(labels(longest)).toHaveLength(4)
  expect(() => labels(`${longest}a`)).toThrow('a name of at most 255 bytes, got one of 256')
  expect(() => labels('a'.repeat(64))).toThrow('a label of 1 to 63 bytes between the dots of a name, got one of 64')
})
