import { expect, test } from 'vitest'
import { parseScenario } from '../load.ts'
import { faultsWith, minimalWith } from '../testing/faults.ts'

test.each([
  ['{}', '9 target: expected exactly one of serve, command and address, got none of them'],
  [
    '{ serve: echo, address: "tcp://h:1" }',
    '9 target: expected exactly one of serve, command and address, got serve and address',
  ],
  [
    '{ serve: echo, command: a, address: "tcp://h:1" }',
    '9 target: expected exactly one of serve, command and address, got serve, command and address',
  ],
  ['tcp://h:1', '9 target: expected a mapping with one of serve, command and address, got "tcp://h:1"'],
  [
    '{ address: "udp://h:1", over: udp }',
    '39 target.over: goes with serve, not with address: write udp://host:port there',
  ],
  ['{ serve: echo, over: upd }', '30 target.over: expected tcp or udp, got "upd"'],
  ['{ serve: tvl }', '18 target.serve: expected echo, tlv, rpc, broadcast or http, got "tvl"'],
  ['{ adress: a }', '11 target: unknown key "adress"; did you mean "address"?'],
  ['{ address: "tcp://h:1", options: {} }', '42 target.options: options go with serve, not with address'],
  [
    '{ serve: tlv, options: [] }',
    '32 target.options: expected a mapping of options such as { poolSize: 1000, maxFrame: 1MiB }, got a list',
  ],
  [
    '{ serve: tlv, options: { stall: [] } }',
    '41 target.options.stall: expected 1s/10s (a stall shorter than its period) or forever@54s, got a list',
  ],
  ['{ serve: tlv, options: { pool-size: 1 } }', '34 target.options: unknown key "pool-size"; did you mean "poolSize"?'],
  [
    '{ serve: tlv, options: { servicetime: fixed:1ms } }',
    '34 target.options: unknown key "servicetime"; did you mean "serviceTime"?',
  ],
  ['{ command: "" }', '20 target.command: expected a command such as redis-server --port {port}, got ""'],
  ['{ command: run }', '20 target.command: expected a command with {port} in it, or an address beside it, got "run"'],
  [
    '{ command: run, address: "tcp://h:{port}" }',
    '34 target.address: expected a port; the command has no {port}, got "tcp://h:{port}"',
  ],
  [
    '{ address: "tcp://h:{port}" }',
    '20 target.address: expected a port; {port} goes with a command, got "tcp://h:{port}"',
  ],
  [
    '{ address: "h" }',
    '20 target.address: expected an address such as tcp://host:port, udp://host:port, tls://host:port, tcp://[::1]:port or unix:/path, got "h"',
  ],
])('parseScenario() says what is wrong with target: %s', (target, fault) => {
  expect(faultsWith(`target: ${target}`)).toEqual([`s.yaml:2:${fault}`])
})

test.each([
  ['{ command: "run {port}" }', { command: 'run {port}' }],
  ['{ command: run, address: "tcp://h:1" }', { command: 'run', address: 'tcp://h:1' }],
  ['{ command: "run {port}", address: "tcp://h:{port}" }', { command: 'run {port}', address: 'tcp://h:{port}' }],
  ['{ serve: echo }', { serve: 'echo', options: {} }],
  [
    '{ serve: echo, options: { poolSize: unlimited, serviceTime: "bimodal:1ms,50ms,2%", stall: 1s/10s, seed: 1 } }',
    { serve: 'echo', options: { poolSize: 'unlimited', serviceTime: 'bimodal:1ms,50ms,2%', stall: '1s/10s', seed: 1 } },
  ],
])('parseScenario() takes target: %s', (target, expected) => {
  expect(parseScenario(minimalWith(`target: ${target}`), 's.yaml', [], {}).scenario.target).toEqual(expected)
})

test('parseScenario() takes host:port for an address over TCP', () => {
  const { scenario } = parseScenario(minimalWith('target: { address: "h:1" }'), 's.yaml', [], {})
  expect(scenario.target).toEqual({ address: 'tcp://h:1' })
})
