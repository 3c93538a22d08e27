import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadScenario, parseScenario, scenarioFromUrl } from './load.ts'
import { faultsOf } from './loaded.ts'
import { issue } from './path.ts'
import { limits, type Scenario } from './scenario.ts'
import { faultLines, faultsIn, faultsWith, minimal, minimalWith } from './testing/faults.ts'

function scenario(text: string): Scenario {
  return parseScenario(text, 's.yaml', [], {}).scenario
}

test('parseScenario() fills in the defaults', () => {
  expect(scenario(minimal)).toEqual({
    name: 'x',
    target: { address: 'tcp://h:1' },
    environments: {},
    protocol: { name: 'raw' },
    connections: 10,
    connect: [],
    load: { mode: 'loop', pipeline: 1 },
    duration: 10_000,
    warmup: 'auto',
    timeout: 5000,
    reconnect: { when: 'failure', backoff: { min: 100, max: 5000 } },
    loop: [{ send: 'hi', think: 0 }],
    thresholds: [],
    workers: 'auto',
    transport: 'auto',
  })
})

test('parseScenario() resolves the units of everything that a file can hold', () => {
  const text = `
name: tlv-loopback
description: TLV messages
target:
  serve: tlv
  options: { poolSize: 1000, maxFrame: 1MiB, quiet: true }
environments:
  own: { command: "server --port {port}", address: "tls://localhost:{port}" }
  lan: { address: "tls://[::1]:8080" }
  here: { address: unix:/tmp/volley.sock }
protocol: { tlv: { maxFrame: 64KiB } }
connections: 1k
connect:
  - { send: { type: 9, body: { hex: "0a FF" } }, expect: { type: 9 } }
load: { mode: loop, pipeline: 16 }
duration: 1m30s
requests: 1.5M
warmup: 500ms
timeout: 250ms
reconnect: { when: never, backoff: { min: 1s, max: 1m } }
mix:
  - { send: { random: 1KiB }, expect: echo, think: 1ms, weight: 2.5 }
  - { send: { base64: "aGVs bG8=" }, expect: { contains: "a {{b}}", matches: "^a+$" } }
  - { send: { type: 1 }, expect: { body: { file: reply.bin } }, think: 0 }
heartbeat: { every: 10s, send: { type: 0 }, reply: false }
data: { file: users.csv, order: random }
thresholds: ["p99 < 5ms"]
tls: { ca: ca.pem, cert: own.pem, key: own.key, servername: localhost, insecure: false }
workers: 4
transport: node
seed: 7421
`
  expect(scenario(text)).toEqual({
    name: 'tlv-loopback',
    description: 'TLV messages',
    target: { serve: 'tlv', options: { poolSize: 1000, maxFrame: '1MiB', quiet: true } },
    environments: {
      own: { command: 'server --port {port}', address: 'tls://localhost:{port}' },
      lan: { address: 'tls://[::1]:8080' },
      here: { address: 'unix:/tmp/volley.sock' },
    },
    protocol: { name: 'tlv', maxFrame: 65_536 },
    connections: 1000,
    connect: [{ send: { type: 9, body: { hex: '0aFF' } }, expect: { type: 9 }, think: 0 }],
    load: { mode: 'loop', pipeline: 16 },
    duration: 90_000,
    requests: 1_500_000,
    warmup: 500,
    timeout: 250,
    reconnect: { when: 'never', backoff: { min: 1000, max: 60_000 } },
    mix: [
      { send: { random: 1024 }, expect: 'echo', think: 1, weight: 2.5 },
      { send: { base64: 'aGVsbG8=' }, expect: { contains: 'a {{b}}', matches: '^a+$' }, think: 0, weight: 1 },
      { send: { type: 1 }, expect: { body: { file: 'reply.bin' } }, think: 0, weight: 1 },
    ],
    heartbeat: { every: 10_000, send: { type: 0 }, reply: false },
    data: { file: 'users.csv', order: 'random' },
    thresholds: [{ expression: 'p99 < 5ms', metric: 'p99', operator: '<', limit: 5 }],
    tls: { ca: 'ca.pem', cert: 'own.pem', key: 'own.key', servername: 'localhost', insecure: false },
    workers: 4,
    transport: 'node',
    seed: 7421,
  })
})

test('parseScenario() reads protocol settings', () => {
  const protocol =
    'protocol: { frame: { lengthBytes: 2, endian: little, lengthAdjustment: -4, maxFrame: 64KiB, id: { offset: 4, bytes: 4 } } }'
  expect(scenario(minimalWith(protocol)).protocol).toEqual({
    name: 'frame',
    lengthOffset: 0,
    lengthBytes: 2,
    endian: 'little',
    lengthAdjustment: -4,
    maxFrame: 65_536,
    id: { offset: 4, bytes: 4 },
  })
})

