import { expect, test } from 'vitest'
import { parseScenario } from './load.ts'
import type { Override } from './overrides.ts'
import type { Path } from './path.ts'
import type { Scenario } from './scenario.ts'
import { faultsIn, minimal, minimalWith } from './testing/faults.ts'

function set(path: Path, value: unknown, origin = '--flag'): Override {
  return { path, value, origin }
}

function scenario(text: string, ...overrides: readonly Override[]): Scenario {
  return parseScenario(text, 's.yaml', overrides, {}).scenario
}

test('parseScenario() applies overrides to the file, later ones over earlier ones', () => {
  const loaded = scenario(
    minimalWith('connections: 5', 'load: { pipeline: 2 }'),
    set(['connections'], 6, 'VOLLEY_CONNECTIONS'),
    set(['connections'], '7', '-c'),
    set(['load', 'pipeline'], 3),
    set(['timeout'], '1s'),
  )
  expect(loaded).toMatchObject({ connections: 7, load: { mode: 'loop', pipeline: 3 }, timeout: 1000 })
})

test('parseScenario() creates the mappings and lists that an override is in', () => {
  const loaded = scenario(
    minimal,
    set(['reconnect', 'when'], 'never'),
    set(['thresholds', 0], 'p99 < 5ms'),
    set(['thresholds', 1], 'max < 1s'),
    set(['loop', 1, 'send'], 'second'),
    set(['environments', 'lan', 'address'], 'tcp://lan:1'),
  )
  expect(loaded).toMatchObject({
    reconnect: { when: 'never' },
    thresholds: [{ metric: 'p99' }, { metric: 'max' }],
    loop: [{ send: 'hi' }, { send: 'second' }],
    environments: { lan: { address: 'tcp://lan:1' } },
  })
})

test('parseScenario() names the flag as the place of a fault in its value', () => {
  expect(faultsIn(minimal, [set(['duration'], 10, '--duration')])).toEqual([
    '--duration duration: expected a duration such as 500us, 10ms or 10s, got 10 (a number without a unit)',
  ])
  expect(faultsIn(minimal, [set(['load', 'mode'], 'guess', '--set load.mode')])).toEqual([
    '--set load.mode load.mode: expected loop, rate, search or once, got "guess"',
  ])
  expect(faultsIn(minimal, [set(['load', 'rate'], 'soon', '--rate')])).toEqual([
    '--rate load.rate: expected a rate such as 50k/s, got "soon"',
  ])
  expect(faultsIn(minimal, [set(['heartbeat', 'every'], '1s', 'VOLLEY_HEARTBEAT')])).toEqual([
    'VOLLEY_HEARTBEAT heartbeat.send: missing; expected text, or a mapping with a payload or with body and fields such as type or path',
  ])
  expect(faultsIn(minimal, [set(['conections'], 5, '--set conections')])).toEqual([
    '--set conections unknown key "conections"; did you mean "connections"?',
  ])
})

test('parseScenario() keeps the place in the file for what no flag has set', () => {
  expect(faultsIn(minimalWith('load: { mode: once, pipeline: 4 }'), [set(['load', 'mode'], 'once', '--once')])).toEqual(
    ['s.yaml:5:31 load.pipeline: expected 1 with load.mode: once, got 4'],
  )
  expect(faultsIn(`${minimal}timeout: soon`, [set(['duration'], 'soon', '-d')])).toEqual([
    's.yaml:5:10 timeout: expected a duration such as 500us, 10ms or 10s, got "soon"',
    '-d duration: expected a duration such as 500us, 10ms or 10s, got "soon"',
  ])
})

