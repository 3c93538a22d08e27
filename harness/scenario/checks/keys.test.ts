import { expect, test } from 'vitest'
import { parseScenario, scenarioFromUrl } from '../load.ts'
import { parseSet } from '../setting.ts'
import { faultsIn, faultsWith } from '../testing/faults.ts'

const tlv = (...lines: string[]) =>
  ['name: x', 'target: { serve: tlv }', 'protocol: tlv', 'loop: [{ send: hi }]', ...lines].join('\n')

function load(text: string, environment = {}, ...sets: string[]) {
  return parseScenario(text, 's.yaml', sets.map(parseSet), environment)
}

test('parseScenario() reads a key as text, and shows it nowhere', () => {
  const cases: [string, Record<string, string>, string][] = [
    ['key: secret', {}, 'secret'],
    ['key: "123456"', {}, '123456'],
    ['key: 123456', {}, '123456'],
    ['key: 007', {}, '007'],
    ['key: 1e3', {}, '1e3'],
    ['key: true', {}, 'true'],
    ['key: ${KEY}', { KEY: '0123456' }, '0123456'],
    ['key: "a${KEY}"', { KEY: '1' }, 'a1'],
  ]
  for (const [line, environment, key] of cases) {
    const { scenario, redacted } = load(tlv(line), environment)
    expect(scenario.key).toBe(key)
    expect(redacted.key).toBe('***')
    expect({ ...redacted, key }).toEqual(scenario)
  }
})

test('parseScenario() shows no key of a reference server or environment, and none that an override sets', () => {
  const text = `name: x
target: { serve: tlv, options: { key: 007, reply: server } }
environments: { far: { serve: tlv, options: { key: far-secret } }, near: { serve: tlv } }
protocol: tlv
loop: [{ send: hi }]
`
  const { scenario, redacted } = load(text, {}, 'key=008')
  expect(scenario.key).toBe('008')
  expect(scenario.target).toEqual({ serve: 'tlv', options: { key: '007', reply: 'server' } })
  expect(redacted.key).toBe('***')
  expect(redacted.target).toEqual({ serve: 'tlv', options: { key: '***', reply: 'server' } })
  expect(redacted.environments).toEqual({
    far: { serve: 'tlv', options: { key: '***' } },
    near: { serve: 'tlv', options: {} },
  })
  expect(load(text, {}, 'target.options.key=009').redacted.target).toEqual({
    serve: 'tlv',
    options: { key: '***', reply: 'server' },
  })
})

test('parseScenario() shows no secret of a group, and reports no fault of a key for it', () => {
  const text = `name: x
target: { serve: rpc, options: { group: orders, secret: 007 } }
environments: { far: { serve: rpc, options: { group: orders, secret: far-secret } } }
protocol: rpc
connect: [{ send: { type: 9, body: "orders:\${SECRET}" } }]
loop: [{ send: hi }]
`
  const { scenario, redacted } = load(text, { SECRET: '007' }, 'target.options.secret=008')
  expect(scenario.target).toEqual({ serve: 'rpc', options: { group: 'orders', secret: '008' } })
  expect(redacted.target).toEqual({ serve: 'rpc', options: { group: 'orders', secret: '***' } })
  expect(redacted.environments['far']).toEqual({ serve: 'rpc', options: { group: 'orders', secret: '***' } })
  expect(JSON.stringify(redacted)).not.toMatch(/00[78]|far-secret/)
})

test('scenarioFromUrl() accepts a key', () => {
  const overrides = ['protocol=tlv', 'loop=[{send: hi}]', 'key=007'].map(parseSet)
  const { scenario, redacted } = scenarioFromUrl('tcp://127.0.0.1:1', overrides)
  expect([scenario.key, redacted.key]).toEqual(['007', '***'])
})

test('parseScenario() reports what is wrong with a key without showing it', () => {
  expect(faultsWith('key: secret')).toEqual(['s.yaml:5:1 key needs protocol tlv, not raw'])
  expect(faultsIn(tlv('key: [secret]'))).toEqual(['s.yaml:5:6 key: expected a key of at most 1024 characters, got ***'])
  expect(faultsIn(tlv(`key: ${'s'.repeat(1025)}`))).toEqual([
    's.yaml:5:6 key: expected a key of at most 1024 characters, got ***',
  ])
  expect(faultsIn(tlv('key: ""'))).toEqual(['s.yaml:5:6 key: expected a key of at most 1024 characters, got ***'])
})
