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

test.each(['loop', 'mix', 'connect', 'heartbeat'])(
  'parseScenario() shows no header that logs in of a request in %s',
  key => {
    const request = (name: string) => `send: { path: /a, headers: { Accept: text/html, ${name}: Bearer opensesame } }`
    const steps = key === 'heartbeat' ? `{ every: 1s, ${request('authorization')} }` : `[{ ${request('X-Api-Key')} }]`
    const loop = key === 'loop' || key === 'mix' ? '' : 'loop: [{ send: GET / }]\n'
    const text = `name: x\ntarget: { address: "tcp://127.0.0.1:1" }\nprotocol: http\n${loop}${key}: ${steps}\n`
    const { scenario, redacted, secrets } = parseScenario(text, 'x.yaml', [], {})
    expect(JSON.stringify(scenario)).toContain('Bearer opensesame')
    expect(JSON.stringify(redacted)).not.toContain('opensesame')
    expect(JSON.stringify(redacted)).toContain('text/html')
    // The server may send back the token alone.
    expect(secrets.values).toEqual(['Bearer opensesame', 'opensesame'])
  },
)

test('parseScenario() shows no header that -H or --set adds, and one whose value is captured as it is', () => {
  const origin = '--header'
  const path = ['loop', 0, 'send', 'headers']
  const { redacted } = scenarioFromUrl('http://127.0.0.1:1/', [
    { path: [...path, 'Authorization'], value: 'Bearer opensesame', origin },
    { path: [...path, 'Cookie'], value: 'sid={{uuid}}', origin: '--set' },
  ])
  expect(redacted.loop?.[0]?.send).toMatchObject({ headers: { Authorization: '***', Cookie: 'sid={{uuid}}' } })
})

test('parseScenario() reports a fault of a header that logs in without its value', () => {
  const text =
    'name: x\ntarget: { serve: http }\nprotocol: http\nloop:\n  - send: { path: /, headers: { Authorization: "a {{seq" } }\n'
  expect(() => parseScenario(text, 'x.yaml', [], {})).toThrow(/headers\.Authorization/)
  try {
    parseScenario(text.replace('a {{seq', 'open\\nsesame'), 'x.yaml', [], {})
  } catch (error) {
    expect(String(error)).not.toContain('sesame')
  }
})