test('parseScenario() replaces a mix by a loop, and a loop by a mix', () => {
  const mix = minimal.replace('loop:', 'mix:')
  const looped = scenario(mix, set(['loop'], [{ send: 'b' }]))
  expect(looped.loop).toEqual([{ send: 'b', think: 0 }])
  expect(looped).not.toHaveProperty('mix')
  expect(scenario(mix, set(['loop', 0, 'send'], 'c'))).toMatchObject({ loop: [{ send: 'c' }] })
  expect(scenario(minimal, set(['mix', 0, 'send'], 'd'))).not.toHaveProperty('loop')
})

test('parseScenario() replaces one kind of target by another', () => {
  const served = minimalWith('target: { serve: tlv, options: { poolSize: 5 } }')
  expect(scenario(served, set(['target', 'address'], 'tcp://h:2')).target).toEqual({ address: 'tcp://h:2' })
  expect(scenario(served, set(['target', 'command'], 'run {port}')).target).toEqual({ command: 'run {port}' })
  const framed = minimalWith('protocol: frame')
  expect(scenario(framed, set(['target', 'serve'], 'rpc')).target).toEqual({ serve: 'rpc', options: {} })
  expect(scenario(framed, set(['target'], { serve: 'rpc' })).target).toEqual({ serve: 'rpc', options: {} })
  const far = minimalWith('target: { serve: echo, relay: { rtt: 75ms } }')
  expect(scenario(far, set(['target', 'address'], 'tcp://h:2')).target).toEqual({
    address: 'tcp://h:2',
    relay: { rtt: 75 },
  })
  expect(scenario(far, set(['target', 'relay', 'rtt'], '1ms')).target.relay).toEqual({ rtt: 1 })
  const commanded = minimalWith('target: { command: run, address: "tcp://h:1" }')
  expect(scenario(commanded, set(['target', 'address'], 'tcp://h:2')).target).toEqual({
    command: 'run',
    address: 'tcp://h:2',
  })
  const datagrams = minimalWith('target: { serve: echo, over: udp }')
  expect(scenario(datagrams, set(['target', 'address'], 'tcp://h:2')).target).toEqual({ address: 'tcp://h:2' })
  expect(scenario(datagrams, set(['target', 'over'], 'tcp')).target).toMatchObject({ serve: 'echo', over: 'tcp' })
  const own = minimalWith('environments: { own: { serve: tlv } }')
  expect(scenario(own, set(['environments', 'own', 'address'], 'tcp://h:3')).environments).toEqual({
    own: { address: 'tcp://h:3' },
  })
})

test('parseScenario() takes the length of a run from the override, as a time or as a number of requests', () => {
  const timed = minimalWith('duration: 5s', 'warmup: 2s')
  expect(scenario(timed, set(['requests'], 100))).toMatchObject({ requests: 100, duration: 3_600_000, warmup: 0 })
  expect(scenario(timed, set(['requests'], 100), set(['duration'], '1s'))).toMatchObject({
    requests: 100,
    duration: 1000,
    warmup: 2000,
  })
  const counted = scenario(minimalWith('requests: 100'), set(['duration'], '3s'))
  expect(counted).toMatchObject({ duration: 3000, warmup: 'auto' })
  expect(counted).not.toHaveProperty('requests')
})

test('parseScenario() adds a setting to a protocol that is only named, or replaces the protocol', () => {
  const framed = minimalWith('protocol: frame')
  expect(scenario(framed, set(['protocol', 'frame', 'lengthBytes'], 2)).protocol).toMatchObject({ lengthBytes: 2 })
  const lined = minimalWith('protocol: { line: { delimiter: ";", maxFrame: 5KiB } }')
  expect(scenario(lined, set(['protocol', 'line', 'delimiter'], '|')).protocol).toEqual({
    name: 'line',
    delimiter: '|',
    maxFrame: 5120,
  })
  expect(scenario(lined, set(['protocol', 'tlv', 'maxFrame'], '5KiB')).protocol).toEqual({
    name: 'tlv',
    maxFrame: 5120,
  })
})

