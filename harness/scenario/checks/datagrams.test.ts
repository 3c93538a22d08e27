import { expect, test } from 'vitest'
import { parseScenario } from '../load.ts'
import { isDatagramTarget } from '../resolve.ts'
import { faultsWith, minimalWith } from '../testing/faults.ts'

const udp = 'target: { address: "udp://h:1" }'
const noIds = (name: string) =>
  `over UDP with protocol ${name}: its replies have no id, so the next one would be taken for a lost one`

test.each([
  [[udp, 'load: { pipeline: 4 }'], [`5:19 load.pipeline: expected 1 ${noIds('raw')}, got 4`]],
  [
    [udp, 'protocol: tlv', 'heartbeat: { every: 1s, send: a }'],
    [`5:1 heartbeat.reply: expected false ${noIds('tlv')}, got true`],
  ],
  [
    [udp, 'protocol: http', 'loop: [{ send: GET / }]'],
    ['3:11 protocol: expected raw, line, frame, tlv or rpc over UDP, got http'],
  ],
  [[udp, 'protocol: tlv', 'key: secret'], ['5:1 key needs TCP: over UDP there is no connection to authenticate']],
  [
    ['target: { serve: echo, over: udp, relay: { reset: 1% } }'],
    ['2:51 target.relay.reset: needs TCP: UDP has no connections'],
  ],
  [
    ['target: { serve: echo, options: { listen: "udp://127.0.0.1:80" } }'],
    ['2:43 target.options.listen: expected host:port, with over: udp beside serve, got "udp://127.0.0.1:80"'],
  ],
  [
    ['target: { serve: echo, over: udp }', 'wire: { split: 3 }'],
    ['5:7 wire: needs a stream: over UDP each write is a datagram'],
  ],
  [
    ['environments: { far: { serve: echo, over: udp } }', 'load: { pipeline: 2 }'],
    [`6:19 load.pipeline: expected 1 ${noIds('raw')}, got 2`],
  ],
])('parseScenario() refuses what cannot be used over UDP: %s', (lines, faults) => {
  expect(faultsWith(...lines)).toEqual(faults.map(fault => `s.yaml:${fault}`))
})

test.each([
  ['target: { serve: rpc, over: udp }', 'protocol: rpc', 'load: { pipeline: 100 }'],
  [
    udp,
    'protocol: { frame: { id: { offset: 4, bytes: 2 } } }',
    'load: { pipeline: 4 }',
    'heartbeat: { every: 1s, send: a }',
  ],
  [udp, 'protocol: line', 'heartbeat: { every: 1s, send: a, reply: false }'],
  ['target: { command: "run {port}", address: "udp://127.0.0.1:{port}" }', 'protocol: frame'],
  ['target: { serve: tlv, over: udp, relay: { loss: 2% } }', 'protocol: tlv'],
])('parseScenario() accepts over UDP: %s %s', (...lines) => {
  expect(isDatagramTarget(parseScenario(minimalWith(...lines), 's.yaml', [], {}).scenario.target)).toBe(true)
})

test.each(['{ serve: echo }', '{ serve: echo, over: tcp }', '{ address: "tcp://h:1" }', '{ command: "run {port}" }'])(
  'isDatagramTarget() is false for %s',
  target => {
    const { scenario } = parseScenario(minimalWith(`target: ${target}`), 's.yaml', [], {})
    expect(isDatagramTarget(scenario.target)).toBe(false)
  },
)
