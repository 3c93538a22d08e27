import { expect, test } from 'vitest'
import { parseScenario } from '../load.ts'
import type { LoadedScenario } from '../loaded.ts'
import { faultsIn, minimalWith } from '../testing/faults.ts'
import { interpolate } from './variables.ts'

const environment = { HOST: 'db.example', COUNT: '7', SECRET: 'hunter2', EMPTY: '' }

function load(...lines: readonly string[]): LoadedScenario {
  return parseScenario(minimalWith(...lines), 's.yaml', [], environment)
}

function faults(...lines: readonly string[]): string[] {
  return faultsIn(minimalWith(...lines), [], environment)
}

test('interpolate() fills in variables anywhere in a text', () => {
  expect(interpolate('tcp://${HOST}:${COUNT}', environment)).toEqual({
    text: 'tcp://db.example:7',
    secret: true,
    values: ['db.example', '7'],
    whole: false,
    faults: [],
  })
  expect(interpolate('${HOST}', environment)).toMatchObject({ text: 'db.example', whole: true })
})

test('interpolate() leaves other dollars and braces unchanged', () => {
  for (const text of ['$HOST', '$ {HOST}', '{HOST}', '$$', '}{', '']) {
    expect(interpolate(text, environment)).toEqual({ text, secret: false, values: [], whole: false, faults: [] })
  }
})

test('interpolate() reads $${ as a plain ${', () => {
  expect(interpolate('$${HOST} $${', environment)).toMatchObject({ text: '${HOST} ${', secret: false })
  expect(interpolate('${HOST}$${HOST}', environment)).toMatchObject({ text: 'db.example${HOST}', secret: true })
})

test('interpolate() takes the default of a variable that is not set or empty, which is no secret', () => {
  const environment = { SET: 'value', EMPTY: '' }
  const text = (input: string) => interpolate(input, environment)
  expect(text('a ${NONE:-b c}')).toMatchObject({ text: 'a b c', secret: false, values: [], faults: [] })
  expect(text('${EMPTY:-5}')).toMatchObject({ text: '5', secret: false, whole: true })
  expect(text('${SET:-5}')).toMatchObject({ text: 'value', secret: true, values: ['value'] })
  expect(text('${NONE:-}')).toMatchObject({ text: '', faults: [] })
})

test('interpolate() takes a text in place of a variable that is set, which shows nothing of it', () => {
  const text = (input: string) => interpolate(input, { SET: 'value', EMPTY: '' })
  expect(text('a ${SET:+b:-c} d')).toMatchObject({ text: 'a b d', secret: false, values: [], faults: [] })
  expect(text('${NONE:+b:-c}')).toMatchObject({ text: 'c', secret: false, whole: true })
  expect(text('${EMPTY:+b:-c}')).toMatchObject({ text: 'c', secret: false })
  expect(text('${SET:+b}${NONE:+b}')).toMatchObject({ text: 'b', faults: [] })
  expect(text('0b${SET:+1:-0}${NONE:+1:-0}10')).toMatchObject({ text: '0b1010', secret: false })
  expect(text('${SET:+}')).toMatchObject({ text: '', secret: false, values: [] })
})

test('interpolate() reports what is not a variable, or is not set', () => {
  expect(interpolate('${NONE} ${constructor}', environment).faults).toEqual([
    'environment variable NONE is not set',
    'environment variable constructor is not set',
  ])
  for (const text of ['${}', '${A-B}', '${:-b}', '${:+b}', '${A:b}', '${A', '${']) {
    expect(interpolate(text, environment).faults).toEqual([
      `expected a variable such as \${NAME}, or $\${ for a plain \${, got ${JSON.stringify(text)}`,
    ])
  }
})

test('parseScenario() resolves a plain variable as YAML does, a quoted one as text', () => {
  expect(load('connections: ${COUNT}').scenario.connections).toBe(7)
  expect(load('description: "${COUNT}"').scenario.description).toBe('7')
  expect(faults('description: ${COUNT}')).toEqual(['s.yaml:5:14 description: expected text, got ***'])
  expect(faults('description: ${EMPTY}')).toEqual(['s.yaml:5:14 description: expected text, got ***'])
})

test('parseScenario() reports a variable that is not set once, with its place', () => {
  expect(faults('target: { address: "tcp://${NONE}:1" }', 'duration: ${NONE}')).toEqual([
    's.yaml:2:20 target.address: environment variable NONE is not set',
    's.yaml:5:11 duration: environment variable NONE is not set',
  ])
  expect(faults('description: ${a b}')).toEqual([
    's.yaml:5:14 description: expected a variable such as ${NAME}, or $${ for a plain ${, got "${a b}"',
  ])
})

