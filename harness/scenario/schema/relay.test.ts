import { expect, test } from 'vitest'
import { parseScenario } from '../load.ts'
import { faultsIn, faultsWith, minimalWith } from '../testing/faults.ts'

test.each([
  [
    '{ serve: echo, relay: { rtt: 75ms, jitter: 3ms, rate: 50mbit, loss: 0.1%, stall: 1s/10s, reset: 2% } }',
    {
      serve: 'echo',
      options: {},
      relay: { rtt: 75, jitter: 3, rate: 50_000_000, loss: 0.001, stall: '1s/10s', reset: 0.02 },
    },
  ],
  [
    '{ serve: echo, relay: { rtt: 300us, jitter: 50us } }',
    { serve: 'echo', options: {}, relay: { rtt: 0.3, jitter: 0.05 } },
  ],
  ['{ address: "tcp://h:1", relay: {} }', { address: 'tcp://h:1', relay: {} }],
  ['{ command: "run {port}", relay: { rtt: 0 } }', { command: 'run {port}', relay: { rtt: 0 } }],
])('parseScenario() accepts target: %s', (target, expected) => {
  expect(parseScenario(minimalWith(`target: ${target}`), 's.yaml', [], {}).scenario.target).toEqual(expected)
})

test('parseScenario() accepts the relay of an environment', () => {
  const text = minimalWith('environments: { far: { serve: echo, relay: { rtt: 1s, stall: forever@54s } } }')
  expect(parseScenario(text, 's.yaml', [], {}).scenario.environments).toEqual({
    far: { serve: 'echo', options: {}, relay: { rtt: 1000, stall: 'forever@54s' } },
  })
})

test.each([
  ['75ms', '31 target.relay: expected a mapping such as { rtt: 75ms, jitter: 3ms, rate: 50mbit }, got "75ms"'],
  ['{ rttt: 75ms }', '33 target.relay: unknown key "rttt"; did you mean "rtt"?'],
  [
    '{ rtt: 75 }',
    '38 target.relay.rtt: expected a duration such as 500us, 10ms or 10s, got 75 (a number without a unit)',
  ],
  ['{ rtt: 11s }', '38 target.relay.rtt: expected a duration from 0ms to 10s, got "11s"'],
  ['{ rtt: 2ms, jitter: 3ms }', '51 target.relay.jitter: expected no more than rtt, got "3ms"'],
  ['{ rtt: 300us, jitter: 0.4ms }', '53 target.relay.jitter: expected no more than rtt, got "0.4ms"'],
  ['{ jitter: 3ms }', '41 target.relay.jitter: expected no more than rtt, got "3ms"'],
  ['{ rate: 50 }', '39 target.relay.rate: expected a bit rate such as 50mbit, got 50'],
  ['{ rate: 50MB/s }', '39 target.relay.rate: expected a bit rate such as 50mbit, got "50MB/s"'],
  ['{ rate: 10bit }', '39 target.relay.rate: expected a bit rate from 1 kbit/s to 100 Gbit/s, got "10bit"'],
  ['{ loss: 2 }', '39 target.relay.loss: expected a percentage from 0% to 100%, such as 0.1%, got 2'],
  ['{ reset: 101% }', '40 target.relay.reset: expected a percentage from 0% to 100%, such as 0.1%, got "101%"'],
  [
    '{ stall: 10s/1s }',
    '40 target.relay.stall: expected 1s/10s (a stall shorter than its period) or forever@54s, got "10s/1s"',
  ],
])('parseScenario() reports what is wrong with relay: %s', (relay, fault) => {
  expect(faultsWith(`target: { serve: echo, relay: ${relay} }`)).toEqual([`s.yaml:2:${fault}`])
})

test('parseScenario() reports every fault of a relay, with those around it', () => {
  expect(faultsWith('environments: { far: { serve: tvl, relay: { rtt: x, loss: 2, speed: 1 } } }')).toEqual([
    's.yaml:5:31 environments.far.serve: expected echo, tlv, rpc, broadcast or http, got "tvl"',
    's.yaml:5:50 environments.far.relay.rtt: expected a duration such as 500us, 10ms or 10s, got "x"',
    's.yaml:5:59 environments.far.relay.loss: expected a percentage from 0% to 100%, such as 0.1%, got 2',
    's.yaml:5:62 environments.far.relay: unknown key "speed"; known keys: rtt, jitter, rate, loss, stall and reset',
  ])
})

test('a relay accepts variables, which reports do not show', () => {
  const text = minimalWith('target: { serve: echo, relay: { rtt: "${RTT}" } }')
  const { scenario, redacted } = parseScenario(text, 's.yaml', [], { RTT: '75ms' })
  expect([scenario.target.relay, redacted.target.relay]).toEqual([{ rtt: 75 }, { rtt: '***' }])
  expect(faultsIn(text, [], { RTT: 'secret' })).toEqual([
    's.yaml:2:38 target.relay.rtt: expected a duration such as 500us, 10ms or 10s, got ***',
  ])
})

test('source addresses can be combined with a relay, which is on this machine wherever it leads', () => {
  const through = 'target: { address: "unix:/x", relay: {} }'
  expect(faultsWith(through, 'sourceAddresses: [127.0.0.2]')).toEqual([])
  expect(faultsWith(through, 'sourceAddresses: ["::1"]')).toEqual([
    's.yaml:5:18 sourceAddresses: expected IPv4 addresses, as target has one, got IPv6',
  ])
})