test('parseScenario() sets no warm-up and a long limit when requests are given', () => {
  expect(scenario(`${minimal}requests: 10k`)).toMatchObject({ requests: 10_000, duration: 3_600_000, warmup: 0 })
  expect(scenario(`${minimal}requests: 5\nduration: 3s\nwarmup: 1s`)).toMatchObject({ duration: 3000, warmup: 1000 })
})

test('parseScenario() keeps warmup auto only for a constant load that lasts for a set time', () => {
  const warmup = (text: string) => scenario(`${minimal}${text}`).warmup
  expect(warmup('warmup: auto')).toBe('auto')
  expect(warmup('warmup: 0')).toBe(0)
  expect(warmup('load: { rate: 10/s }')).toBe('auto')
  expect(warmup('warmup: auto\nrequests: 10')).toBe(0)
  expect(warmup('load: { stages: [{ duration: 9s, to: 5/s }] }')).toBe(1000)
  expect(faultsIn(`${minimal}warmup: soon`)).toEqual([
    's.yaml:5:9 warmup: expected a duration such as 500us, 10ms or 10s, or auto, got "soon"',
  ])
})

test('parseScenario() sets no warm-up in mode once', () => {
  expect(scenario(`${minimal}load: { mode: once }`)).toMatchObject({ duration: 3_600_000, warmup: 0 })
})

test('parseScenario() returns its folder, and the places of faults that are found later', () => {
  const loaded = parseScenario(minimal, 'scenarios/a.yaml', [], {})
  const late = faultsOf(loaded, [issue(['loop', 0, 'send'], 'too long'), issue(['target'], 'gone')])
  expect(late).toEqual([
    { place: 'scenarios/a.yaml:2:9', message: 'target: gone' },
    { place: 'scenarios/a.yaml:4:16', message: 'loop[0].send: too long' },
  ])
  expect(loaded.folder).toBe(resolve('scenarios'))
  expect(loaded.redacted).toEqual(loaded.scenario)
})

test('parseScenario() reads a file with a byte order mark and DOS line ends', () => {
  expect(scenario(`\uFEFF${minimal.replaceAll('\n', '\r\n')}`).name).toBe('x')
  expect(faultsIn(`\uFEFF${minimal.replaceAll('\n', '\r\n')}a: 1`)[0]).toMatch(/^s\.yaml:5:1 unknown key "a"/)
})

test('parseScenario() lists every fault at once, in the order of the file', () => {
  const text = `name: x
conections: 5
target: { address: "tcp://h:99999" }
protocol: { line: { delimeter: ";" } }
load: { pipeline: many }
loop:
  - send: hi
    think: 5
mix: []
`
  expect(faultsIn(text)).toEqual([
    's.yaml:1:1 expected exactly one of loop and mix, got both',
    's.yaml:2:1 unknown key "conections"; did you mean "connections"?',
    's.yaml:3:20 target.address: expected a port from 1 to 65535, got 99999',
    's.yaml:4:21 protocol.line: unknown key "delimeter"; did you mean "delimiter"?',
    's.yaml:5:19 load.pipeline: expected a whole number from 1 to 65,536, got "many"',
    's.yaml:8:12 loop[0].think: expected a duration such as 500us, 10ms or 10s, got 5 (a number without a unit)',
    's.yaml:9:6 mix: expected 1 or more steps, got a list of 0',
  ])
})

test('parseScenario() names the nearest key when a key is unknown, and all keys when none is near', () => {
  expect(faultsWith('conections: 5')).toEqual(['s.yaml:5:1 unknown key "conections"; did you mean "connections"?'])
  expect(faultsWith('Timeout: 5s')).toEqual(['s.yaml:5:1 unknown key "Timeout"; did you mean "timeout"?'])
  expect(faultsWith('load: { xyzzy: 5 }')).toEqual([
    's.yaml:5:9 load: unknown key "xyzzy"; known keys: mode, pipeline, rate, arrivals and stages',
  ])
  expect(faultsWith('loop: [{ send: { typ: 5 } }]')).toEqual([
    's.yaml:4:18 loop[0].send: unknown key "typ"; did you mean "type"?',
  ])
})

test('parseScenario() reports what is missing', () => {
  expect(faultsIn('description: nothing else')).toEqual([
    's.yaml:1:1 name: missing; expected a name of letters, digits, ".", "_" and "-", at most 100 of them',
    's.yaml:1:1 target: missing; expected a mapping with one of serve, command and address',
    's.yaml:1:1 protocol: missing; expected a protocol such as tlv',
    's.yaml:1:1 expected exactly one of loop and mix, got neither',
  ])
  expect(faultsWith('heartbeat:\n  every: 10s')).toEqual([
    's.yaml:5:1 heartbeat.send: missing; expected text, or a mapping with a payload or with body and fields such as type or path',
  ])
  expect(faultsWith('duration:')).toEqual([
    's.yaml:5:10 duration: expected a duration such as 500us, 10ms or 10s, got nothing',
  ])
})