test('parseScenario() needs no variable where an override replaces it', () => {
  const overrides = [{ path: ['target'], value: { address: 'tcp://h:2' }, origin: '--target' }]
  const text = minimalWith('target: { address: "tcp://${NONE}:1" }')
  expect(parseScenario(text, 's.yaml', overrides, {}).scenario.target).toEqual({ address: 'tcp://h:2' })
})

test('parseScenario() masks values of environment variables in the redacted scenario', () => {
  const { scenario, redacted } = load(
    'target: { address: "tcp://${HOST}:1" }',
    'connections: ${COUNT}',
    'protocol: { tlv: { maxFrame: "${COUNT}MiB" } }',
    'loop: [{ send: { body: "login ${SECRET}", type: 1 } }]',
    'thresholds: ["p99 < ${COUNT}ms", "max < 1s"]',
    'reconnect: { backoff: "${COUNT}ms..5s" }',
  )
  expect(scenario).toMatchObject({
    target: { address: 'tcp://db.example:1' },
    connections: 7,
    protocol: { name: 'tlv', maxFrame: 7_340_032 },
    loop: [{ send: { body: 'login hunter2', type: 1 } }],
    reconnect: { backoff: { min: 7, max: 5000 } },
  })
  expect(redacted).toMatchObject({
    name: 'x',
    target: { address: '***' },
    connections: '***',
    protocol: { name: '***', maxFrame: '***' },
    loop: [{ send: { body: '***', type: 1 }, think: 0 }],
    thresholds: [
      { expression: '***', metric: '***', operator: '***', limit: '***' },
      { expression: 'max < 1s', metric: 'max', operator: '<', limit: 1000 },
    ],
    reconnect: { when: 'failure', backoff: { min: '***', max: '***' } },
  })
})

test('parseScenario() masks a variable at every place that an alias copies it to', () => {
  const { redacted } = load('loop: [{ send: &login "login ${SECRET}" }, { send: *login }]')
  expect(redacted.loop).toEqual([
    { send: '***', think: 0 },
    { send: '***', think: 0 },
  ])
})

test('parseScenario() masks nothing where an override has replaced the variable', () => {
  const overrides = [{ path: ['connections'], value: 5, origin: '-c' }]
  const loaded = parseScenario(minimalWith('connections: ${COUNT}'), 's.yaml', overrides, environment)
  expect(loaded.redacted.connections).toBe(5)
})

test('parseScenario() shows no value of an environment variable in a fault', () => {
  expect(
    faults(
      'name: a/${SECRET}',
      'target: { address: "${SECRET}" }',
      'protocol: ${SECRET}',
      'loop: [{ send: "{{${SECRET}}}" }]',
      'load: { mode: "${SECRET}" }',
      'duration: ${SECRET}',
      'thresholds: ["${SECRET} < 5ms"]',
    ),
  ).toEqual([
    's.yaml:1:7 name: expected a name of letters, digits, ".", "_" and "-", at most 100 of them, got ***',
    's.yaml:2:20 target.address: expected an address such as tcp://host:port, udp://host:port, tls://host:port, tcp://[::1]:port or unix:/path, got ***',
    's.yaml:3:11 protocol: the value of the environment variable is not valid here',
    's.yaml:4:16 loop[0].send: expected a slot such as {{seq}}, {{count}}, {{connection}}, {{uuid}}, {{random 64}}, {{random 0..9999}}, {{stamp}}, {{utc}}, {{localAddress}}, {{targetHost}} or {{data.column}}, got ***',
    's.yaml:5:15 load.mode: expected loop, rate, search or once, got ***',
    's.yaml:6:11 duration: expected a duration such as 500us, 10ms or 10s, got ***',
    's.yaml:7:14 thresholds[0]: expected one of throughput, errors, availability, mean, p50, p75, p90, p95, p99, p99.9, p99.99 or max, got ***',
  ])
})

test('interpolate() takes a default with slots in it', () => {
  const text = (input: string, values: Record<string, string> = {}) => interpolate(input, values).text
  expect(text('Host: ${host:-{{targetHost}}};')).toBe('Host: {{targetHost}};')
  expect(text('Host: ${host:-{{targetHost}}};', { host: 'h' })).toBe('Host: h;')
  expect(text('${A:-{{seq}}-{{seq 4}}}${B:-}')).toBe('{{seq}}-{{seq 4}}')
  expect(text('${A} {{seq}} ${B:-b} {{x', { A: 'a' })).toBe('a {{seq}} b {{x')
})
