import { expect, test } from 'vitest'
import { parseScenario } from '../load.ts'
import { faultsWith, minimalWith } from '../testing/faults.ts'

const forms = 'an IP address or a range such as 127.0.0.2-127.0.0.9'

function addresses(list: string, ...lines: readonly string[]): readonly string[] | undefined {
  const text = minimalWith(`sourceAddresses: ${list}`, ...lines)
  return parseScenario(text, 's.yaml', [], {}).scenario.sourceAddresses
}

test('parseScenario() expands ranges of source addresses', () => {
  expect(addresses('[127.0.0.254-127.0.1.1, 10.0.0.20, 10.0.0.7-10.0.0.7]')).toEqual([
    '127.0.0.254',
    '127.0.0.255',
    '127.0.1.0',
    '127.0.1.1',
    '10.0.0.20',
    '10.0.0.7',
  ])
  expect(addresses('[127.0.0.0-127.0.15.255]')).toHaveLength(4096)
  expect(addresses('[255.255.255.254-255.255.255.255]')).toEqual(['255.255.255.254', '255.255.255.255'])
})

test('parseScenario() accepts IPv6 source addresses, in their shortest form', () => {
  expect(addresses('["::1", "FD00:0::2"]', 'target: { address: "tcp://[::1]:80" }')).toEqual(['::1', 'fd00::2'])
})

test.each([
  ['127.0.0.2', '18 sourceAddresses: expected none, or a list of addresses, got "127.0.0.2"'],
  ['no', '18 sourceAddresses: expected none, or a list of addresses, got "no"'],
  ['[]', '18 sourceAddresses: expected 1 or more addresses, got a list of 0'],
  ['[localhost]', `19 sourceAddresses[0]: expected ${forms}, got "localhost"`],
  ['[5]', `19 sourceAddresses[0]: expected ${forms}, got 5`],
  ['[127.0.0.256]', `19 sourceAddresses[0]: expected ${forms}, got "127.0.0.256"`],
  ['[127.0.0.2 - 127.0.0.9]', `19 sourceAddresses[0]: expected ${forms}, got "127.0.0.2 - 127.0.0.9"`],
  ['[127.0.0.2-9]', `19 sourceAddresses[0]: expected ${forms}, got "127.0.0.2-9"`],
  ['[127.0.0.0/8]', `19 sourceAddresses[0]: expected ${forms}, got "127.0.0.0/8"`],
  ['["::1-::9"]', `19 sourceAddresses[0]: expected ${forms}, got "::1-::9"`],
  ['["fe80::1%eth0"]', `19 sourceAddresses[0]: expected ${forms}, got "fe80::1%eth0"`],
  [
    '[127.0.0.9-127.0.0.2]',
    `19 sourceAddresses[0]: expected ${forms}, the lower address first, got "127.0.0.9-127.0.0.2"`,
  ],
  ['[10.0.0.0-10.0.16.0]', '18 sourceAddresses: expected at most 4,096 addresses, got 4,097'],
  ['[0.0.0.0-255.255.255.255]', '18 sourceAddresses: expected at most 4,096 addresses, got 4,294,967,296'],
  ['[127.0.0.1, "::1"]', '18 sourceAddresses: expected addresses of one family, got IPv4 and IPv6'],
  [
    '[127.0.0.2-127.0.0.9, 127.0.0.20, 127.0.0.5]',
    '52 sourceAddresses[2]: expected each address once, got 127.0.0.5 again',
  ],
  ['["::1", "0:0::1"]', '26 sourceAddresses[1]: expected each address once, got ::1 again'],
])('parseScenario() reports what is wrong with source addresses: %s', (list, fault) => {
  expect(faultsWith(`sourceAddresses: ${list}`)).toEqual([`s.yaml:5:${fault}`])
})

test('parseScenario() reads none as no source addresses, for any target', () => {
  expect(addresses('none')).toEqual([])
  expect(addresses('none', 'target: { address: unix:/s }')).toEqual([])
})

const [source, sixSource] = ['sourceAddresses: [127.0.0.2]', 'sourceAddresses: ["::1"]']

test.each([
  [['target: { address: unix:/s }', source], '5:18 sourceAddresses: need TCP or UDP, and target is a unix socket'],
  [
    ['target: { command: run, address: unix:/s }', source],
    '5:18 sourceAddresses: need TCP or UDP, and target is a unix socket',
  ],
  [
    ['environments: { here: { address: unix:/s } }', source],
    '6:18 sourceAddresses: need TCP or UDP, and environments.here is a unix socket',
  ],
  [
    ['target: { address: "tls://[::1]:443" }', source],
    '5:18 sourceAddresses: expected IPv6 addresses, as target has one, got IPv4',
  ],
  [
    ['target: { serve: echo }', sixSource],
    '5:18 sourceAddresses: expected IPv4 addresses, as target has one, got IPv6',
  ],
  [
    ['environments: { own: { command: "run {port}" } }', sixSource],
    '6:18 sourceAddresses: expected IPv4 addresses, as environments.own has one, got IPv6',
  ],
])('parseScenario() refuses source addresses that cannot reach the target: %s', (lines, fault) => {
  expect(faultsWith(...lines)).toEqual([`s.yaml:${fault}`])
})

test.each([
  [['target: { serve: echo }', source]],
  [['target: { command: "run {port}" }', source]],
  [['target: { command: "run {port}", address: "tls://[::1]:{port}" }', sixSource]],
  [['environments: { lan: { address: "tls://other:1" } }', sixSource]],
])('parseScenario() accepts source addresses with a target that they may reach: %s', lines => {
  expect(faultsWith(...lines)).toEqual([])
})

test('parseScenario() masks all source addresses when one comes from an environment variable', () => {
  const text = minimalWith('sourceAddresses: ["${RANGE}", 10.0.0.1]')
  const loaded = parseScenario(text, 's.yaml', [], { RANGE: '127.0.0.2-127.0.0.3' })
  expect(loaded.scenario.sourceAddresses).toEqual(['127.0.0.2', '127.0.0.3', '10.0.0.1'])
  expect(loaded.redacted.sourceAddresses).toEqual(['***', '***', '***'])
})