test.each([
  ['duration: 10', 'duration: expected a duration such as 500us, 10ms or 10s, got 10 (a number without a unit)'],
  ['duration: "10"', 'duration: expected a duration such as 500us, 10ms or 10s, got 10 (a number without a unit)'],
  ['duration: soon', 'duration: expected a duration such as 500us, 10ms or 10s, got "soon"'],
  ['duration: 200h', 'duration: expected a duration from 1ms to 168h, got "200h"'],
  ['duration: 0s', 'duration: expected a duration from 1ms to 168h, got "0s"'],
  ['timeout: [5s]', 'timeout: expected a duration such as 500us, 10ms or 10s, got a list'],
  ['timeout: 2h', 'timeout: expected a duration from 1ms to 1h, got "2h"'],
  ['connections: 0', 'connections: expected a whole number from 1 to 1,000,000, got 0'],
  ['connections: 2.5', 'connections: expected a whole number from 1 to 1,000,000, got 2.5'],
  ['connections: 2M', 'connections: expected a whole number from 1 to 1,000,000, got "2M"'],
  ['requests: {}', 'requests: expected a whole number from 1 to 1,000,000,000,000, got a mapping'],
  ['workers: 300', 'workers: expected auto, or a whole number from 1 to 256, got 300'],
  ['workers: many', 'workers: expected auto, or a whole number from 1 to 256, got "many"'],
  ['seed: -1', 'seed: expected a whole number from 0 to 9,007,199,254,740,991, got -1'],
  ['transport: carrier', 'transport: expected auto, node or epoll, got "carrier"'],
  ['load: fast', 'load: expected a mapping with mode, pipeline, rate, arrivals and stages, got "fast"'],
  ['connect: hello', 'connect: expected a list of steps, got "hello"'],
  ['description: 5', 'description: expected text, got 5 (in quotes it is text)'],
  [
    'reconnect: sometimes',
    'reconnect: expected a mapping such as { when: failure, backoff: 100ms..5s }, got "sometimes"',
  ],
  ['data: users.csv', 'data: expected a mapping such as { file: users.csv }, got "users.csv"'],
  ['thresholds: p99 < 5ms', 'thresholds: expected a list of conditions such as p99 < 5ms, got "p99 < 5ms"'],
  ['environments: [a]', 'environments: expected a mapping of names to targets, got a list'],
])('parseScenario() reports what was expected and found in "%s"', (line, message) => {
  const column = line.indexOf(': ') + 3
  expect(faultsWith(line)).toEqual([`s.yaml:5:${column} ${message}`])
})

test('parseScenario() refuses names that cannot be folders', () => {
  const forms = 'name: expected a name of letters, digits, ".", "_" and "-", at most 100 of them'
  expect(faultsWith('name: ../x')).toEqual([`s.yaml:1:7 ${forms}, got "../x"`])
  expect(faultsWith('name: 2024')).toEqual([`s.yaml:1:7 ${forms}, got 2024 (in quotes it is text)`])
  expect(faultsWith('environments: { "a,b": { serve: tlv } }')).toEqual([
    's.yaml:5:17 environments: expected a name of letters, digits, ".", "_" and "-", at most 100 of them, got "a,b"',
  ])
  expect(scenario(minimalWith('name: größe-2.1')).name).toBe('größe-2.1')
})

test('parseScenario() refuses a backoff that is not a range', () => {
  expect(faultsWith('reconnect: { backoff: 5s..1s }')).toEqual([
    's.yaml:5:23 reconnect.backoff: expected a range such as 100ms..5s, the shorter wait first, got "5s..1s"',
  ])
  expect(faultsWith('reconnect: { backoff: 5s }')).toEqual([
    's.yaml:5:23 reconnect.backoff: expected a range such as 100ms..5s, got "5s"',
  ])
  expect(faultsWith('reconnect: { backoff: { min: 1s } }')).toEqual([
    's.yaml:5:23 reconnect.backoff: expected a range such as 100ms..5s, got a mapping',
  ])
  expect(faultsWith('reconnect: { backoff: { min: 1, max: 5s } }')).toEqual([
    's.yaml:5:23 reconnect.backoff: expected a duration such as 500us, 10ms or 10s, got 1 (a number without a unit)',
  ])
})

