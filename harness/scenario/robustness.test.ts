import fc from 'fast-check'
import { expect, test } from 'vitest'
import { UserError } from '../errors.ts'
import { propertyRuns } from '../testing/propertyRuns.ts'
import { parseScenario } from './load.ts'
import type { Override } from './overrides.ts'

const valid = `# a file with settings of every kind
name: tlv-loopback
target: { serve: tlv, options: { poolSize: 1000 } }
environments:
  lan: { address: tcp://192.168.48.151:8080 }
  own: { command: "run \${PORT}", address: "tls://[::1]:\${PORT}" }
protocol: { frame: { lengthBytes: 2, id: { offset: 4, bytes: 4 } } }
connections: 10
connect: [ &login { send: "a:123", expect: echo } ]
load: { mode: loop, pipeline: 1 }
duration: 10s
reconnect: { when: failure, backoff: 100ms..5s }
loop:
  - send: "hello {{seq}} {{data.name}}"
    expect: { contains: "server", matches: '^a+$' }
    think: 1ms
  - *login
  - send: { body: { hex: "0a ff" } }
heartbeat: { every: 10s, send: { random: 1KiB } }
data: { file: users.csv, order: random }
thresholds:
  - throughput > 50k/s
  - errors < 0.1%
tls: { insecure: true }
`
const environment = { PORT: '8080' }

/** Any input gives a scenario, or a UserError with at least one fault, each with its place. */
function expectScenarioOrFaults(text: string, overrides: readonly Override[] = []): void {
  try {
    expect(parseScenario(text, 's.yaml', overrides, environment).scenario.name).toBeTypeOf('string')
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    expect(error.faults.length).toBeGreaterThan(0)
    for (const { place, message } of error.faults) {
      expect(place).toMatch(/^(s\.yaml:\d+:\d+|s\.yaml|--set)$/)
      expect(message).not.toMatch(/undefined|\[object|Invalid input|^$|\n/)
    }
  }
}

const pieces = [
  ...['{', '}', '[', ']', ': ', '- ', '\n', '\n  ', ' ', '"', "'", '|', '>', '#', '&login ', '*login', '!!str ', '!x '],
  ...['${PORT}', '${NONE}', '$${', '{{seq}}', '{{random}}', '{{x}}', '~', 'null', '5', '-1', '.nan', '1e999', 'true'],
  ...[
    '---\n',
    '%YAML 1.1\n',
    '? ',
    '<<: ',
    '__proto__',
    'constructor',
    'loop',
    'send',
    'type',
    'rate',
    'protocol: http\n',
    'sourceAddresses: [127.0.0.2-127.0.0.9]\n',
    '{{random 0..9}}',
    '\t',
    '\0',
    '\ud800',
  ],
]

test('the file of the mutations is valid', () => {
  expect(parseScenario(valid, 's.yaml', [], environment).scenario.loop).toHaveLength(3)
})

test('parseScenario() returns a scenario or faults for any text', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fc.constantFrom(...pieces)).map(parts => parts.join('')),
  )
  fc.assert(
    fc.property(text, text => expectScenarioOrFaults(text)),
    { numRuns: 2 * propertyRuns },
  )
})

test('parseScenario() returns a scenario or faults for any change of a file', () => {
  const change = fc.record({
    at: fc.nat(valid.length),
    removed: fc.oneof(fc.constant(0), fc.nat(3), fc.nat(80)),
    added: fc.oneof(fc.constant(''), fc.constantFrom(...pieces), fc.string({ maxLength: 5 })),
  })
  const mutation = fc
    .array(change, { minLength: 1, maxLength: 4 })
    .map(changes =>
      changes.reduce((text, { at, removed, added }) => text.slice(0, at) + added + text.slice(at + removed), valid),
    )
  fc.assert(
    fc.property(mutation, text => expectScenarioOrFaults(text)),
    { numRuns: 3 * propertyRuns },
  )
})

test('parseScenario() returns a scenario or faults for any override', () => {
  const keys = fc.oneof(
    fc.nat(3),
    fc.constantFrom('loop', 'mix', 'send', 'target', 'serve', 'address', 'protocol', 'frame', 'id', 'load', 'lan'),
    fc.constantFrom('environments', 'heartbeat', 'thresholds', 'expect', 'type', 'body', 'hex', '__proto__', 'x'),
    fc.constantFrom('http', 'resp', 'method', 'path', 'headers', 'status', 'sourceAddresses'),
  )
  const override = fc.record({
    path: fc.array(keys, { minLength: 1, maxLength: 5 }),
    value: fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom('http', 'GET /', 'HEAD', '127.0.0.2-127.0.0.9')),
    origin: fc.constant('--set'),
  })
  const overrides = fc.array(override, { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(overrides, overrides => expectScenarioOrFaults(valid, overrides)),
    { numRuns: 2 * propertyRuns },
  )
})
