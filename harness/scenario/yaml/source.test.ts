import { expect, test } from 'vitest'
import { parseScenario } from '../load.ts'
import { limits } from '../scenario.ts'
import { faultsIn, faultsWith, minimal, minimalWith } from '../testing/faults.ts'

test.each([
  ['an empty file', '', '1:1 expected a scenario, got an empty file'],
  ['nothing but a comment', '# nothing here\n', '1:1 expected a scenario, got an empty file'],
  ['a null', '~', '1:1 expected a scenario, got an empty file'],
  ['a list', '\n- name: x', '2:1 expected a mapping of keys such as name, target and protocol, got a list'],
  ['a word', 'hello', '1:1 expected a mapping of keys such as name, target and protocol, got "hello"'],
  ['several documents', `${minimal}---\n${minimal}`, '5:1 expected one document, got 2'],
  ['an open quote', 'name: "x', '1:9 not valid YAML: Missing closing "quote'],
  ['a tab as indentation', 'load:\n\tmode: loop', '2:1 not valid YAML: Tabs are not allowed as indentation'],
  ['an unknown tag', 'name: !own x', '1:7 not valid YAML: Unresolved tag: !own'],
])('parseScenario() refuses %s', (_, text, fault) => {
  expect(faultsIn(text)).toEqual([`s.yaml:${fault}`])
})

test('parseScenario() refuses duplicate keys and names the place of the first', () => {
  expect(faultsWith('load:\n  mode: loop\n  pipeline: 1\n  mode: once')).toEqual([
    's.yaml:8:3 load: duplicate key "mode"; the first is at 6:3',
  ])
  expect(faultsIn(`${minimal}name: y`)).toEqual(['s.yaml:5:1 duplicate key "name"; the first is at 1:1'])
})

test('parseScenario() refuses keys that are not text', () => {
  expect(faultsIn(`${minimal}5: a\n~: b\n[c]: d\n? { e: f }\n: g`)).toEqual([
    's.yaml:5:1 expected a key that is text, got 5',
    's.yaml:6:1 expected a key that is text, got nothing',
    's.yaml:7:1 expected a key that is text, got a collection or an alias',
    's.yaml:8:3 expected a key that is text, got a collection or an alias',
  ])
})

test('parseScenario() gives no key a special meaning', () => {
  expect(faultsIn(`${minimal}__proto__: { warmup: 5s }`)).toEqual(['s.yaml:5:1 unknown key "__proto__"'])
  expect(faultsWith('load: { constructor: 1 }')).toEqual([
    's.yaml:5:9 load: unknown key "constructor"; known keys: mode, pipeline, rate, arrivals and stages',
  ])
})

test('parseScenario() refuses nesting that is too deep, in every style', () => {
  const message = 'expected at most 32 levels of nesting, got more'
  const { nestingMax } = limits
  expect(faultsIn(`${minimal}a: ${'['.repeat(nestingMax)}${']'.repeat(nestingMax)}`)).toEqual([
    `s.yaml:5:35 ${message}`,
  ])
  expect(faultsIn(`${minimal}a: ${'['.repeat(nestingMax - 1)}${']'.repeat(nestingMax - 1)}`)[0]).toMatch(
    /unknown key "a"/,
  )
  expect(faultsIn('['.repeat(90_000))).toEqual([`s.yaml:1:33 ${message}`])
  expect(faultsIn('{ a: '.repeat(15_000))).toEqual([`s.yaml:1:161 ${message}`])
  expect(faultsIn('- '.repeat(40_000))).toEqual([`s.yaml:1:65 ${message}`])
  expect(faultsIn(Array.from({ length: 50 }, (_, depth) => `${' '.repeat(depth)}a:\n`).join(''))).toEqual([
    `s.yaml:33:33 ${message}`,
  ])
})

test('parseScenario() bounds the values that aliases expand to', () => {
  const letters = 'abcdefgh'
  const lines = [...letters].map((letter, index) => {
    const inside = index === 0 ? 'x' : `*${letters[index - 1]}`
    return `${letter}: &${letter} [${Array(9).fill(inside).join(', ')}]`
  })
  expect(faultsIn(lines.join('\n'))).toEqual([
    expect.stringMatching(/^s\.yaml:\d+:\d+ expected at most 100000 values, got more through aliases$/),
  ])
  expect(faultsIn('a: &a [*a]')).toEqual(['s.yaml:1:8 expected at most 32 levels of nesting, got more'])
})

test('parseScenario() follows aliases', () => {
  const text = minimalWith('loop: [&step { send: &text hi }, *step, { send: *text, think: 1ms }]')
  expect(parseScenario(text, 's.yaml', [], {}).scenario.loop).toEqual([
    { send: 'hi', think: 0 },
    { send: 'hi', think: 0 },
    { send: 'hi', think: 1 },
  ])
  expect(faultsWith('loop: [&step { send: a, think: 5 }, *step, { send: *other }]')).toEqual([
    's.yaml:4:32 loop[0].think: expected a duration such as 500us, 10ms or 10s, got 5 (a number without a unit)',
    's.yaml:4:32 loop[1].think: expected a duration such as 500us, 10ms or 10s, got 5 (a number without a unit)',
    's.yaml:4:52 loop[2].send: no earlier value has the anchor &other',
  ])
})

test('parseScenario() shows at most 100 faults', () => {
  const lines = faultsIn(minimal + Array.from({ length: 1234 }, (_, index) => `x${index}: 1\n`).join(''))
  expect(lines).toHaveLength(100)
  expect(lines[98]).toMatch(/^s\.yaml:103:1 unknown key "x98"/)
  expect(lines[99]).toBe('s.yaml and 1,135 more faults')
})

test('parseScenario() truncates long values', () => {
  expect(faultsWith(`transport: ${'a'.repeat(1000)}`)).toEqual([
    `s.yaml:5:12 transport: expected auto, node or epoll, got "${'a'.repeat(60)}..."`,
  ])
})
