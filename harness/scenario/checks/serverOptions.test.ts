import { expect, test } from 'vitest'
import { faultsWith } from '../testing/faults.ts'

test.each([
  ['{ serve: echo, options: { shuffle: 4 } }', '35 target.options: shuffle is for rpc, not for echo'],
  ['{ serve: echo, options: { key: k } }', '35 target.options: key needs protocol tlv, not raw'],
  [
    '{ serve: echo, options: { maxConnections: 9, workers: 2 } }',
    '35 target.options: maxConnections is for a single worker',
  ],
  [
    '{ serve: echo, options: { poolSize: 4, reloadEvery: 2s } }',
    '35 target.options: poolSize does not go with reloadEvery: old and new processes would have a pool each',
  ],
  ['{ serve: echo, options: { busyWait: true } }', '35 target.options: busyWait is for a server with a job pool'],
  ['{ serve: echo, options: { busyWait: false } }', undefined],
  ['{ serve: echo, options: { workers: 1, maxConnections: 9 } }', undefined],
  ['{ serve: echo, options: { reloadTimeout: 2s } }', '35 target.options: reloadTimeout goes with reloadEvery'],
  [
    '{ serve: echo, options: { naive: 9, maxFrame: 8 } }',
    '35 target.options: naive does not go with layers or maxFrame: it knows no messages',
  ],
  [
    '{ serve: echo, over: udp, options: { maxSendBuffer: 1000 } }',
    '46 target.options: maxSendBuffer is for TCP, not for UDP',
  ],
  ['{ serve: echo, options: { protocol: tlv } }', '45 target.options.protocol: expected raw, line or frame, got "tlv"'],
])('parseScenario() says what does not go together: %s', (target, fault) => {
  const faults = faultsWith(`target: ${target}`)
  expect(faults.filter(text => text.includes('.options'))).toEqual(fault === undefined ? [] : [`s.yaml:2:${fault}`])
})

test('parseScenario() refuses a server with another framing than the scenario', () => {
  const wanted = 'expected line, the framing of the scenario, which { broadcast: { framing: json } } sets in protocol'
  const served = (options: string) => `target: { serve: broadcast, options: { ${options} } }`
  expect(faultsWith(served('framing: json'), 'protocol: broadcast')).toEqual([
    `s.yaml:2:49 target.options.framing: ${wanted}, got "json"`,
  ])
  expect(faultsWith(served('framing: lines'), 'protocol: broadcast')).toEqual([
    's.yaml:2:49 target.options.framing: expected line, json, text or websocket, got "lines"',
  ])
  expect(faultsWith(served('framing: text'), 'protocol: { broadcast: { framing: text } }')).toEqual([])
  expect(faultsWith('target: { serve: echo, options: { framing: line } }')).toEqual([
    's.yaml:2:35 target.options: framing is for broadcast, not for echo',
  ])
})

test('parseScenario() checks the options of every environment', () => {
  expect(faultsWith('environments: { far: { serve: echo, options: { group: a } } }')).toEqual([
    's.yaml:5:48 environments.far.options: group is for rpc, not for echo',
  ])
})
