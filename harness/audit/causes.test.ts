import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot } from '../built.ts'
import { causes, leadersOf, orderByCause } from './causes.ts'
import type { Finding } from './finding.ts'

const finding = (code: string, severity: Finding['severity'] = 'suspect'): Finding => {
  return { code, severity, message: 'found', hint: 'do something', value: 1, limit: 0 }
}
const told = (...findings: readonly Finding[]) =>
  orderByCause(findings).map(({ code, explainedBy }) => (explainedBy === undefined ? code : `${code} < ${explainedBy}`))

test('causes: each code has one row, and explains only codes of later rows', () => {
  const codes = causes.map(({ code }) => code)
  expect(new Set(codes).size).toBe(codes.length)
  causes.forEach(({ code, explains }, index) => {
    const later = codes.slice(index + 1)
    expect({ code, unknown: explains.filter(explained => !later.includes(explained)) }).toEqual({ code, unknown: [] })
    expect(new Set(explains).size).toBe(explains.length)
  })
})

test('causes: every code of a finding has a row', () => {
  const folders = [import.meta.dirname, join(import.meta.dirname, '../run')]
  const texts = folders.flatMap(folder =>
    readdirSync(folder)
      .filter(name => name.endsWith('.ts') && !name.endsWith('.test.ts') && name !== 'causes.ts')
      .map(name => readFileSync(join(folder, name), 'utf8')),
  )
  const codes = texts.flatMap(text => [...text.matchAll(/\bcode: '([a-z-]+)'/g)].map(([, code]) => code!))
  expect(codes.length).toBeGreaterThan(20)
  const listed = causes.map(({ code }) => code)
  expect([...new Set(codes)].filter(code => !listed.includes(code))).toEqual([])
})

test('orderByCause() tells what explains others first, and what it explains', () => {
  expect(told(finding('quantile-ci'), finding('client-lag', 'invalid'), finding('machine-busy'))).toEqual([
    'machine-busy',
    'client-lag < machine-busy',
    'quantile-ci < machine-busy',
  ])
  expect(told(finding('errors'), finding('stationarity'), finding('target-gone', 'invalid'))).toEqual([
    'target-gone',
    'errors < target-gone',
    'stationarity < target-gone',
  ])
})

test('orderByCause() names the leader, not what the leader explains', () => {
  expect(told(finding('censoring'), finding('errors'), finding('ports'))).toEqual([
    'ports',
    'errors < ports',
    'censoring < ports',
  ])
})

test('orderByCause() leaves apart what has nothing to do with each other', () => {
  expect(told(finding('client-lag'), finding('overloaded'))).toEqual(['overloaded', 'client-lag'])
  expect(told(finding('overloaded'), finding('machine-busy'))).toEqual(['machine-busy', 'overloaded'])
  expect(told(finding('errors'), finding('clock', 'invalid'))).toEqual(['clock', 'errors'])
})

test('orderByCause() puts notes last, where they explain nothing; a note may be explained', () => {
  expect(told(finding('workers', 'note'), finding('quantile-ci'))).toEqual(['quantile-ci', 'workers'])
  expect(told(finding('closed-loop', 'note'), finding('client-stalled'))).toEqual([
    'client-stalled',
    'closed-loop < client-stalled',
  ])
})

test('orderByCause() puts a code that has no row after those that have one, and forgets what it said before', () => {
  expect(told(finding('agent-lost'), finding('balance'))).toEqual(['balance', 'agent-lost'])
  const before = orderByCause([finding('errors'), finding('censoring')])
  expect(told(...before.filter(({ code }) => code === 'censoring'))).toEqual(['censoring'])
  expect(leadersOf(before).map(({ code }) => code)).toEqual(['errors'])
})

test('every finding has a place in docs/measurement.md, which the summary names', () => {
  const page = readFileSync(join(packageRoot, 'docs/measurement.md'), 'utf8')
  const places = [...page.matchAll(/<a id="([a-z-]+)"><\/a>/g)].map(([, code]) => code)
  // What is unproven is said in full by its one line.
  expect(places.toSorted()).toEqual(
    causes
      .map(({ code }) => code)
      .filter(code => code !== 'unproven')
      .toSorted(),
  )
})