test('parseScenario() hides what a late fault quotes of an environment variable, and of no other value', () => {
  const text =
    'name: x\ntarget: { address: "tcp://h:1" }\nprotocol: raw\nloop: [{ send: "${S}" }, { send: { file: "${S}/x" } }, { send: a }]\n'
  const loaded = parseScenario(text, 's.yaml', [], { S: 'hunter2' })
  const late = faultsOf(loaded, [
    issue(['loop', 0, 'send'], 'must close its quotes, unlike "AUTH hunter2 a \\"b"'),
    issue(['loop', 1, 'send', 'file'], 'cannot read "/hunter2/x": there is no such file'),
    issue(['loop', 2, 'send'], 'must not be "a"'),
  ])
  expect(late.map(({ message }) => message)).toEqual([
    'loop[0].send: must close its quotes, unlike ***',
    'loop[1].send.file: cannot read ***: there is no such file',
    'loop[2].send: must not be "a"',
  ])
})

test('parseScenario() bounds the number of steps', () => {
  const steps = Array.from({ length: limits.stepsMax + 1 }, () => '{ send: a }').join(', ')
  expect(faultsWith(`loop: [${steps}]`)).toEqual(['s.yaml:4:7 loop: expected at most 64 steps, got a list of 65'])
  expect(faultsWith('loop: []')).toEqual(['s.yaml:4:7 loop: expected 1 or more steps, got a list of 0'])
})

test('scenarioFromUrl() sends a greeting to the address', () => {
  const loaded = scenarioFromUrl('tcp://127.0.0.1:8080', [])
  const { scenario, folder } = loaded
  expect(scenario).toMatchObject({
    name: '127.0.0.1-8080',
    target: { address: 'tcp://127.0.0.1:8080' },
    protocol: { name: 'raw' },
    duration: 10_000,
    loop: [{ send: 'Hello World!', think: 0 }],
  })
  expect(folder).toBe(process.cwd())
  const message = 'loop[0].send: too long'
  expect(faultsOf(loaded, [issue(['loop', 0, 'send'], 'too long')])).toEqual([
    { place: 'tcp://127.0.0.1:8080', message },
  ])
  expect(scenarioFromUrl('tls://[::1]:443', []).scenario.name).toBe('1-443')
  expect(scenarioFromUrl('unix:/run/a b.sock', []).scenario.name).toBe('a-b.sock')
})

test('scenarioFromUrl() applies overrides as for a file', () => {
  const overrides = [
    { path: ['protocol'], value: 'tlv', origin: '--protocol' },
    { path: ['loop', 0, 'send'], value: 'hi', origin: '--send' },
    { path: ['requests'], value: '10', origin: '-n' },
  ]
  const { scenario } = scenarioFromUrl('tcp://h:1', overrides)
  expect(scenario).toMatchObject({ protocol: { name: 'tlv' }, loop: [{ send: 'hi' }], requests: 10, warmup: 0 })
})

test('scenarioFromUrl() names the URL as the place of a fault', () => {
  expect(faultLines(() => scenarioFromUrl('tcp://h', []))).toEqual([
    'tcp://h target.address: expected an address such as tcp://host:port, udp://host:port, tls://host:port, tcp://[::1]:port or unix:/path, got "tcp://h"',
  ])
})

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'volley-scenario-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function loadFaults(path: string): Promise<string[]> {
  const loaded = await loadScenario(path, [], {}).catch((error: unknown) => error)
  return faultLines(() => {
    if (loaded instanceof Error) throw loaded
  })
}

test('loadScenario() reads a file', async () => {
  const path = join(folder, 'good.yaml')
  await writeFile(path, minimal)
  expect(await loadScenario(path, [], {})).toMatchObject({ scenario: { name: 'x' }, folder })
})

test('loadScenario() reports why a file cannot be read', async () => {
  const [missing, large, binary] = ['missing.yaml', 'large.yaml', 'binary.yaml'].map(name => join(folder, name)) as [
    string,
    string,
    string,
  ]
  await writeFile(large, '#'.repeat(limits.scenarioBytesMax + 1))
  await writeFile(binary, Uint8Array.of(0x6e, 0xff, 0xfe))
  expect(await loadFaults(missing)).toEqual([`${missing} no such file`])
  expect(await loadFaults(folder)).toEqual([`${folder} expected a scenario file, got a folder`])
  expect(await loadFaults(large)).toEqual([`${large} expected a scenario file of at most 1 MiB, got more`])
  expect(await loadFaults(binary)).toEqual([`${binary} expected UTF-8 text, got byte 0xff in line 1`])
  expect(await loadFaults(join(large, 'x.yaml'))).toEqual([
    `${join(large, 'x.yaml')} cannot be read: ENOTDIR: not a directory, stat '${join(large, 'x.yaml')}'`,
  ])
  expect(await loadFaults('/dev/zero')).toEqual(['/dev/zero expected a scenario file of at most 1 MiB, got more'])
})