test('parseScenario() moves a payload to body to add a field', () => {
  const text = minimalWith('protocol: tlv')
  expect(scenario(text, set(['loop', 0, 'send', 'type'], 5)).loop).toEqual([
    { send: { body: 'hi', type: 5 }, think: 0 },
  ])
  expect(scenario(text, set(['loop', 0, 'send', 'hex'], '0a')).loop).toEqual([{ send: { hex: '0a' }, think: 0 }])
  expect(scenario(text, set(['loop', 0, 'send', 'hex'], '0a'), set(['loop', 0, 'send', 'body'], 'b')).loop).toEqual([
    { send: { body: 'b' }, think: 0 },
  ])
})

test('parseScenario() splits a request line of HTTP to add a field', () => {
  const text = minimalWith('protocol: http', 'loop: [{ send: GET /a }]')
  expect(scenario(text, set(['loop', 0, 'send', 'headers', 'Accept'], '*/*')).loop).toEqual([
    { send: { method: 'GET', path: '/a', headers: { Accept: '*/*' } }, think: 0 },
  ])
  expect(
    scenario(text, set(['loop', 0, 'send', 'method'], 'POST'), set(['loop', 0, 'send', 'body'], 'b')).loop,
  ).toEqual([{ send: { method: 'POST', path: '/a', body: 'b' }, think: 0 }])
})

test('parseScenario() keeps an address when an option is set', () => {
  expect(faultsIn(minimal, [set(['target', 'options', 'poolSize'], 5, '--set target.options.poolSize')])).toEqual([
    '--set target.options.poolSize target.options: options go with serve, not with address',
  ])
})

test('parseScenario() refuses an override beyond a list', () => {
  expect(faultsIn(minimal, [set(['loop', 5, 'send'], 'a', '--set loop.5.send')])).toEqual([
    '--set loop.5.send loop[5].send: expected an index from 0 to 1 in the list loop, got loop[5].send',
  ])
  expect(faultsIn(minimal, [set(['loop', 'send'], 'a', '--set loop.send')])).toEqual([
    '--set loop.send loop.send: expected an index from 0 to 1 in the list loop, got loop.send',
  ])
})

test('parseScenario() gives no key of an override a special meaning', () => {
  expect(faultsIn(minimal, [set(['__proto__', 'warmup'], '5s', '--set')])).toEqual([
    '--set unknown key "__proto__"; known keys: name, description, target, environments, protocol, layers, layerKey, wire, socket, connections, key, connect, load, duration, requests, warmup, timeout, reconnect, loop, mix, clients, heartbeat, data, thresholds, tls, workers, transport, sourceAddresses and seed',
  ])
  expect(({} as Record<string, unknown>)['warmup']).toBeUndefined()
})

test('parseScenario() sets the mode with a rate that overrides, and removes stages', () => {
  const staged = minimalWith('load: { mode: loop, pipeline: 2 }')
  const { scenario } = parseScenario(staged, 's.yaml', [set(['load', 'rate'], '5k/s', '--rate')], {})
  expect(scenario.load).toEqual({ mode: 'rate', pipeline: 2, rate: 5000, arrivals: 'poisson' })
  const stages = minimalWith('load: { stages: [{ duration: 10s, to: 1k/s }], arrivals: constant }')
  const other = parseScenario(stages, 's.yaml', [set(['load', 'rate'], 100, '--rate')], {})
  expect(other.scenario.load).toEqual({ mode: 'rate', pipeline: 1, rate: 100, arrivals: 'constant' })
  expect(other.scenario.duration).toBe(10_000)
})

test('parseScenario() takes the number of connections from their stages', () => {
  const text = minimalWith('load: { stages: [{ duration: 5s, connections: 30 }, { duration: 5s, connections: 10 }] }')
  const { scenario } = parseScenario(text, 's.yaml', [], {})
  expect(scenario).toMatchObject({ connections: 30, duration: 9000, warmup: 1000, load: { mode: 'loop' } })
})
