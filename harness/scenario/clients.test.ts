import { expect, test } from 'vitest'
import { placedSteps, speakingConnections } from './clients.ts'
import { parseScenario } from './load.ts'
import { parseSet } from './setting.ts'
import { faultsIn } from './testing/faults.ts'

/** A scenario with these groups on its fourth line, and further lines. */
function withGroups(groups: string, ...lines: readonly string[]): string {
  return ['name: x', 'target: { address: "tcp://h:1" }', 'protocol: line', `clients: ${groups}`, ...lines].join('\n')
}

const listener = '{ name: subscribers, connections: 100, connect: [ { send: SUB } ] }'
const speaker = '{ name: publishers, connections: 10, loop: [ { send: PUB } ] }'
const both = `[ ${listener}, ${speaker} ]`

test('parseScenario() reads groups of connections; their sum is that of the scenario', () => {
  const { scenario } = parseScenario(
    withGroups(`[ ${listener}, ${speaker}, { mix: [ { send: a } ] } ]`),
    's.yaml',
    [],
    {},
  )
  expect(scenario).toMatchObject({
    connections: 120,
    connect: [],
    clients: [
      { name: 'subscribers', connections: 100, connect: [{ send: 'SUB' }] },
      { name: 'publishers', connections: 10, connect: [], loop: [{ send: 'PUB', think: 0 }] },
      { connections: 10, mix: [{ send: 'a', weight: 1 }] },
    ],
  })
  expect(scenario).not.toHaveProperty('loop')
  expect(speakingConnections(scenario)).toBe(20)
  expect(placedSteps(scenario).map(({ name, path, kind, group }) => [name, path.join('.'), kind, group])).toEqual([
    ['publishers.loop[0]', 'clients.1.loop.0', 'loop', 1],
    ['clients[2].mix[0]', 'clients.2.mix.0', 'mix', 2],
    ['subscribers.connect[0]', 'clients.0.connect.0', 'connect', 0],
  ])
})

test('parseScenario() takes connections of a group from a flag', () => {
  const { scenario } = parseScenario(withGroups(both), 's.yaml', [parseSet('clients[0].connections=5')], {})
  expect(scenario.connections).toBe(15)
})

test('parseScenario() hides headers that log in, in every group', () => {
  const group = '{ loop: [ { send: { path: /, headers: { Authorization: "Bearer abcdef" } } } ] }'
  const { redacted, secrets } = parseScenario(withGroups(`[ ${group} ]`).replace('line', 'http'), 's.yaml', [], {})
  expect(JSON.stringify(redacted)).not.toContain('abcdef')
  expect(secrets.values).toContain('Bearer abcdef')
})

test.each([
  [
    [`${both}`, 'connections: 5', 'connect: [ { send: a } ]', 'loop: [ { send: a } ]'],
    [
      's.yaml:5:14 connections: cannot be combined with clients, whose groups have their own, such as clients[0].connections',
      's.yaml:6:10 connect: cannot be combined with clients, whose groups have their own, such as clients[0].connect',
      's.yaml:7:7 loop: cannot be combined with clients, whose groups have their own, such as clients[0].loop',
    ],
  ],
  [
    [both, 'mix: [ { send: a } ]'],
    ['s.yaml:5:6 mix: cannot be combined with clients, whose groups have their own, such as clients[0].mix'],
  ],
  [[`[ ${listener} ]`], ['s.yaml:4:10 clients: expected a group with loop or mix, got groups that only listen']],
  [
    ['[ { loop: [ { send: a } ], mix: [ { send: b } ] } ]'],
    ['s.yaml:4:12 clients[0]: expected loop or mix, or neither in a group that only listens, got both'],
  ],
  [
    [`[ ${speaker}, ${speaker} ]`],
    ['s.yaml:4:84 clients[1].name: expected a name that no other group has, got "publishers"'],
  ],
  [
    ['[ { name: "a b", loop: [ { send: a } ] } ]'],
    ['s.yaml:4:20 clients[0].name: expected a name of letters, digits, "_" and "-", at most 40 of them, got "a b"'],
  ],
  [
    [`[ ${speaker}, { connections: 1M } ]`],
    ['s.yaml:4:10 clients: expected at most 1,000,000 connections, got 1,000,010'],
  ],
  [
    [`[ ${speaker}, { steps: 5 } ]`],
    ['s.yaml:4:78 clients[1]: unknown key "steps"; known keys: name, connections, connect, loop and mix'],
  ],
  [
    ['[]'],
    ['s.yaml:4:10 clients: expected 1 or more groups such as { connections: 100, connect: [ ... ] }, got a list of 0'],
  ],
  [
    [both, 'load: { stages: [ { duration: 1s, connections: 5 } ] }'],
    [
      's.yaml:5:17 load.stages: stages with connections cannot be combined with clients: they do not say which group sends; let them set rates (to)',
    ],
  ],
  [
    [`[ ${listener}, { loop: [ { send: a, think: 1s } ] } ]`, 'load: { rate: 5/s }'],
    [
      's.yaml:4:109 clients[1].loop[0].think: cannot be combined with load.mode: rate: the rate sets when requests start',
    ],
  ],
  [
    [`[ ${speaker}, { loop: [ { send: a, expect: nothing, capture: { t: body } } ] } ]`],
    ['s.yaml:4:123 clients[1].loop[0].capture: needs a reply, and this step expects nothing'],
  ],
  [
    ['[ { loop: [ { send: a, expect: nothing } ] } ]', 'thresholds: [ p99 < 5ms ]'],
    ['s.yaml:5:15 thresholds[0]: p99 needs replies, and no step has any; throughput, errors and availability do not'],
  ],
  [
    ['[ { loop: [ { send: { type: 5, body: a } } ] } ]'],
    ['s.yaml:4:38 clients[0].loop[0].send.type: needs protocol tlv or rpc, not line'],
  ],
  [
    ['[ { loop: [ { send: "{{data.user}}" } ] } ]'],
    ['s.yaml:4:30 clients[0].loop[0].send: {{data.user}} needs data with the CSV file that has it'],
  ],
  [
    [
      `[ { connect: [ { send: a, capture: { t: body } } ], loop: [ { send: "{{t}}" } ] }, { loop: [ { send: "{{t}}" } ] } ]`,
    ],
    [
      's.yaml:4:111 clients[1].loop[0].send: expected a slot such as {{seq}}, {{count}}, {{connection}}, {{uuid}}, {{random 64}}, {{random 0..9999}}, {{stamp}}, {{utc}}, {{localAddress}}, {{targetHost}} or {{data.column}}, got "{{t}}"',
    ],
  ],
])('parseScenario() reports what is wrong with groups: %j', ([groups, ...lines], faults) => {
  expect(faultsIn(withGroups(groups!, ...lines))).toEqual(faults)
})

test('a heartbeat may use what every group captures in its handshake, and nothing else', () => {
  const captures = (name: string) => `connect: [ { send: a, capture: { ${name}: body } } ]`
  const groups = (second: string) => `[ { ${captures('t')} }, { ${captures(second)}, loop: [ { send: b } ] } ]`
  const heartbeat = 'heartbeat: { every: 1s, send: "{{t}}" }'
  expect(faultsIn(withGroups(groups('t'), heartbeat))).toEqual([])
  expect(faultsIn(withGroups(groups('u'), heartbeat))[0]).toContain('s.yaml:5:31 heartbeat.send: ')
})

test('groups that cannot be read are the only fault, whatever else depends on them', () => {
  const lines = ['heartbeat: { every: 1s, send: "{{t}}" }']
  expect(faultsIn(withGroups('[ { connections: none, loop: [ { send: a } ] } ]', ...lines))).toEqual([
    's.yaml:4:27 clients[0].connections: expected a whole number from 1 to 1,000,000, got "none"',
  ])
})

test('a protocol by its name gives its handshake to each group that has none', () => {
  const text = `name: x\ntarget: { address: "tcp://h:1" }\nprotocol: { mqtt: { client: robot } }
clients: [ {}, { connect: [ { send: { type: 0xc0 } } ], loop: [ { send: { type: 0xc0 } } ] } ]`
  const { scenario } = parseScenario(text, 's.yaml', [], {})
  expect(scenario.connect).toEqual([])
  expect(scenario.loop).toBeUndefined()
  expect(scenario.clients![0]!.connect).not.toHaveLength(0)
  expect(scenario.clients![1]!.connect).toHaveLength(1)
})

test('a login in a group is checked, and its password is a secret, as at the top', () => {
  const login = (protocol: string, password: string) =>
    `name: s\ntarget: { address: "tcp://h:1" }\nprotocol: ${protocol}\nclients: [ { connect: [ { login: { postgres: { user: ann, password: ${password} } } } ], loop: [ { send: { type: Q, body: x } } ] } ]\n`
  const drawn = '{ frame: [ { type: char }, { length: u32, counts: itself }, body ] }'
  const { redacted, secrets } = parseScenario(login(drawn, '12345'), 's.yaml', [], {})
  expect(JSON.stringify(redacted)).not.toContain('12345')
  expect(secrets.values).toContain('12345')
  const withIds = '{ frame: [ { type: char }, { length: u32, counts: itself }, { id: u16 }, body ] }'
  expect(faultsIn(login(withIds, 'x'))).toEqual([
    expect.stringContaining('clients[0].connect[0].login: needs replies in order'),
  ])
})
